package pxe

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"socle/inventory"
)

// TestFailedIsNoted: what a script gives up becomes evidence under the machine's MAC, in words of ours only.
func TestFailedIsNoted(t *testing.T) {
	url, rec := serveHTTP(t, planner{}, files{})
	for _, tc := range []struct {
		query, asked, reply, file string
	}{
		{"step=kernel&tries=10&error=0x2d0c613b", "iPXE gave up after 10 tries", "the kernel could not be fetched, or is none that it can start, error 2d0c613b", "ramdisk/vmlinuz"},
		{"step=initrd&tries=10&error=", "iPXE gave up after 10 tries", "the ramdisk could not be fetched", "ramdisk/initrd"},
		{"step=start&tries=1&error=%0a<b>", "iPXE gave up", "the kernel was fetched and did not start", "ramdisk/vmlinuz"},
		{"step=disk&tries=1&error=2d0c613", "iPXE gave up", "the first disk did not boot", "disk"},
	} {
		if got := curl(t, "-w", "%{http_code}", url+FailedPath+"?mac=52:54:00:00:00:0a&"+tc.query); got != "noted\n200" {
			t.Errorf("%s: %q", tc.query, got)
		}
		if !rec.has("http", tc.asked, tc.reply) {
			t.Fatalf("%s: %+v", tc.query, rec.list())
		}
		all := rec.list()
		e := all[len(all)-1]
		if e.Asked != tc.asked || e.Reply != tc.reply || e.File != tc.file || e.Kind != inventory.SawFailure || e.Outcome != inventory.OutGaveUp ||
			e.MAC != "52:54:00:00:00:0a" || e.Addr != netip.MustParseAddr("127.0.0.1") {
			t.Errorf("%s: %+v", tc.query, e)
		}
	}
	before := len(rec.list())
	for _, query := range []string{"", "step=moon&tries=1", "step=kernel&tries=x", "step=kernel&tries=-1", "step=kernel&tries=100000"} {
		if got := curl(t, "-o", "/dev/null", "-w", "%{http_code}", url+FailedPath+"?mac=52:54:00:00:00:0a&"+query); got != "400" {
			t.Errorf("%q: %s", query, got)
		}
	}
	if n := len(rec.list()); n != before {
		t.Errorf("%d lines of what nobody can have given up", n-before)
	}
}

// TestFailedOfAnother: a machine speaks for itself only.
func TestFailedOfAnother(t *testing.T) {
	for holder, want := range map[string]string{"52:54:00:00:00:0b": "52:54:00:00:00:0b", "": ""} {
		rec := &recorder{}
		h, err := NewHTTP(HTTPOptions{BootURL: testBase, Files: files{}, Planner: planner{}, Recorder: rec, RequireLease: true,
			Holder: func(netip.Addr) (string, bool) { return holder, holder != "" }})
		if err != nil {
			t.Fatal(err)
		}
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, FailedPath+"?mac=52:54:00:00:00:0a&step=kernel&tries=10", nil))
		if all := rec.list(); len(all) != 1 || all[0].MAC != want {
			t.Errorf("in the name of another, from the address of %q: %+v", holder, all)
		}
	}
}

// TestScriptsGiveUpByName: each step that the scripts name is one that is understood.
func TestScriptsGiveUpByName(t *testing.T) {
	for _, tc := range []struct {
		golden string
		steps  []string
	}{{"ramdisk-uefi.ipxe", []string{"kernel", "initrd", "start"}}, {"ramdisk.cfg", []string{"kernel", "initrd", "start"}}} {
		text := read(t, filepath.Join("testdata", tc.golden))
		for _, step := range tc.steps {
			if _, ok := giveUpOf(step); !ok || !strings.Contains(text, "set step "+step+"\n") && !strings.Contains(text, "set step="+step+"\n") {
				t.Errorf("%s does not name %s, or nobody knows it", tc.golden, step)
			}
		}
		if n := strings.Count(text, "set step"); n != len(tc.steps) {
			t.Errorf("%s names %d steps", tc.golden, n)
		}
	}
	if text := read(t, "testdata/disk-bios.ipxe"); !strings.Contains(text, FailedPath+"?mac=52:54:00:00:00:0a&step=disk&tries=1&") {
		t.Errorf("the disk's script says nothing of a disk that does not boot:\n%s", text)
	}
}

// TestGRUBSaysWhatFailed asks as GRUB does, by TFTP, with a client that somebody else wrote.
func TestGRUBSaysWhatFailed(t *testing.T) {
	grub := &recorder{}
	resolve, err := NewGRUB(HTTPOptions{BootURL: testBase, Files: files{}, Planner: planner{}, Recorder: grub})
	if err != nil {
		t.Fatal(err)
	}
	addr, rec := serveTFTP(t, TFTPOptions{Files: files{}, Resolve: resolve})
	for _, tc := range []struct{ name, file string }{
		{"/grub/failed-x86_64/01-52:54:00:00:00:0a/kernel", "ramdisk/vmlinuz"},
		{"/grub/failed-arm64/01-52:54:00:00:00:0a/initrd", "ramdisk-arm64/initrd"},
	} {
		if got := curl(t, "tftp://"+addr.String()+"/"+tc.name); got != "# noted\n" { // tftp-hpa takes "52:54" for a host
			t.Errorf("%s: %q", tc.name, got)
		}
		if !grub.has("tftp", "GRUB gave up", "could not be fetched") {
			t.Fatalf("%+v", grub.list())
		}
		all := grub.list()
		if e := all[len(all)-1]; e.File != tc.file || e.MAC != "52:54:00:00:00:0a" || e.Kind != inventory.SawFailure {
			t.Errorf("%s: %+v", tc.name, e)
		}
	}
	if got := curl(t, "tftp://"+addr.String()+"/grub/failed-x86_64/01-52:54:00:00:00:0a/moon"); !strings.Contains(got, "curl: (68)") { // file not found
		t.Errorf("a step that does not exist: %q", got)
	}
	if !rec.has("tftp", "moon", "not found") {
		t.Errorf("%+v", rec.list())
	}
	for _, e := range rec.list() {
		if e.Outcome == inventory.OutComplete {
			t.Errorf("a failure counts as a file: %+v", e)
		}
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(fmt.Errorf("reading %s: %w", path, err))
	}
	return string(b)
}
