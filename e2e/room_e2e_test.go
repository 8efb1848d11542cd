//go:build e2e

package e2e

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestE2EServerDiskFull fills the disk of the server's data folder in the middle of an image: first so far that
// there is little room, then to the last byte. The machine says so, the server stays, and with room it goes on.
func TestE2EServerDiskFull(t *testing.T) {
	data, err := os.MkdirTemp("", "socle-e2e-full-")
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", data, "tmpfs", 0, "size=192m,mode=0700"); err != nil {
		t.Fatalf("making a small disk: %v", err)
	}
	t.Cleanup(func() {
		if err := errors.Join(unix.Unmount(data, 0), os.Remove(data)); err != nil {
			t.Error(err)
		}
	})
	sc := Play(t, Spec(BIOS("bios1", 1)), ServerOptions{Data: data})
	sc.Do(t, "buildout")
	sc.Await(t, "bios1", 12*time.Minute, "has a third of its image", Percent(33))
	filler := fill(t, data, 32*mebi)
	m := sc.Faulty(t, time.Minute, "bios1", "server-disk-full", data, "MiB left", "room")
	if m.State != "deploying" || m.Fault.RetryAt == nil {
		t.Errorf("bios1 is %s, tried again at %v; want it to wait in the middle of its deployment", m.State, m.Fault.RetryAt)
	}
	last := fill(t, data, 0)
	Until(t, time.Minute, "the database has no room", func() bool {
		out, code := sc.CLI(t, "machine", "hold", "bios1", "--reason", strings.Repeat("no room ", 40))
		if code != 0 && (code != 6 || !strings.Contains(out, "make room")) {
			t.Errorf("holding a machine without room ended with code %d, want 6 and advice: %s", code, out)
		}
		return code != 0
	})
	if _, err := sc.API.Machines(t.Context(), "", ""); err != nil {
		t.Errorf("nothing can be read without room: %v", err)
	}
	for _, f := range []string{filler, last} {
		if err := os.Remove(f); err != nil {
			t.Fatal(err)
		}
	}
	Until(t, time.Minute, "machines can be changed again", func() bool { _, code := sc.CLI(t, "machine", "release", "bios1"); return code == 0 })
	sc.Active(t, 20*time.Minute, "bios1")
	sc.WantOnePowerOn(t, "bios1")
	sc.WantOneImage(t, "bios1")
	if m, err := sc.API.Machine(t.Context(), "bios1"); err != nil || m.Fault != nil {
		t.Errorf("bios1 has still the fault %+v (%v)", m.Fault, err)
	}
}

// fill leaves so many bytes free on a disk.
func fill(t *testing.T, dir string, leave int64) (file string) {
	t.Helper()
	f, err := os.CreateTemp(dir, "filler-")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for block := make([]byte, 64<<10); ; {
		var fs unix.Statfs_t
		if err := unix.Statfs(dir, &fs); err != nil {
			t.Fatal(err)
		}
		if leave > 0 && int64(fs.Bavail)*fs.Bsize <= leave { //nolint:gosec // a disk of 192 MiB
			return f.Name()
		}
		if _, err := f.Write(block); errors.Is(err, syscall.ENOSPC) {
			return f.Name()
		} else if err != nil {
			t.Fatal(filepath.Base(f.Name()), err)
		}
	}
}
