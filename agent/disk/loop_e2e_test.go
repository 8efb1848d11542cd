//go:build e2e

package disk

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"socle/api"
)

// loop is a loop device over a file; it needs root.
func loop(t *testing.T, size int64) (device, file string) {
	t.Helper()
	d, path := sparse(t, size)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	device = strings.TrimSpace(run(t, "/sbin/losetup", "--find", "--show", "--partscan", path))
	t.Cleanup(func() { // the test's own context has ended by then
		_ = exec.CommandContext(context.Background(), "/sbin/blockdev", "--setrw", device).Run() // a loop device stays read-only otherwise
		if out, err := exec.CommandContext(context.Background(), "/sbin/losetup", "--detach", device).CombinedOutput(); err != nil {
			t.Errorf("detaching %s: %v\n%s", device, err, out)
		}
	})
	return device, path
}

// TestBlockDeviceE2E does to a real block device what the other tests do to files.
func TestBlockDeviceE2E(t *testing.T) {
	device, file := loop(t, 64<<20)
	raw := testRaw()
	s, digest, _ := newSource(t, raw)
	d, err := Open(device)
	if err != nil {
		t.Fatal(err)
	}
	if !d.block || d.Size() != 64<<20 {
		t.Errorf("device %+v, want a block device of 64 MiB", d)
	}
	if _, err := Open(device); Code(err) != api.CodeDiskBusy {
		t.Errorf("opening a disk in use: %v, want code %s", err, api.CodeDiskBusy)
	}
	if _, err := WriteImage(t.Context(), d, s, digest, nil); err != nil {
		t.Fatal(err)
	}
	if got := contents(t, file); !bytes.Equal(got[:len(raw)], raw) {
		t.Error("the file under the device does not hold the image")
	}
	if err := Prepare(t.Context(), d, "socle-d1"); err != nil {
		t.Fatal(err)
	}
	if err := Seed(t.Context(), d, map[string]string{"meta-data": "x"}); Code(err) != api.CodeTooSmall {
		t.Errorf("a seed on a full disk: %v, want code %s", err, api.CodeTooSmall)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestReadOnlyDeviceE2E has the kernel refuse to write.
func TestReadOnlyDeviceE2E(t *testing.T) {
	device, _ := loop(t, 8<<20)
	f, err := os.Open(device)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetPointerInt(int(f.Fd()), unix.BLKROSET, 1); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(device); Code(err) != api.CodeReadOnly {
		t.Errorf("opening a read-only disk: %v, want code %s", err, api.CodeReadOnly)
	}
}
