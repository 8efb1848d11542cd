package images

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"socle/api"
)

func TestCollect(t *testing.T) {
	s := openStore(t)
	shared := random(1, ChunkSize)
	add := func(name string, seed uint64) (string, api.Index) {
		t.Helper()
		digest, ix, err := s.Add(t.Context(), api.Index{Name: name}, bytes.NewReader(append(bytes.Clone(shared), random(seed, ChunkSize)...)))
		if err != nil {
			t.Fatal(err)
		}
		return digest, ix
	}
	keepDigest, _ := add("keep", 2)
	oldDigest, oldIx := add("gone", 3)
	usedDigest, _ := add("used", 4)
	for _, name := range []string{"gone", "used"} {
		if err := s.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
	// A temporary file of a killed Add, and a download under way.
	for _, name := range []string{"new-1", "download-1"} {
		if err := os.WriteFile(filepath.Join(s.dir, "tmp", name), []byte("1234"), 0o644); err != nil {
			t.Fatal(err)
		}
	}

	// An image that has just lost its name stays.
	if freed, err := s.GC(t.Context()); err != nil || freed != 4 {
		t.Errorf("GC freed %d, error %v; want the 4 bytes of the temporary file", freed, err)
	}
	list, err := s.List()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, im := range list {
		names = append(names, im.Name)
	}
	if diff := cmp.Diff([]string{"keep", "", ""}, names); diff != "" {
		t.Errorf("List (-want +got):\n%s", diff)
	}

	hex, _ := hexOf(oldDigest)
	index, err := os.Stat(s.indexPath(hex))
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.Collect(t.Context(), CollectOptions{Keep: []string{usedDigest}})
	if err != nil {
		t.Fatal(err)
	}
	// The first chunk is shared with the images that stay.
	want := Collected{Images: 1, Chunks: 1, Bytes: index.Size() + oldIx.Chunks[1].Stored}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Collect (-want +got):\n%s", diff)
	}
	for _, digest := range []string{keepDigest, usedDigest} {
		if err := s.Verify(t.Context(), digest); err != nil {
			t.Error(err)
		}
	}
	if _, _, err := s.Resolve(oldDigest); !errors.Is(err, ErrNotFound) {
		t.Errorf("the removed image is still there: %v", err)
	}
	if left := files(t, filepath.Join(s.dir, "tmp")); len(left) != 1 {
		t.Errorf("temporary files: %q, want the download", left)
	}
}

func TestNameMovesOn(t *testing.T) {
	s := openStore(t)
	first, _, err := s.Add(t.Context(), api.Index{Name: "os"}, bytes.NewReader(random(1, 10)))
	if err != nil {
		t.Fatal(err)
	}
	long := time.Now().Add(-10 * Grace)
	hex, _ := hexOf(first)
	if err := os.Chtimes(s.indexPath(hex), long, long); err != nil {
		t.Fatal(err)
	}
	second, _, err := s.Add(t.Context(), api.Index{Name: "os"}, bytes.NewReader(random(2, 10)))
	if err != nil {
		t.Fatal(err)
	}
	if got, _, err := s.Resolve("os"); err != nil || got != second {
		t.Errorf("the name stands for %s, error %v; want %s", got, err, second)
	}
	// A server may be writing the first one now, however old it is.
	if _, err := s.GC(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Verify(t.Context(), first); err != nil {
		t.Errorf("GC took an image that just lost its name: %v", err)
	}
	if err := s.Name("previous", first); err != nil {
		t.Error(err)
	}
	if err := s.Name("none", "sha256:"+hex[:63]+"x"); !errors.Is(err, ErrNotFound) {
		t.Errorf("naming what is not there: %v", err)
	}
}

func TestCollectWaitsForAdd(t *testing.T) {
	s := openStore(t)
	unlock, err := s.share(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*lockPoll)
	defer cancel()
	if _, err := s.GC(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("GC beside an Add: %v, want it to wait", err)
	}
	unlock()
	if _, err := s.GC(t.Context()); err != nil {
		t.Errorf("GC after the Add: %v", err)
	}
}
