package tftp

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
)

// counted is a file with a digest that counts how often it is read.
type counted struct {
	io.Reader
	digest string
	reads  *atomic.Int64
}

func (c counted) Digest() string { return c.digest }
func (c counted) Read(b []byte) (int, error) {
	c.reads.Add(1)
	return c.Reader.Read(b)
}

func TestContents(t *testing.T) {
	c := newContents(1000)
	var reads atomic.Int64
	load := func(name, digest string, size int) []byte {
		t.Helper()
		want := bytes.Repeat([]byte(name), size)[:size]
		got, err := c.load(name, counted{bytes.NewReader(want), digest, &reads}, int64(size), false)
		if err != nil || !bytes.Equal(got, want) {
			t.Fatalf("%s: %d bytes, %v", name, len(got), err)
		}
		return got
	}
	load("a", "1", 400)
	load("b", "2", 400)
	before := reads.Load()
	load("a", "1", 400)
	load("b", "2", 400)
	if reads.Load() != before {
		t.Error("what is in memory was read again")
	}
	load("b", "2", 400)
	load("c", "3", 400) // a is the one that was not used for longest
	before = reads.Load()
	load("b", "2", 400)
	if reads.Load() != before {
		t.Error("the file that was used last had to go")
	}
	load("a", "1", 400)
	if reads.Load() == before {
		t.Error("three files of 400 bytes are in a memory of 1000")
	}
	if c.bytes > c.max || len(c.kept) != 2 {
		t.Errorf("%d bytes in %d files are kept", c.bytes, len(c.kept))
	}
	load("a", "new content", 300)
	if _, err := c.load("big", bytes.NewReader(make([]byte, 1001)), 1001, false); !errors.Is(err, errTooLarge) {
		t.Errorf("a file larger than the memory: %v", err)
	}
	if _, err := c.load("short", bytes.NewReader(make([]byte, 9)), 10, false); err == nil {
		t.Error("a file that ended early was taken")
	}
	if _, err := c.load("long", bytes.NewReader(make([]byte, 11)), 10, false); err == nil {
		t.Error("a file that grew was taken")
	}
	if b, err := c.load("text", bytes.NewReader([]byte("a\nb\r")), 4, true); err != nil || string(b) != "a\r\nb\r\x00" {
		t.Errorf("netascii: %q, %v", b, err)
	}
}

func TestContentsSeeAChange(t *testing.T) {
	c := newContents(1000)
	path := filepath.Join(t.TempDir(), "f")
	for _, want := range []string{"one", "three"} {
		if err := os.WriteFile(path, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		got, err := c.load("f", f, int64(len(want)), false)
		_ = f.Close()
		if err != nil || string(got) != want {
			t.Errorf("%q, %v", got, err)
		}
	}
}

func TestContentsReadOnceForAll(t *testing.T) {
	c := newContents(1 << 20)
	var opened atomic.Int64
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			var reads atomic.Int64
			if _, err := c.load("f", counted{bytes.NewReader(make([]byte, 1<<19)), "1", &reads}, 1<<19, false); err != nil {
				t.Error(err)
			}
			if reads.Load() > 0 {
				opened.Add(1)
			}
		})
	}
	all.Wait()
	if opened.Load() != 1 {
		t.Errorf("50 clients at once made the file read %d times", opened.Load())
	}
}
