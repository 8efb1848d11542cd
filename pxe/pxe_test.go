package pxe

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"socle/inventory"
)

// files is a Files of memory; a nil content is one that cannot be read.
type files map[string][]byte

type memFile struct{ *bytes.Reader }

func (memFile) Close() error   { return nil }
func (memFile) Digest() string { return "sha256:abc" }

type brokenFile struct{ memFile }

func (brokenFile) Read([]byte) (int, error) {
	return 0, errors.New("/srv/secret/path: input/output error")
}

func (f files) Open(name string) (io.ReadSeekCloser, int64, error) {
	b, ok := f[name]
	switch {
	case !ok:
		return nil, 0, fmt.Errorf("opening /srv/secret/path/%s: %w", name, fs.ErrNotExist)
	case b == nil:
		return brokenFile{memFile{bytes.NewReader(make([]byte, 1000))}}, 1000, nil
	}
	return memFile{bytes.NewReader(b)}, int64(len(b)), nil
}

type planner struct {
	plan Plan
	err  error
}

func (p planner) Plan(context.Context, Client) (Plan, error) { return p.plan, p.err }

type recorder struct {
	mu  sync.Mutex
	all []inventory.Evidence
}

func (r *recorder) Record(e inventory.Evidence) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, e)
}

// has waits up to 2 s for a piece of evidence: it is recorded after the client has its answer.
func (r *recorder) has(source, asked, reply string) bool {
	for range 100 {
		for _, e := range r.list() {
			if e.Source == source && strings.Contains(e.Asked, asked) && strings.Contains(e.Reply, reply) {
				return true
			}
		}
		time.Sleep(20 * time.Millisecond)
	}
	return false
}

func (r *recorder) list() []inventory.Evidence {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.all)
}

func TestDecide(t *testing.T) {
	for _, tc := range []struct {
		name  string
		c     Client
		known bool
		boot  inventory.Boot
		act   Action
		file  string
	}{
		{"BIOS, unknown", Client{Arch: ArchBIOS}, false, "", ActTFTP, "undionly.kpxe"},
		{"UEFI, unknown", Client{Arch: ArchEFIX64}, false, "", ActTFTP, "snponly.efi"},
		{"UEFI, the other number", Client{Arch: ArchEFIX64Alt}, false, "", ActTFTP, "snponly.efi"},
		{"UEFI HTTP boot", Client{Arch: ArchEFIX64HTTP, HTTPBoot: true}, false, "", ActHTTP, "/boot/files/snponly.efi"},
		{"ramdisk wanted", Client{Arch: ArchBIOS}, true, inventory.BootRamdisk, ActTFTP, "undionly.kpxe"},
		{"nothing wanted: the script says so", Client{Arch: ArchBIOS}, true, inventory.BootNothing, ActTFTP, "undionly.kpxe"},
		{"disk wanted", Client{Arch: ArchBIOS}, true, inventory.BootDisk, ActNothing, ""},
		{"disk, but not known", Client{Arch: ArchBIOS}, false, inventory.BootDisk, ActTFTP, "undionly.kpxe"},
		{"iPXE gets the script also for the disk", Client{Arch: ArchBIOS, IPXE: true}, true, inventory.BootDisk, ActScript, "/boot/start.ipxe"},
		{"no loader for 32 bits", Client{Arch: ArchEFI386}, false, "", ActNothing, ""},
		{"an architecture nobody knows", Client{Arch: 4711}, false, "", ActNothing, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := Decide(tc.c, Wanted{Known: tc.known, Target: tc.boot})
			if d.Action != tc.act || d.File != tc.file || d.Why == "" {
				t.Errorf("got %+v", d)
			}
		})
	}
}

// tried makes the history of a card, each way with its count.
func tried(pairs ...any) (n inventory.NetBoot) {
	for i := 0; i < len(pairs); i += 2 {
		n.Tries = append(n.Tries, inventory.BootTry{Path: pairs[i].(inventory.BootPath), Count: pairs[i+1].(int)})
	}
	return n
}

