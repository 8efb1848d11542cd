package app

import (
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestRoom looks at a real file system that is too small, and at one that is not.
func TestRoom(t *testing.T) {
	if err := room(t.TempDir())(); err != nil {
		t.Errorf("a folder with room: %v", err)
	}
	small := t.TempDir()
	if err := unix.Mount("tmpfs", small, "tmpfs", 0, "size=16m"); err != nil {
		t.Fatalf("this test mounts a small file system, as root: %v", err)
	}
	t.Cleanup(func() { must(t, unix.Unmount(small, 0)) })
	if err := room(small)(); err == nil || !strings.Contains(err.Error(), "16.0 MiB left") {
		t.Errorf("a full one: %v", err)
	}
}
