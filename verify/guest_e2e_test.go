//go:build e2e

package verify

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"socle/internal/pki"
	"socle/internal/secret"
	"socle/seed"
)

// The tests boot images that "socle image build" or recipe's TestBuild made.
var (
	flagImages = flag.String("images", "", "directory with minimal.raw, hypervisor.raw, storage.raw and controller")
	flagKeep   = flag.String("keep", "", "directory that keeps the consoles' logs")
)

// world is what stands outside of the servers: an authority and a place to phone home to.
type world struct {
	ca    *pki.CA
	calls chan seed.PhoneHome
	url   string // as seen from a guest
	dir   string
}

// guestHost is how a guest with QEMU's user network sees this host.
var guestHost = netip.MustParseAddr("10.0.2.2")

func newWorld(t *testing.T) *world {
	t.Helper()
	if *flagImages == "" {
		t.Fatal("say where the images are: go test -tags e2e ./verify -args -images DIR")
	}
	w := &world{calls: make(chan seed.PhoneHome, 10), dir: t.TempDir()}
	var err error
	if w.ca, err = pki.Open(filepath.Join(w.dir, "pki")); err != nil {
		t.Fatal(err)
	}
	pair, err := w.ca.ServerCert([]string{"localhost"}, []netip.Addr{guestHost, netip.MustParseAddr("127.0.0.1")})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	first := true
	srv := &http.Server{TLSConfig: w.ca.TLSConfig(pair), ReadHeaderTimeout: 10 * time.Second, Handler: http.HandlerFunc(
		func(rw http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(io.LimitReader(r.Body, 64<<10))
			var c seed.PhoneHome
			if err := json.Unmarshal(body, &c); err != nil || r.Method != http.MethodPost || r.URL.Path != "/agent/v1/phone-home/tok" {
				t.Errorf("%s %s: %q: %v", r.Method, r.URL.Path, body, err)
			}
			if first { // as if the server were just restarting: the guest has to come back
				first = false
				rw.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			rw.WriteHeader(http.StatusNoContent)
			w.calls <- c
		})}
	go func() { _ = srv.ServeTLS(l, "", "") }()
	t.Cleanup(func() { _ = srv.Close() })
	_, port, _ := net.SplitHostPort(l.Addr().String())
	w.url = "https://" + net.JoinHostPort(guestHost.String(), port) + "/agent/v1/phone-home/tok"
	return w
}

// guest is one server under QEMU; its disks outlive a stop.
type guest struct {
	name    string
	args    []string
	cmd     *exec.Cmd
	console string
	ports   map[int]int // guest port → port on 127.0.0.1
	started time.Time
}

type guestOptions struct {
	name, image string
	uefi        bool
	seed        seed.Input
	dataDisks   []string // labels
	ports       []int
	memory      int
	forwardTo   string // host address whose equal ports lead to the guest; empty: free ports of 127.0.0.1
}

func run(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v: %s", name, args, err, out)
	}
}

// seedDisk is what the agent leaves at the end of the system disk, here as a disk of its own.
func seedDisk(t *testing.T, dir string, in seed.Input) string {
	t.Helper()
	files, err := seed.Render(in)
	if err != nil {
		t.Fatal(err)
	}
	disk := filepath.Join(dir, "seed.img")
	run(t, "mkfs.vfat", "-C", "-n", "CIDATA", disk, "2048")
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		run(t, "mcopy", "-i", disk, path, "::"+name)
	}
	return disk
}

