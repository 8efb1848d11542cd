package e2e

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"socle/images"
)

// Chunk is a file of the server's image store.
type Chunk struct {
	path string
	good []byte
}

// Chunk finds the first chunk that holds something behind a part of the image.
func (s *Server) Chunk(t testing.TB, percent int) Chunk {
	t.Helper()
	dir := filepath.Join(s.Data, "images")
	store, err := images.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	_, ix, err := store.Resolve(Image)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range ix.Chunks[len(ix.Chunks)*percent/100:] {
		if c.Zero {
			continue
		}
		path := filepath.Join(dir, "chunks", c.SHA256[:2], c.SHA256+".zst")
		good, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return Chunk{path: path, good: good}
	}
	t.Fatalf("image %s holds nothing behind %d %%", Image, percent)
	return Chunk{}
}

// Corrupt flips a few bytes in the middle, as a failing disk of the server does.
func (c Chunk) Corrupt(t testing.TB) {
	t.Helper()
	bad := append([]byte(nil), c.good...)
	for i := range 8 {
		bad[len(bad)/2+i] ^= 0x5a
	}
	c.put(t, bad)
}

// Restore puts the right bytes back.
func (c Chunk) Restore(t testing.TB) {
	t.Helper()
	c.put(t, c.good)
}

// put replaces the file at once. It does not write into it: other stores have links to it.
func (c Chunk) put(t testing.TB, data []byte) {
	t.Helper()
	tmp := c.path + ".new"
	if err := errors.Join(os.WriteFile(tmp, data, 0o644), os.Rename(tmp, c.path)); err != nil { //nolint:gosec // images are no secret
		t.Fatal(err)
	}
}

// CorruptOnce corrupts the chunk until it was read once. The returned function waits for that.
func (c Chunk) CorruptOnce(t testing.TB) (wait func(within time.Duration)) {
	t.Helper()
	c.Corrupt(t)
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err == nil {
		_, err = unix.InotifyAddWatch(fd, c.path, unix.IN_CLOSE_NOWRITE)
	}
	if err != nil {
		t.Fatalf("watching the file of a chunk: %v", err)
	}
	events := os.NewFile(uintptr(fd), "inotify")
	t.Cleanup(func() { _ = events.Close() }) // it ends the goroutine, too
	read := make(chan error, 1)
	go func() {
		_, err := events.Read(make([]byte, 4096))
		if err == nil {
			c.Restore(t)
		}
		read <- err
	}()
	return func(within time.Duration) {
		t.Helper()
		select {
		case err := <-read:
			if err != nil {
				t.Fatalf("watching the file of a chunk: %v", err)
			}
		case <-time.After(within):
			t.Fatalf("nobody read the corrupt chunk in %s", within)
		}
	}
}
