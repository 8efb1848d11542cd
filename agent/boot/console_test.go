package boot

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

func TestConsole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tty")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	gone, err := os.Create(filepath.Join(t.TempDir(), "gone"))
	if err != nil {
		t.Fatal(err)
	}
	if err := gone.Close(); err != nil {
		t.Fatal(err)
	}
	c := &Console{files: []*os.File{gone, f}} // a console that does not work keeps none of the others from working
	log := slog.New(c.Handler()).With("nic", "eth0")
	log.Info("Waiting for orders")
	log.Debug("not for people")
	log.Error("It failed", "err", errors.New("no route"))
	c.Banner("machine  hv01")
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := regexp.MustCompile(`^\d\d:\d\d:\d\d Waiting for orders \[nic: eth0\]\r\n` +
		`\d\d:\d\d:\d\d ERROR: It failed \[nic: eth0\] \[err: no route\]\r\n\r\n-+\r\n  machine  hv01\r\n-+\r\n$`)
	if !want.Match(got) {
		t.Errorf("the console shows %q", got)
	}
}
