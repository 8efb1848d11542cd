package lab

import (
	"bytes"
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestHubPassesBothWaysAndKeepsALog(t *testing.T) {
	dir := t.TempDir()
	h := newHub(filepath.Join(dir, "console.log"), testLog(t))
	l, err := listenUnix(filepath.Join(dir, "serial"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- h.serveGuest(ctx, l) }()
	guest, err := net.Dial("unix", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	viewer, far := net.Pipe()
	viewed := make(chan struct{})
	go func() { h.view(ctx, far); close(viewed) }()
	eventually(t, "viewer and guest are connected", 5*time.Second, func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		return len(h.viewers) == 1 && h.guest != nil
	})
	const said = "\x1b[31mlogin:\x1b[0m "
	if _, err := io.WriteString(guest, said); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, len(said))
	if _, err := io.ReadFull(viewer, buf); err != nil || string(buf) != said {
		t.Errorf("the viewer saw %q, %v", buf, err)
	}
	if _, err := io.WriteString(viewer, "root\r"); err != nil {
		t.Fatal(err)
	}
	buf = make([]byte, 5)
	if _, err := io.ReadFull(guest, buf); err != nil || string(buf) != "root\r" {
		t.Errorf("the guest got %q, %v", buf, err)
	}
	text, err := os.ReadFile(h.logPath)
	if err != nil || string(text) != said {
		t.Errorf("the log has %q, %v", text, err)
	}
	cancel()
	_ = viewer.Close()
	<-viewed
	if err := <-served; err != nil {
		t.Error(err)
	}
}

func TestConsoleLogIsBounded(t *testing.T) {
	h := newHub(filepath.Join(t.TempDir(), "console.log"), testLog(t))
	v := &viewer{out: make(chan []byte, 2)} // fetches nothing: it must not hold up the guest
	h.viewers[v] = struct{}{}
	chunk := bytes.Repeat([]byte("x"), 1<<20)
	for range 3 * (maxConsoleLog >> 20) {
		h.spread(chunk)
	}
	for _, name := range []string{h.logPath, h.logPath + ".1"} {
		info, err := os.Stat(name)
		if err != nil || info.Size() > maxConsoleLog+int64(len(chunk)) {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
}

func TestControlErrors(t *testing.T) {
	dir := t.TempDir()
	spec := Default()
	s := &supervisor{spec: spec, log: testLog(t)}
	for i, srv := range spec.Servers {
		_ = i
		s.vms = append(s.vms, &vm{
			machine: machine{Server: srv, StateDir: dir}, log: s.log, journal: &journal{path: filepath.Join(dir, "j")},
		})
	}
	for _, tt := range []struct {
		req  request
		want string
	}{
		{request{Op: "power", Server: "hv99", Args: []string{"on"}}, `no server "hv99"`},
		{request{Op: "power", Server: "hv01", Args: []string{"explode"}}, "no such action"},
		{request{Op: "power", Server: "hv01", Args: []string{"reset"}}, "the server is off"},
		{request{Op: "power", Server: "hv01"}, "not understood"},
		{request{Op: "boot", Server: "hv01", Args: []string{"tape", "once"}}, `boot device "tape"`},
		{request{Op: "hook", Server: "hv01", Args: []string{"get", "weather"}}, `no parameter "weather"`},
		{request{Op: "hook", Server: "hv01", Args: []string{"set", "ip_addr", "10.0.0.1"}}, "cannot be set"},
		{request{Op: "hook", Server: "hv01", Args: []string{"set", "boot", "cdrom"}}, "cdrom"},
		{request{Op: "hook", Server: "hv01", Args: []string{"set", "power"}}, "value is missing"},
		{request{Op: "dance", Server: "hv01"}, "not understood"},
	} {
		if _, err := s.handle(t.Context(), tt.req); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: error %v, want one with %q", tt.req, err, tt.want)
		}
	}
	rep, err := s.handle(t.Context(), request{Op: "hook", Server: "hv01", Args: []string{"get", "power", "boot", "ip_addr", "mac_addr"}})
	want := "power:0\nboot:none\nip_addr:198.18.1.11\nmac_addr:" + spec.Servers[0].BMC.MAC + "\n"
	if err != nil || rep.Output != want {
		t.Errorf("hook: %q, %v, want %q", rep.Output, err, want)
	}
}
