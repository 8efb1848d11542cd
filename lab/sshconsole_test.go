package lab

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"path/filepath"
	"testing"
	"time"

	"socle/bmc"
	"socle/internal/secret"
	"socle/inventory"
	"socle/lab/redfish"
	"socle/lab/redfish/redfishtest"
)

// TestRedfishConsole: package bmc finds the console by Redfish, comes in by SSH, and sees and types on the serial line; a
// wrong password gets nowhere.
func TestRedfishConsole(t *testing.T) {
	dir := t.TempDir()
	h := newHub(filepath.Join(dir, "console.log"), testLog(t))
	listen := func() net.Listener {
		l, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	web, lines := listen(), listen()
	password := secret.New("pa55-of-the-lab")
	b := redfish.New(redfish.Options{User: "root", Password: password, Machine: redfishtest.NewVM(redfish.Description{
		Name: "st01", Serial: "SN-1", UUID: "6E1C0F9A-3A0B-4D1C-9D7E-0123456789AB", ConsolePort: lines.Addr().(*net.TCPAddr).Port,
	})})
	console, err := newSSHConsole(h, b, filepath.Join(dir, "key"))
	if err != nil {
		t.Fatal(err)
	}
	serial, err := listenUnix(filepath.Join(dir, "serial"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 3)
	go func() { served <- h.serveGuest(ctx, serial) }()
	go func() { served <- console.serve(ctx, lines) }()
	go func() { served <- redfish.Serve(ctx, web, b) }()
	guest, err := net.Dial("unix", serial.Addr().String())
	if err != nil {
		t.Fatal(err)
	}

	d := bmc.New(bmc.Options{})
	to := bmc.Target{Machine: "st01", Protocol: inventory.Redfish, Address: web.Addr().String(), User: "root", Password: password}
	c, err := d.Console(ctx, to, false)
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the viewer is connected", 5*time.Second, func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		return len(h.viewers) == 1 && h.guest != nil
	})
	said := []byte("\x1b[32mst01\x1b[0m login: \xff\x00")
	if _, err := guest.Write(said); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, len(said))
	if _, err := io.ReadFull(c, buf); err != nil || !bytes.Equal(buf, said) {
		t.Errorf("read %q, %v", buf, err)
	}
	if _, err := io.WriteString(c, "root\r"); err != nil {
		t.Fatal(err)
	}
	buf = make([]byte, 5)
	if _, err := io.ReadFull(guest, buf); err != nil || string(buf) != "root\r" {
		t.Errorf("the server heard %q, %v", buf, err)
	}
	if _, err := d.Power(ctx, to); err != nil {
		t.Errorf("power meanwhile: %v", err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	eventually(t, "the viewer has left", 5*time.Second, func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		return len(h.viewers) == 0
	})
	to.Password = secret.New("wrong")
	if _, err := d.Console(ctx, to, false); !errors.Is(err, bmc.ErrAuth) {
		t.Errorf("a wrong password: %v", err)
	}
	cancel()
	_ = guest.Close()
	for range 3 {
		if err := <-served; err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}
}
