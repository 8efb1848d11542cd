package why

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"socle/dhcp"
	"socle/dhcp/probe"
	"socle/internal/nettest"
	"socle/internal/pki"
	"socle/inventory"
	"socle/inventory/verdict"
	"socle/pxe"
)

// TestMain moves the test into a network namespace of its own.
func TestMain(m *testing.M) {
	if !nettest.Isolated() {
		if err := build(); err != nil {
			fmt.Fprintln(os.Stderr, "building what is booted:", err)
			os.Exit(1)
		}
	}
	nettest.Isolate("the verdicts")
	os.Exit(m.Run())
}

const (
	nic, nic2, other = "52:54:00:00:00:0a", "52:54:00:00:00:0b", "52:54:00:00:00:0c"
	own              = "198.18.0.1"
	bootURL          = "http://198.18.0.1:8080"
	secureURL        = "https://198.18.0.1:8444"
)

// room is a network with a switch (a bridge of the kernel), and everything of Socle's that serves a boot on it.
type room struct {
	t      *testing.T
	leases *leases
	files  string // folder of the ramdisk's files
	web    *http.Server
	mu     sync.Mutex
	lines  []inventory.Evidence
	plan   func() (pxe.Plan, error)
	news   chan struct{}
	serves chan string // the addresses with which DHCP serves the interface, each time that it begins to
	// wants is what the machine is to boot; the verdict is drawn for it.
	wants inventory.Boot
}

// newRoom serves 198.18.0.0/24 with the given range of addresses.
func newRoom(t *testing.T, first, last string) *room {
	t.Helper()
	return furnish(t, subnet(first, last))
}

func subnet(first, last string) inventory.Subnet {
	return inventory.Subnet{Name: "prov", Interface: "prov0", Prefix: netip.MustParsePrefix("198.18.0.0/24"),
		PoolFirst: netip.MustParseAddr(first), PoolLast: netip.MustParseAddr(last), LeaseTime: time.Hour}
}

// furnish serves subnets.
func furnish(t *testing.T, subnets ...inventory.Subnet) *room {
	t.Helper()
	r := &room{t: t, leases: &leases{byAddr: map[netip.Addr]inventory.Lease{}}, files: t.TempDir(), news: make(chan struct{}, 1), wants: inventory.BootRamdisk,
		serves: make(chan string, 16)}
	r.plan = func() (pxe.Plan, error) {
		return pxe.Plan{Target: inventory.BootRamdisk, Machine: "m1", Name: "hv01", Params: []string{"socle.server=https://198.18.0.1:8443"}}, nil
	}
	network(t)
	w := probe.NewWatch(probe.WatchOptions{Subnets: subnets, Record: r.Record, Raise: func(inventory.Event) {}, Log: slog.New(slog.DiscardHandler)})
	r.run(w.Run)
	s, err := dhcp.New(dhcp.Options{Subnets: subnets, View: r, Leases: r.leases, Recorder: w, BootURL: bootURL, BootTLSURL: secureURL, Recheck: 100 * time.Millisecond, Log: slog.New(told{r.serves})})
	r.must(err)
	r.run(s.Serve)
	h, err := pxe.NewHTTP(pxe.HTTPOptions{BootURL: bootURL, Planner: r, Files: r, Recorder: r, Holder: s.Holder, RequireLease: true})
	r.must(err)
	l, err := net.Listen("tcp4", own+":8080")
	r.must(err)
	r.web = &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = r.web.Serve(l) }()
	t.Cleanup(func() { _ = r.web.Close() })
	r.secure(h, s.Holder)
	tf, err := pxe.NewTFTP(pxe.TFTPOptions{Listen: own + ":69", Files: r, Recorder: r, Holder: s.Holder, Timeout: 200 * time.Millisecond})
	r.must(err)
	r.must(tf.Listen())
	r.run(tf.Serve)
	r.awaitServing("[" + own + "]")
	return r
}

// network makes the switch, and the interface prov0 at it.
func network(t *testing.T) {
	t.Helper()
	sh(t, "ip link set lo up; ip link add sw0 type bridge; ip link set sw0 arp off up; ip link add prov0 type veth peer name sw-prov0; "+
		"ip link set sw-prov0 master sw0 up; ip addr add "+own+"/24 dev prov0; ip link set prov0 up")
	t.Cleanup(func() { _ = exec.Command("sh", "-c", "ip link del prov0; ip link del sw0").Run() })
}