func TestDecideByWhatWasTried(t *testing.T) {
	const bios, biosDrivers = inventory.PathBIOS, inventory.PathBIOSDrivers
	const http, room, tftp, drivers, signed = inventory.PathHTTP, inventory.PathRoom, inventory.PathTFTP, inventory.PathDrivers, inventory.PathSigned
	came := func(p inventory.BootPath, n inventory.NetBoot) inventory.NetBoot { n.Came = p; return n }
	for _, tc := range []struct {
		name  string
		arch  Arch
		net   inventory.NetBoot
		tries int
		want  string // the file
		why   string
	}{
		{"PXE, never tried", ArchEFIX64, tried(), 0, "snponly.efi", "UEFI x86-64"},
		{"PXE, once", ArchEFIX64, tried(tftp, 1), 0, "snponly.efi", "UEFI x86-64"},
		{"PXE, twice", ArchEFIX64, tried(tftp, 2), 0, "ipxe.efi", "no agent came by iPXE by TFTP twice"},
		{"PXE, drivers once", ArchEFIX64, tried(tftp, 2, drivers, 1), 0, "ipxe.efi", "own drivers once"},
		{"PXE, drivers twice", ArchEFIX64, tried(tftp, 2, drivers, 2), 0, "shimx64.efi", "own drivers twice"},
		{"PXE, all, begins anew", ArchEFIX64, tried(tftp, 2, drivers, 2, signed, 2), 0, "snponly.efi", "UEFI x86-64"},
		{"PXE, second round", ArchEFIX64, tried(tftp, 4, drivers, 3, signed, 2), 0, "ipxe.efi", "iPXE by TFTP 4 times"},
		{"PXE, the other number", ArchEFIX64Alt, tried(tftp, 2), 0, "ipxe.efi", "no agent came"},
		{"PXE does not count HTTP", ArchEFIX64, tried(http, 9), 0, "snponly.efi", "UEFI x86-64"},
		{"PXE, three tries wanted", ArchEFIX64, tried(tftp, 2), 3, "snponly.efi", "UEFI x86-64"},
		{"PXE, one try wanted", ArchEFIX64, tried(tftp, 1, drivers, 1), 1, "shimx64.efi", "no agent came"},
		{"HTTP, never tried", ArchEFIX64HTTP, tried(), 0, "/boot/files/snponly.efi", "UEFI x86-64 HTTP"},
		{"HTTP makes room for PXE", ArchEFIX64HTTP, tried(http, 2), 0, "", "to make it try PXE"},
		{"HTTP, PXE had its turn", ArchEFIX64HTTP, tried(http, 2, room, 2), 0, "/boot/files/ipxe.efi", "no agent came"},
		{"HTTP, all, begins anew", ArchEFIX64HTTP, tried(http, 2, room, 2, drivers, 2), 0, "/boot/files/snponly.efi", "UEFI x86-64 HTTP"},
		{"came signed, PXE", ArchEFIX64, came(signed, tried()), 0, "shimx64.efi", "came by signed shim and GRUB before"},
		{"came signed, HTTP goes on to PXE sooner or later", ArchEFIX64HTTP, came(signed, tried(signed, 1)), 0, "/boot/files/snponly.efi", "UEFI x86-64 HTTP"},
		{"came by its own drivers", ArchEFIX64, came(drivers, tried()), 0, "ipxe.efi", "came by iPXE with its own drivers before"},
		{"came by its own drivers, not now", ArchEFIX64, came(drivers, tried(drivers, 2)), 0, "snponly.efi", "UEFI x86-64"},
		{"came by TFTP, by HTTP now", ArchEFIX64HTTP, came(tftp, tried()), 0, "/boot/files/snponly.efi", "UEFI x86-64 HTTP"},
		{"BIOS, never tried", ArchBIOS, tried(), 0, "undionly.kpxe", "BIOS"},
		{"BIOS, twice", ArchBIOS, tried(bios, 2), 0, "ipxe.pxe", "no agent came"},
		{"BIOS, all, begins anew", ArchBIOS, tried(bios, 2, biosDrivers, 2), 0, "undionly.kpxe", "BIOS"},
		{"arm64 by HTTP makes room", ArchEFIARM64HTTP, tried(), 0, "", "to make it try PXE"},
		{"arm64 has one way", ArchEFIARM64, tried(inventory.PathARM64, 5), 0, "shimaa64.efi", "UEFI arm64"},
		{"came signed, the one way of arm64", ArchEFIARM64, came(signed, tried()), 0, "shimaa64.efi", "UEFI arm64"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := Decide(Client{Arch: tc.arch}, Wanted{Net: tc.net, Tries: tc.tries})
			if d.File != tc.want || !strings.Contains(d.Why, tc.why) || (d.Action == ActNothing) != (d.File == "") {
				t.Errorf("got %+v", d)
			}
			if (d.Path == inventory.PathRoom) != (tc.want == "") {
				t.Errorf("counts as a try of %q", d.Path)
			}
		})
	}
}

