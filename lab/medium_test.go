package lab

import (
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// inDrive asks QEMU for the file in the CD drive; empty when there is none.
func inDrive(t *testing.T, q *qmp) string {
	t.Helper()
	raw, err := q.do(t.Context(), "query-block", nil)
	if err != nil {
		t.Fatal(err)
	}
	var all []struct {
		Qdev     string
		Inserted *struct {
			File string
			RO   bool `json:"ro"`
		}
	}
	if err := json.Unmarshal(raw, &all); err != nil {
		t.Fatal(err)
	}
	for _, d := range all {
		if !strings.Contains(d.Qdev, mediumID) {
			continue
		}
		if d.Inserted == nil {
			return ""
		}
		if !d.Inserted.RO {
			t.Error("the medium can be written")
		}
		return d.Inserted.File
	}
	t.Fatalf("no drive in %s", raw)
	return ""
}

// TestVirtualMedium: the BMC fetches an image and puts it into the drive of a running QEMU, and of one that starts.
func TestVirtualMedium(t *testing.T) {
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/a.iso" {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write(make([]byte, 2048*20))
	}))
	defer srv.Close()
	st := Default().Servers[1]
	q := startPaused(t, st)
	dir := t.TempDir()
	r := &running{ready: make(chan struct{}), qmp: q}
	close(r.ready)
	v := &vm{machine: machine{Server: st, StateDir: dir}, journal: &journal{path: filepath.Join(dir, "j")}, run: r}
	m := redfishVM{v}
	if got := inDrive(t, q); got != "" {
		t.Errorf("at first there is %s", got)
	}
	if err := m.InsertMedia(t.Context(), srv.URL+"/b.iso"); err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("what is not there was inserted: %v", err)
	}
	want := filepath.Join(dir, "medium.iso")
	for range 2 {
		if err := m.InsertMedia(t.Context(), srv.URL+"/a.iso"); err != nil {
			t.Fatal(err)
		}
		if got := inDrive(t, q); got != want {
			t.Errorf("in the drive is %q; want %q", got, want)
		}
		if err := m.EjectMedia(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := inDrive(t, q); got != "" {
			t.Errorf("after ejecting there is %s", got)
		}
	}
	if err := m.EjectMedia(t.Context()); err != nil {
		t.Errorf("ejecting again: %v", err)
	}
	v.run = nil
	if err := m.InsertMedia(t.Context(), srv.URL+"/a.iso"); err != nil || v.disc != want {
		t.Errorf("while it is off: %q, %v", v.disc, err)
	}
	info, err := os.Stat(want)
	if err != nil || info.Size() != 2048*20 {
		t.Errorf("%v, %v", info, err)
	}
}

// TestFirmwareBootsFromVirtualMedium goes the whole way of a client with a real firmware: insert, next boot from the CD,
// reset. SeaBIOS does boot iPXE from it; when it is ejected, the next boot goes to the disk.
func TestFirmwareBootsFromVirtualMedium(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, "/usr/lib/ipxe/ipxe.iso") }))
	defer srv.Close()
	s := Default().Servers[0]
	s.BMC.Protocol = Redfish
	q := startPaused(t, s)
	serial, err := net.Listen("unix", strings.TrimSuffix(q.conn.RemoteAddr().String(), ".qmp")+".serial")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = serial.Close() }()
	line, err := serial.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = line.Close() }()
	var said strings.Builder
	until := func(want string) {
		t.Helper()
		_ = line.SetReadDeadline(time.Now().Add(3 * time.Minute)) // emulated, beside others
		buf := make([]byte, 4096)
		for !strings.Contains(said.String(), want) {
			n, err := line.Read(buf)
			if err != nil {
				t.Fatalf("waiting for %q: %v in %q", want, err, said.String())
			}
			said.Write(buf[:n])
		}
	}
	dir := t.TempDir()
	r := &running{ready: make(chan struct{}), qmp: q}
	close(r.ready)
	v := &vm{machine: machine{Server: s, StateDir: dir}, journal: &journal{path: filepath.Join(dir, "j")}, run: r, log: testLog(t)}
	m := redfishVM{v}
	if err := m.InsertMedia(t.Context(), srv.URL); err != nil {
		t.Fatal(err)
	}
	if err := m.SetNextBoot(t.Context(), "Cd", true, false); err != nil {
		t.Fatal(err)
	}
	reset := func() {
		t.Helper()
		said.Reset()
		for _, command := range []string{"system_reset", "cont"} {
			if _, err := q.do(t.Context(), command, nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	reset()
	until("iPXE initialising devices")
	if text := said.String(); !strings.Contains(text, "Booting from DVD/CD") || strings.Contains(text, "Booting from Hard Disk") {
		t.Errorf("the CD was not tried first: %q", text)
	}
	if err := m.EjectMedia(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.booting = v.set // as QEMU's event of the reset would
	v.consume(t.Context(), r)
	reset()
	until("Booting from Hard Disk")
	if strings.Contains(said.String(), "Booting from DVD/CD") {
		t.Errorf("the override holds on: %q", said.String())
	}
}

func TestBootFromMedium(t *testing.T) {
	st, hv := Default().Servers[1], Default().Servers[0]
	if diff := cmp.Diff([]string{"cd0", "disk0", "disk1", "disk2", "disk3", "disk4", "nic0"}, bootOrder(st, BootCD)); diff != "" {
		t.Error(diff)
	}
	q := startPaused(t, st)
	for _, first := range []Device{BootCD, BootDisk, BootPXE, BootCD} {
		order := bootOrder(st, first)
		if err := q.setBootOrder(t.Context(), order); err != nil {
			t.Fatal(err)
		}
		if got := indexes(t, q, order)["cd0"]; got != bootIndex(order, "cd0") {
			t.Errorf("%s first: the drive is number %d", first, got)
		}
	}
	if hv.virtualDrive() {
		t.Error("an IPMI BMC has a virtual drive")
	}
	dir := t.TempDir()
	v := &vm{machine: machine{Server: st, StateDir: dir}, journal: &journal{path: filepath.Join(dir, "j")}}
	m := redfishVM{v}
	if err := m.SetNextBoot(t.Context(), "Cd", true, true); err != nil {
		t.Fatal(err)
	}
	if device, once, err := m.NextBoot(t.Context()); device != "Cd" || !once || err != nil {
		t.Error(device, once, err)
	}
	if err := (redfishVM{&vm{machine: machine{Server: hv}}}).SetNextBoot(t.Context(), "Cd", true, true); err == nil {
		t.Error("a server without a drive boots from it")
	}
}