// secure serves the boot HTTPS, with an authority that no client knows.
func (r *room) secure(h http.Handler, holder func(netip.Addr) (string, bool)) {
	r.t.Helper()
	ca, err := pki.OpenFirmware(filepath.Join(r.files, "boot-ca"))
	r.must(err)
	r.must(os.WriteFile(filepath.Join(r.files, "boot-ca.crt"), ca.CertPEM(), 0o600))
	pair, err := ca.ServerPair(filepath.Join(r.files, "boot-ca"), "server", nil, []netip.Addr{netip.MustParseAddr(own)})
	r.must(err)
	l, err := net.Listen("tcp4", own+":8444")
	r.must(err)
	failed := pxe.Handshakes{Line: inventory.Evidence{Source: "http", Kind: inventory.SawHandshake, Asked: "TLS handshake"}, Recorder: r, Holder: holder, Now: time.Now}
	s := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second, ConnState: failed.ConnState, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
	go func() { _ = s.Serve(failed.Listen(l, ca.FirmwareTLSConfig(pair))) }()
	r.t.Cleanup(func() { _ = s.Close() })
}

func (r *room) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// run runs a part of the server for the test's time.
func (r *room) run(serve func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- serve(ctx) }()
	r.t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			r.t.Errorf("serving: %v", err)
		}
	})
}

// told is a log of which only is kept that, and with which addresses, DHCP serves its interface.
type told struct{ serves chan string }

// Enabled implements slog.Handler.
func (h told) Enabled(context.Context, slog.Level) bool { return true }

// WithAttrs implements slog.Handler.
func (h told) WithAttrs([]slog.Attr) slog.Handler { return h }

// WithGroup implements slog.Handler.
func (h told) WithGroup(string) slog.Handler { return h }

// Handle implements slog.Handler.
func (h told) Handle(_ context.Context, l slog.Record) error {
	l.Attrs(func(a slog.Attr) bool {
		if a.Key == "addresses" {
			select {
			case h.serves <- a.Value.String():
			default:
			}
		}
		return true
	})
	return nil
}

// awaitServing waits until DHCP serves the interface with these addresses.
func (r *room) awaitServing(addresses string) {
	r.t.Helper()
	for late := time.After(20 * time.Second); ; {
		select {
		case got := <-r.serves:
			if got == addresses {
				return
			}
		case <-late:
			r.t.Fatalf("DHCP does not serve with the addresses %s", addresses)
		}
	}
}