// TestDecideOverTLS: a client of HTTP boot that shall use TLS is given nothing in clear, whatever was tried before, and
// nothing is changed for all others.
func TestDecideOverTLS(t *testing.T) {
	const mac = "52:54:00:00:00:0a"
	for _, f := range Firmwares() {
		for _, boots := range []bool{false, true} {
			for _, net := range []inventory.NetBoot{{}, tried(inventory.PathTLS, 9), {Came: inventory.PathSigned}, {Came: inventory.PathHTTP}} {
				c := Client{MAC: mac, Arch: f.Arch, HTTPBoot: boots}
				d, usual := Decide(c, Wanted{TLS: true, Net: net}), Decide(c, Wanted{Net: net})
				switch overHTTP := f.HTTP || boots; {
				case !overHTTP && d != usual:
					t.Errorf("%s: %+v, not the usual %+v", f.Name, d, usual)
				case overHTTP && len(f.Ways) > 0 && f.Ways[0].Path != inventory.PathBIOS && !strings.Contains(f.Name, "arm64"):
					if d.Action != ActHTTPS || d.File != UnifiedPath+"?mac=52%3A54%3A00%3A00%3A00%3A0a" {
						t.Errorf("%s by HTTP boot: %+v", f.Name, d)
					}
				case overHTTP && d.Action != ActNothing:
					t.Errorf("%s by HTTP boot: %+v, want nothing", f.Name, d)
				}
			}
		}
	}
	if d := Decide(Client{MAC: mac, Arch: ArchEFIX64HTTP}, Wanted{TLS: true, Known: true, Target: inventory.BootDisk}); d.Action != ActNothing {
		t.Errorf("a machine that shall boot its disk gets %+v", d)
	}
}

// TestEveryWayComesToItsEnd plays a machine that never reaches the agent: it has to be given each way as often
// as wanted, and only then count as exhausted.
func TestEveryWayComesToItsEnd(t *testing.T) {
	for _, f := range Firmwares() {
		var n inventory.NetBoot
		for range 2 * len(f.Ways) {
			if n.Exhausted(2) {
				t.Errorf("%s is exhausted after %s", f.Name, n.Tried())
			}
			d := Decide(Client{Arch: f.Arch}, Wanted{Net: n, Tries: 2})
			path := d.Path
			if path == "" {
				path = loaderPath(strings.TrimPrefix(d.File, FilesPath), f.HTTP)
			}
			if path == "" {
				t.Fatalf("%s: nobody knows the way of %+v", f.Name, d)
			}
			if i := slices.IndexFunc(n.Tries, func(b inventory.BootTry) bool { return b.Path == path }); i >= 0 {
				n.Tries[i].Count++
			} else {
				n.Tries = append(n.Tries, inventory.BootTry{Path: path, Count: 1})
			}
		}
		if len(f.Ways) > 0 && !n.Exhausted(2) {
			t.Errorf("%s is not exhausted after %s", f.Name, n.Tried())
		}
		if len(f.Ways) > 0 && Decide(Client{Arch: f.Arch}, Wanted{Net: n, Tries: 2}) != Decide(Client{Arch: f.Arch}, Wanted{}) {
			t.Errorf("%s does not begin anew", f.Name)
		}
	}
}

