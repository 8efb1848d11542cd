package lab

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestPrepareMakesSparseDisksOnce(t *testing.T) {
	m := testMachine(Default().Servers[1])
	m.StateDir = filepath.Join(t.TempDir(), "a", "b")
	if err := m.prepare(); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(m.diskFile(0))
	if err != nil || info.Size() != 8<<30 {
		t.Fatalf("system disk: %v, %v", info, err)
	}
	if used := info.Sys().(*syscall.Stat_t).Blocks * 512; used > 1<<20 {
		t.Errorf("an empty disk takes %d bytes", used)
	}
	// A second time nothing is touched: neither what was written to the disk nor what the firmware remembers.
	for _, f := range []string{m.diskFile(4), m.varsFile()} {
		if err := writeAt(f, "kept"); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.prepare(); err != nil {
		t.Fatal(err)
	}
	for _, f := range []string{m.diskFile(4), m.varsFile()} {
		text, err := head(f, 4)
		if err != nil || string(text) != "kept" {
			t.Errorf("%s was made anew", f)
		}
	}
	m.Server.Disks[2].SizeMiB++
	if err := m.prepare(); err == nil || !strings.Contains(err.Error(), "ST01-D2") {
		t.Errorf("a disk that changed its size: %v", err)
	}
}

func writeAt(file, text string) error {
	f, err := os.OpenFile(file, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	_, err = f.WriteAt([]byte(text), 0)
	return err
}

func head(file string, n int64) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return io.ReadAll(io.LimitReader(f, n))
}
