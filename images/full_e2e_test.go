//go:build e2e

package images

import (
	"bytes"
	"errors"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"socle/api"
)

// TestDiskFullE2E adds more than a small file system holds. It mounts one, so it needs root.
func TestDiskFullE2E(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=20m"); err != nil {
		t.Fatalf("mounting a small file system (needs root): %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	s, err := Open(filepath.Join(dir, "images"))
	if err != nil {
		t.Fatal(err)
	}
	small := random(1, ChunkSize)
	kept, _, err := s.Add(t.Context(), api.Index{Name: "small"}, bytes.NewReader(small))
	if err != nil {
		t.Fatal(err)
	}
	before := len(files(t, dir))
	// It begins with the chunk that the small image has; that one must survive.
	_, _, err = s.Add(t.Context(), api.Index{Name: "large"}, bytes.NewReader(append(small, random(2, 15*ChunkSize)...)))
	if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "socle image gc") || !strings.Contains(err.Error(), dir) {
		t.Errorf("error %v, want one that says which disk is full and what to do", err)
	}
	if after := len(files(t, dir)); after != before {
		t.Errorf("%d files before, %d after: %q", before, after, files(t, dir))
	}
	if err := s.Verify(t.Context(), kept); err != nil {
		t.Error(err)
	}
	if _, _, err := s.Add(t.Context(), api.Index{Name: "again"}, bytes.NewReader(random(3, ChunkSize))); err != nil {
		t.Errorf("a small image after the large one: %v", err)
	}
}