func TestTry(t *testing.T) {
	tftp := func(file string, o inventory.Outcome) inventory.Evidence {
		return inventory.Evidence{Kind: inventory.SawTFTP, File: file, Outcome: o}
	}
	http := func(file string, o inventory.Outcome) inventory.Evidence {
		return inventory.Evidence{Kind: inventory.SawFile, File: file, Outcome: o}
	}
	for _, tc := range []struct {
		e    inventory.Evidence
		want inventory.BootPath
	}{
		{tftp("snponly.efi", inventory.OutComplete), inventory.PathTFTP},
		{tftp("/snponly.efi", inventory.OutComplete), inventory.PathTFTP},
		{tftp("snponly.efi", inventory.OutProbe), ""},
		{tftp("snponly.efi", inventory.OutStalled), ""},
		{tftp("undionly.kpxe", inventory.OutComplete), inventory.PathBIOS},
		{tftp("ipxe.pxe", inventory.OutComplete), inventory.PathBIOSDrivers},
		{tftp("shimx64.efi", inventory.OutComplete), inventory.PathSigned},
		{tftp("grubx64.efi", inventory.OutComplete), ""},
		{tftp("ramdisk/vmlinuz", inventory.OutComplete), ""},
		{http("snponly.efi", inventory.OutComplete), inventory.PathHTTP},
		{http("snponly.efi", inventory.OutAborted), ""},
		{http("ipxe.efi", inventory.OutComplete), inventory.PathDrivers},
		{http("ramdisk/vmlinuz", inventory.OutComplete), ""},
		{inventory.Evidence{Kind: inventory.SawDiscover, Outcome: inventory.OutNoFile, Path: inventory.PathTFTP}, inventory.PathTFTP},
		{inventory.Evidence{Kind: inventory.SawDiscover, Outcome: inventory.OutNoFile}, ""},
	} {
		if got := Try(tc.e); got != tc.want {
			t.Errorf("%+v is a try of %q, want %q", tc.e, got, tc.want)
		}
	}
}

func serveHTTP(t *testing.T, p Planner, f Files) (url string, r *recorder) {
	t.Helper()
	r = &recorder{}
	h, err := NewHTTP(HTTPOptions{BootURL: testBase, Planner: p, Files: f, Recorder: r,
		Holder: func(netip.Addr) (string, bool) { return "52:54:00:00:00:0a", true }})
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL, r
}

func curl(t *testing.T, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, "curl", append([]string{"-sS"}, args...)...).CombinedOutput()
	if err != nil {
		t.Logf("curl: %v", err)
	}
	return string(out)
}

func TestScriptAnswers(t *testing.T) {
	for _, tc := range []struct {
		name, query string
		p           planner
		golden      string
	}{
		{"ramdisk", "?mac=52:54:00:00:00:0a&arch=i386&platform=pcbios", planner{plan: Plan{Target: inventory.BootRamdisk, Name: "hv01",
			Params: []string{"socle.server=https://198.18.0.1:8443", "socle.token=t0-K_en", "quiet"}}}, "ramdisk-bios.ipxe"},
		{"disk", "?mac=52:54:00:00:00:0a&arch=x86_64&platform=efi", planner{plan: Plan{Target: inventory.BootDisk, Name: "hv01"}}, "disk-uefi.ipxe"},
		{"nothing", "?mac=52:54:00:00:00:0a", planner{plan: Plan{Name: "hv01"}}, "nothing.ipxe"},
		{"unknown", "?mac=52:54:00:00:00:0a", planner{err: fmt.Errorf("looking: %w", ErrUnknown)}, "unknown.ipxe"},
		{"database away", "?mac=52:54:00:00:00:0a", planner{err: errors.New("dial tcp: connection refused")}, "unavailable.ipxe"},
		{"parameter that breaks out", "?mac=52:54:00:00:00:0a", planner{plan: Plan{Target: inventory.BootRamdisk, Params: []string{"a\nshell"}}}, "unavailable.ipxe"},
		{"target of another version", "?mac=52:54:00:00:00:0a", planner{plan: Plan{Target: "moon"}}, "unavailable.ipxe"},
		{"nobody", "", planner{}, "anonymous.ipxe"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			url, rec := serveHTTP(t, tc.p, files{})
			golden(t, tc.golden, []byte(curl(t, "--fail", url+"/boot/script.ipxe"+tc.query)))
			if !rec.has("http", "script arch=", "script ") {
				t.Errorf("no evidence: %+v", rec.list())
			}
		})
	}
}

func TestScriptOnlyForTheHolderOfTheAddress(t *testing.T) {
	const mac = "52:54:00:00:00:0a"
	for _, tc := range []struct {
		name    string
		holder  string
		require bool
		want    string
	}{
		{"its own address", mac, true, "nothing.ipxe"},
		{"another's address", "52:54:00:00:00:0b", false, "stranger.ipxe"},
		{"nobody's address", "", false, "nothing.ipxe"},
		{"nobody's address, leases required", "", true, "stranger.ipxe"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h, err := NewHTTP(HTTPOptions{BootURL: testBase, Files: files{}, Planner: planner{plan: Plan{Name: "hv01"}}, RequireLease: tc.require,
				Holder: func(netip.Addr) (string, bool) { return tc.holder, tc.holder != "" }})
			if err != nil {
				t.Fatal(err)
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest("GET", "/boot/script.ipxe?mac="+mac, nil))
			golden(t, tc.want, w.Body.Bytes())
		})
	}
}