func (w *world) guest(t *testing.T, o guestOptions) *guest {
	t.Helper()
	dir := filepath.Join(w.dir, o.name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	mac := "52:54:00:50:c1:e0"
	o.seed.Name, o.seed.InstanceID, o.seed.Serial, o.seed.MAC = o.name, "i-"+o.name, "SN-"+o.name, mac
	o.seed.CAPEM, o.seed.PhoneHomeURL = w.ca.CertPEM(), secret.New(w.url)
	image, err := filepath.Abs(filepath.Join(*flagImages, o.image+".raw"))
	if err != nil {
		t.Fatal(err)
	}
	system := filepath.Join(dir, "system.qcow2")
	run(t, "qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", image, system, "6G")
	g := &guest{name: o.name, console: filepath.Join(dir, "console.log"), ports: map[int]int{}}
	if *flagKeep != "" {
		g.console = filepath.Join(*flagKeep, o.name+"-console.log")
		_ = os.Remove(g.console)
	}
	g.args = []string{
		"-accel", "tcg,thread=multi", "-m", strconv.Itoa(o.memory), "-smp", "2", "-display", "none", "-monitor", "none",
		"-smbios", "type=1,serial=SN-" + o.name, "-no-user-config", "-nodefaults",
		"-chardev", "file,id=console,append=on,path=" + g.console, "-serial", "chardev:console",
		"-drive", "if=virtio,format=qcow2,file=" + system,
		"-drive", "if=virtio,format=raw,file=" + seedDisk(t, dir, o.seed),
	}
	if o.uefi {
		vars := filepath.Join(dir, "vars.fd")
		run(t, "cp", "/usr/share/OVMF/OVMF_VARS_4M.fd", vars)
		g.args = append(g.args, "-M", "q35",
			"-drive", "if=pflash,format=raw,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.fd",
			"-drive", "if=pflash,format=raw,file="+vars)
	} else {
		g.args = append(g.args, "-M", "pc")
	}
	for _, label := range o.dataDisks {
		disk := filepath.Join(dir, label+".raw")
		run(t, "truncate", "-s", "1G", disk)
		run(t, "parted", "-s", disk, "mklabel", "gpt", "mkpart", "socle-"+label, "1MiB", "100%")
		g.args = append(g.args, "-drive", "if=virtio,format=raw,file="+disk)
	}
	forwards := ""
	for _, p := range o.ports {
		if o.forwardTo != "" {
			forwards += fmt.Sprintf(",hostfwd=tcp:%s:%d-:%d", o.forwardTo, p, p)
			continue
		}
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		g.ports[p] = l.Addr().(*net.TCPAddr).Port
		_ = l.Close()
		forwards += fmt.Sprintf(",hostfwd=tcp:127.0.0.1:%d-:%d", g.ports[p], p)
	}
	g.args = append(g.args, "-netdev", "user,id=n0"+forwards, "-device", "virtio-net-pci,romfile=,netdev=n0,mac="+mac)
	t.Cleanup(func() { g.stop() })
	t.Cleanup(func() {
		if t.Failed() {
			out, _ := os.ReadFile(g.console)
			t.Logf("end of the console of %s:\n%s", o.name, out[max(0, len(out)-4000):])
		}
	})
	return g
}

func (g *guest) start(t *testing.T) {
	t.Helper()
	var said bytes.Buffer
	g.cmd = exec.Command("qemu-system-x86_64", g.args...)
	g.cmd.Stderr = &said
	g.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // no orphan when the test is killed
	g.started = time.Now()
	if err := g.cmd.Start(); err != nil {
		t.Fatal(err)
	}
}

// stop takes the power away.
func (g *guest) stop() {
	if g.cmd != nil {
		_ = g.cmd.Process.Kill()
		_ = g.cmd.Wait()
		g.cmd = nil
	}
}

// phonedHome waits for the call of a guest and tells how long it took.
func (w *world) phonedHome(t *testing.T, g *guest, within time.Duration) seed.PhoneHome {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	select {
	case c := <-w.calls:
		t.Logf("%s phoned home %.0f s after power-on, up for %d s: %+v", g.name, time.Since(g.started).Seconds(), c.UptimeSeconds, c)
		if c.Hostname != g.name || c.State != seed.PhoneReady {
			t.Errorf("%s called as %+v", g.name, c)
		}
		return c
	case <-ctx.Done():
		t.Fatalf("%s did not phone home within %v", g.name, within)
	}
	return seed.PhoneHome{}
}
