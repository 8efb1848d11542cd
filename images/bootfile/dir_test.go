package bootfile

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestDirOpen(t *testing.T) {
	base := t.TempDir()
	dir := filepath.Join(base, "boot")
	write(t, filepath.Join(base, "secret"), "secret")
	write(t, filepath.Join(dir, "undionly.kpxe"), "BIOS")
	write(t, filepath.Join(dir, "ramdisk", "vmlinuz"), "kernel")
	if err := os.Symlink("../secret", filepath.Join(dir, "out")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("ramdisk/vmlinuz", filepath.Join(dir, "in")); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "fifo"), 0o644); err != nil {
		t.Fatal(err)
	}
	d, err := OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.Close() }()

	for name, want := range map[string]string{"undionly.kpxe": "BIOS", "ramdisk/vmlinuz": "kernel", "in": "kernel"} {
		f, size, err := d.Open(name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if _, err := f.Seek(1, io.SeekStart); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		got, err := io.ReadAll(f)
		if err != nil || string(got) != want[1:] || size != int64(len(want)) {
			t.Errorf("%s: %q, size %d, error %v", name, got, size, err)
		}
		_ = f.Close()
	}
	for _, name := range []string{"", ".", "..", "../secret", "/secret", "ramdisk/../../secret", "out", "ramdisk", "fifo", "none", "a\x00b", `..\secret`} {
		f, _, err := d.Open(name)
		if !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%q: error %v, want not found", name, err)
		}
		if err != nil && strings.Contains(err.Error(), base) {
			t.Errorf("%q: the error tells a path of the host: %v", name, err)
		}
		if f != nil {
			t.Errorf("%q: got a file with the error", name)
		}
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