func TestPlannerThatHangs(t *testing.T) {
	h, err := NewHTTP(HTTPOptions{BootURL: testBase, Files: files{}, PlanTimeout: 10 * time.Millisecond, Planner: hanging{}})
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/boot/script.ipxe?mac=52:54:00:00:00:0a", nil))
	golden(t, "unavailable.ipxe", w.Body.Bytes())
}

type hanging struct{}

func (hanging) Plan(ctx context.Context, _ Client) (Plan, error) {
	<-ctx.Done()
	return Plan{}, ctx.Err()
}

func TestFilesByHTTP(t *testing.T) {
	content := bytes.Repeat([]byte("0123456789"), 100000)
	url, rec := serveHTTP(t, planner{}, files{"ramdisk/initrd": content})
	if got := curl(t, url+"/boot/files/ramdisk/initrd"); got != string(content) {
		t.Errorf("got %d bytes", len(got))
	}
	if got := curl(t, "-r", "10-14", url+"/boot/files/ramdisk/initrd"); got != "01234" {
		t.Errorf("range: %q", got)
	}
	if got := curl(t, "-I", url+"/boot/files/ramdisk/initrd"); !strings.Contains(got, `"sha256:abc"`) || !strings.Contains(got, "1000000") {
		t.Errorf("head: %s", got)
	}
	if got := curl(t, "-o", os.DevNull, "-w", "%{http_code}", "-H", `If-None-Match: "sha256:abc"`, url+"/boot/files/ramdisk/initrd"); got != "304" {
		t.Errorf("etag: %s", got)
	}
	if !rec.has("http", `"ramdisk/initrd"`, "1000000 of 1000000 bytes") || !rec.has("http", "range=", "206, 5 of") || rec.list()[0].MAC != "52:54:00:00:00:0a" {
		t.Errorf("evidence: %+v", rec.list())
	}
	for _, path := range []string{"nope", "../../etc/passwd", "..%2f..%2fetc%2fpasswd", "%2fetc/passwd", "a%00b", "", "ramdisk%5cinitrd"} {
		got := curl(t, "--path-as-is", "-w", "%{http_code}", url+"/boot/files/"+path)
		if !strings.HasSuffix(got, "404") && !strings.HasSuffix(got, "301") && !strings.HasSuffix(got, "307") || strings.Contains(got, "/srv") {
			t.Errorf("%q: %s", path, got)
		}
	}
	if got := curl(t, "-X", "POST", "-o", os.DevNull, "-w", "%{http_code}", url+"/boot/start.ipxe"); got != "405" {
		t.Errorf("POST: %s", got)
	}
}

// TestFileIsSentByTheKernel checks that the writer that ServeContent sees can take a file whole, also below
// a framework's wrapper.
func TestFileIsSentByTheKernel(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	var used bool
	h, err := NewHTTP(HTTPOptions{BootURL: testBase, Planner: planner{}, Files: onDisk{path}})
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(wrapper{spy{w, &used}}, r)
	}))
	defer s.Close()
	out := curl(t, "-D", "-", s.URL+"/boot/files/any")
	if !used || !strings.HasSuffix(out, "hello") || !strings.Contains(out, `Etag: "5-`) {
		t.Errorf("ReadFrom used: %v\n%s", used, out)
	}
}

type wrapper struct{ http.ResponseWriter }

func (w wrapper) Unwrap() http.ResponseWriter { return w.ResponseWriter }

type spy struct {
	http.ResponseWriter
	used *bool
}

func (s spy) ReadFrom(r io.Reader) (int64, error) {
	*s.used = true
	return s.ResponseWriter.(io.ReaderFrom).ReadFrom(r)
}

type onDisk struct{ path string }

func (o onDisk) Open(string) (io.ReadSeekCloser, int64, error) {
	f, err := os.Open(o.path)
	return f, 5, err
}

func TestFirmwareTable(t *testing.T) {
	seen := map[Arch]bool{}
	for _, f := range Firmwares() {
		if f.Name == "" || seen[f.Arch] {
			t.Errorf("line %+v", f)
		}
		seen[f.Arch] = true
	}
	if d := cmp.Diff("undionly.kpxe", BootFile(Client{Arch: ArchBIOS})); d != "" {
		t.Error(d)
	}
}