// Host implements dhcp.View.
func (r *room) Host(mac string) (dhcp.Host, bool) {
	if mac != nic && mac != nic2 {
		return dhcp.Host{}, false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return dhcp.Host{Machine: "m1", Name: "hv01", Boot: r.wants}, true
}

// Plan implements pxe.Planner.
func (r *room) Plan(context.Context, pxe.Client) (pxe.Plan, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.plan()
}

// Open implements pxe.Files: Debian's loaders, and what the test put into the folder.
func (r *room) Open(name string) (io.ReadSeekCloser, int64, error) {
	path := filepath.Join(r.files, filepath.Base(name))
	if _, err := os.Lstat(path); err != nil && !strings.HasPrefix(name, "ramdisk/") {
		path = filepath.Join("/usr/lib/ipxe", name)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	st, err := f.Stat()
	if err != nil {
		return nil, 0, err
	}
	return f, st.Size(), nil
}

// put makes a file of the ramdisk.
func (r *room) put(name string, size int) {
	r.t.Helper()
	r.must(os.WriteFile(filepath.Join(r.files, name), make([]byte, size), 0o600))
}

// Record implements pxe.Recorder.
func (r *room) Record(e inventory.Evidence) {
	r.mu.Lock()
	r.lines = append(r.lines, e)
	r.mu.Unlock()
	select {
	case r.news <- struct{}{}:
	default:
	}
}

// power is what the engine records when it powers the machine by its BMC.
func (r *room) power() {
	r.Record(inventory.Evidence{Time: time.Now(), Machine: "m1", Source: "bmc", Kind: inventory.SawOrder, File: "ramdisk", Outcome: inventory.OutDone})
	r.Record(inventory.Evidence{Time: time.Now(), Machine: "m1", Source: "bmc", Kind: inventory.SawPowerOn, Outcome: inventory.OutDone})
}

// judge draws the verdict on the machine as if nothing had come for ten minutes.
func (r *room) judge() verdict.Answer {
	r.mu.Lock()
	defer r.mu.Unlock()
	var mine []inventory.Evidence
	for _, e := range r.lines {
		if e.Machine == "m1" || e.MAC == nic || e.MAC == nic2 {
			mine = append(mine, e)
		}
	}
	return verdict.Judge(verdict.Case{Machine: inventory.Machine{ID: "m1", Boot: r.wants}, Evidence: verdict.InOrder(mine), Now: time.Now().Add(10 * time.Minute)})
}

// wantVerdict waits until the verdict is the wanted one, which must say all of the texts.
func (r *room) wantVerdict(limit time.Duration, id string, texts ...string) {
	r.t.Helper()
	deadline := time.After(limit)
	for {
		a := r.judge()
		if a.Verdict.ID == id && hasAll(a.Verdict.What, texts) {
			if a.Verdict.Standing == verdict.Going || len(a.Verdict.Support) == 0 {
				r.t.Errorf("%s: standing %s, support %v", id, a.Verdict.Standing, a.Verdict.Support)
			}
			r.t.Log(r.words(a))
			return
		}
		select {
		case <-r.news:
		case <-deadline:
			r.logs()
			r.t.Fatalf("the verdict is %s, want %s with %q:\n%s", a.Verdict.ID, id, texts, r.words(a))
		}
	}
}

// words are the story and the verdict, as people read them.
func (r *room) words(a verdict.Answer) string {
	var b strings.Builder
	for _, s := range a.Story {
		fmt.Fprintf(&b, "%s  %s", s.Time.Format(time.TimeOnly), s.Text)
		if s.Times > 1 {
			fmt.Fprintf(&b, " (%d times)", s.Times)
		}
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, "%s: %s (%s, %s)\nCheck: %s.", a.Verdict.Standing, a.Verdict.What, a.Verdict.ID, a.Verdict.Confidence, a.Verdict.Check)
	return b.String()
}

// logs shows what the programs of the machines wrote into their folders.
func (r *room) logs() {
	found, _ := filepath.Glob(filepath.Join(filepath.Dir(r.files), "*", "*.log"))
	for _, path := range found {
		if b, err := os.ReadFile(path); err == nil {
			r.t.Logf("%s:\n%s", filepath.Base(path), b)
		}
	}
}

func hasAll(s string, texts []string) bool {
	for _, x := range texts {
		if !strings.Contains(s, x) {
			return false
		}
	}
	return true
}

// leases keeps leases in memory, and fails when told to.
type leases struct {
	mu     sync.Mutex
	byAddr map[netip.Addr]inventory.Lease
	away   bool
}

func (l *leases) SaveLeases(_ context.Context, list []inventory.Lease) ([]inventory.Lease, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.away {
		return nil, errors.New("the database is away")
	}
	for _, v := range list {
		l.byAddr[v.Addr] = v
	}
	return nil, nil
}

func (l *leases) LeaseChanges(_ context.Context, after int64) (out []inventory.Lease, mark int64, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.away {
		return nil, after, errors.New("the database is away")
	}
	return nil, after, nil
}

func (l *leases) set(away bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.away = away
}

// sh runs a shell script in the test's own namespace.
func sh(t *testing.T, script string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, "sh", "-ec", script).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
	return string(out)
}

// machine is a namespace with an interface eth0 at the switch: the place of a client, a relay or a server.
type machine struct {
	t              *testing.T
	pid, port, mac string
	dir            string
}

// plug puts a machine on the network.
func (r *room) plug(mac string) *machine {
	r.t.Helper()
	m := &machine{t: r.t, mac: mac, pid: nettest.Namespace(r.t), dir: r.t.TempDir()}
	m.port = "pt" + m.pid
	sh(r.t, fmt.Sprintf("ip link add %s type veth peer name eth0 netns %s; ip link set %s master sw0 up", m.port, m.pid, m.port))
	m.sh("ip link set eth0 address " + mac + "; ip link set eth0 up")
	return m
}

// unplug takes the machine off the network for good.
func (m *machine) unplug() {
	m.t.Helper()
	sh(m.t, "ip link del "+m.port)
}

// command prepares a command in the machine's namespace.
func (m *machine) command(script string) *exec.Cmd {
	cmd := exec.Command("nsenter", "-t", m.pid, "-n", "sh", "-ec", script)
	cmd.Dir = m.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	return cmd
}

// try runs a script there and returns what it says; it may fail.
func (m *machine) try(script string) string {
	out, _ := m.command("exec timeout 60 sh -ec '" + strings.ReplaceAll(script, "'", `'\''`) + "'").CombinedOutput()
	return string(out)
}

// sh runs a script there.
func (m *machine) sh(script string) string {
	m.t.Helper()
	out, err := m.command("exec timeout 60 sh -ec '" + strings.ReplaceAll(script, "'", `'\''`) + "'").CombinedOutput()
	if err != nil {
		m.t.Fatalf("%s: %v\n%s", script, err, out)
	}
	return string(out)
}

// start runs a script there until the test ends, or the returned function is called.
func (m *machine) start(script string) (stop func()) {
	m.t.Helper()
	cmd := m.command(script)
	if err := cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
	var once sync.Once
	stop = func() {
		once.Do(func() {
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
			_ = cmd.Wait()
		})
	}
	m.t.Cleanup(stop)
	return stop
}

// deafen lets the switch pass on what the machine sends, and not what it is sent: broadcasts are not flooded to
// its port, its MAC is bound to another one, and the switch does not learn better.
func (m *machine) deafen() {
	m.t.Helper()
	dead := "dd" + m.pid
	sh(m.t, fmt.Sprintf("ip link set dev %s type bridge_slave bcast_flood off learning off; ip link add %s type veth peer name %sx; ip link set %s master sw0 up; bridge fdb replace %s dev %s master static",
		m.port, dead, dead, dead, m.mac, dead))
	m.t.Cleanup(func() { _ = exec.Command("ip", "link", "del", dead).Run() })
}

// heal takes deafen back.
func (m *machine) heal() {
	m.t.Helper()
	sh(m.t, fmt.Sprintf("ip link del dd%s; ip link set dev %s type bridge_slave bcast_flood on learning on", m.pid, m.port))
}

// The kinds of clients that udhcpc plays.
const (
	asBIOS   = "-V PXEClient:Arch:00000:UNDI:002001 -x 0x5d:0000"
	asUEFI   = "-V PXEClient:Arch:00007:UNDI:003016 -x 0x5d:0007"
	asUEFI32 = "-V PXEClient:Arch:00006:UNDI:003016 -x 0x5d:0006"
	asIPXE   = "-V PXEClient:Arch:00000:UNDI:002001 -x 0x5d:0000 -x 0x4d:69505845"
	asAgent  = "-V socle-agent"
	asHTTP   = "-V HTTPClient:Arch:00016:UNDI:003001 -x 0x5d:0010"
	asPlain  = ""
)

// dhcp asks for an address and sets it, as a kind of client; it gives up after some tries.
func (m *machine) dhcp(kind string) string {
	m.t.Helper()
	script := filepath.Join(m.dir, "bound")
	text := "#!/bin/sh\n[ \"$1\" = bound ] && { ip addr flush dev eth0; ip addr add $ip/24 dev eth0; }\nexit 0\n"
	if err := os.WriteFile(script, []byte(text), 0o700); err != nil { //nolint:gosec // a script is executed
		m.t.Fatal(err)
	}
	return m.try("udhcpc -i eth0 -f -n -q -t 3 -T 1 -A 1 -O bootfile -O tftp -s " + script + " " + kind)
}

// tftp fetches a file as tftp-hpa does.
func (m *machine) tftp(file string) string {
	return m.try("tftp -m octet " + own + " -c get " + file + " got")
}

// get fetches a path of the boot HTTP.
func (m *machine) get(path string) string {
	return m.try("curl -sS -m 20 -o got '" + bootURL + path + "'")
}
