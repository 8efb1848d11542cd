package images

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"socle/api"
)

func openStore(t testing.TB) *Store {
	t.Helper()
	s, err := Open(filepath.Join(t.TempDir(), "images"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// random gives n bytes, the same for the same seed; half of them compress.
func random(seed uint64, n int) []byte {
	b := make([]byte, n)
	src := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)})
	for i := 0; i < n; i += 1 << 10 {
		_, _ = src.Read(b[i:min(n, i+512)])
	}
	return b
}

func files(t testing.TB, dir string) []string {
	t.Helper()
	var list []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			list = append(list, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestAddAndRead(t *testing.T) {
	mixed := random(1, 3*ChunkSize+12345)
	clear(mixed[ChunkSize : 2*ChunkSize]) // one zero chunk in the middle
	tests := []struct {
		name   string
		data   []byte
		chunks int // stored
		zero   int
	}{
		{"one byte", []byte{1}, 1, 0},
		{"one byte, zero", []byte{0}, 0, 1},
		{"exactly one chunk", random(2, ChunkSize), 1, 0},
		{"one byte more", random(3, ChunkSize+1), 2, 0},
		{"zero in the middle", mixed, 3, 1},
		{"twice the same chunk", bytes.Repeat(random(4, ChunkSize), 2), 1, 0},
		{"all zero", make([]byte, 2*ChunkSize+1), 0, 3},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := openStore(t)
			digest, ix, err := s.Add(t.Context(), api.Index{Name: "test", Arch: "amd64", Firmware: []string{"bios"}}, bytes.NewReader(tt.data))
			if err != nil {
				t.Fatal(err)
			}
			if got := len(files(t, filepath.Join(s.dir, "chunks"))); got != tt.chunks {
				t.Errorf("%d chunks are stored, want %d", got, tt.chunks)
			}
			zero := 0
			for _, c := range ix.Chunks {
				if c.Zero {
					zero++
				}
			}
			if zero != tt.zero || ix.Size != int64(len(tt.data)) || ix.Kind != "disk" {
				t.Errorf("index: %d zero chunks, %d bytes, kind %q", zero, ix.Size, ix.Kind)
			}
			var back bytes.Buffer
			n, err := s.Read(t.Context(), "test", &back)
			if err != nil || n != int64(len(tt.data)) || !bytes.Equal(back.Bytes(), tt.data) {
				t.Errorf("Read: %d bytes, error %v, equal %v", n, err, bytes.Equal(back.Bytes(), tt.data))
			}
			if err := s.Verify(t.Context(), digest); err != nil {
				t.Errorf("Verify: %v", err)
			}
			again, _, err := s.Add(t.Context(), api.Index{Name: "test", Arch: "amd64", Firmware: []string{"bios"}}, iotest.HalfReader(bytes.NewReader(tt.data)))
			if err != nil || again != digest {
				t.Errorf("the same bytes again: digest %s, error %v; want %s", again, err, digest)
			}
			got, resolved, err := s.Resolve(digest)
			if err != nil || got != digest {
				t.Fatalf("Resolve(%s) = %s, %v", digest, got, err)
			}
			if diff := cmp.Diff(ix, resolved); diff != "" {
				t.Errorf("index (-added +resolved):\n%s", diff)
			}
		})
	}
}

func TestAddRefuses(t *testing.T) {
	s := openStore(t)
	cut := iotest.TimeoutReader(iotest.OneByteReader(bytes.NewReader([]byte("image"))))
	for name, tt := range map[string]struct {
		meta api.Index
		raw  io.Reader
		want string
	}{
		"empty":        {api.Index{Name: "a"}, strings.NewReader(""), "empty"},
		"bad name":     {api.Index{Name: "../a"}, strings.NewReader("x"), "image name"},
		"broken input": {api.Index{Name: "a"}, cut, "timeout"},
		"broken late":  {api.Index{Name: "a"}, io.MultiReader(bytes.NewReader(random(1, 2*ChunkSize)), iotest.ErrReader(errors.New("cut off"))), "cut off"},
	} {
		_, _, err := s.Add(t.Context(), tt.meta, tt.raw)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want %q", name, err, tt.want)
		}
	}
	for _, f := range files(t, s.dir) {
		if filepath.Base(f) != "lock" {
			t.Errorf("a failed Add left %s", f)
		}
	}
}

func TestAddCancelled(t *testing.T) {
	s := openStore(t)
	ctx, cancel := context.WithCancel(t.Context())
	stop := readerFunc(func(p []byte) (int, error) { cancel(); return copy(p, "more"), nil })
	if _, _, err := s.Add(ctx, api.Index{Name: "a"}, io.MultiReader(bytes.NewReader(random(1, 3*ChunkSize)), stop)); !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v, want cancelled", err)
	}
	if left := files(t, filepath.Join(s.dir, "chunks")); len(left) != 0 {
		t.Errorf("left %q", left)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestAddSparseFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "disk")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	const size = 10 << 30 // would take long if the holes were read
	if err := f.Truncate(size); err != nil {
		t.Fatal(err)
	}
	data := random(1, 100)
	const at = 5<<30 + 12345
	if _, err := f.WriteAt(data, at); err != nil {
		t.Fatal(err)
	}
	s := openStore(t)
	_, ix, err := s.Add(t.Context(), api.Index{Name: "sparse"}, f)
	if err != nil {
		t.Fatal(err)
	}
	if ix.Size != size || len(ix.Chunks) != size/ChunkSize {
		t.Fatalf("%d bytes, %d chunks", ix.Size, len(ix.Chunks))
	}
	for i, c := range ix.Chunks {
		if c.Zero == (i == at/ChunkSize) {
			t.Errorf("chunk %d: zero is %v", i, c.Zero)
		}
	}
	raw, err := s.chunk(ix.Chunks[at/ChunkSize].SHA256, nil)
	if err != nil || !bytes.Equal(raw[at%ChunkSize:at%ChunkSize+100], data) {
		t.Errorf("the chunk with data does not hold it: %v", err)
	}
}

func TestNoWayOut(t *testing.T) {
	s := openStore(t)
	if err := os.WriteFile(filepath.Join(s.dir, "..", "secret"), []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"", ".", "..", "../secret", "/etc/passwd", "sha256:", "sha256:../../secret", "A", strings.Repeat("a", 65),
		"sha256:" + strings.Repeat("g", 64), strings.Repeat("0", 64), "sha256:" + strings.Repeat("0", 64)} {
		if _, _, err := s.Resolve(name); !errors.Is(err, ErrNotFound) || !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Resolve(%q): error %v, want not found", name, err)
		}
		if f, err := s.OpenChunk(name); !errors.Is(err, ErrNotFound) || f != nil {
			t.Errorf("OpenChunk(%q): error %v, want not found", name, err)
		}
		if _, err := s.IndexBytes(name); !errors.Is(err, ErrNotFound) {
			t.Errorf("IndexBytes(%q): error %v, want not found", name, err)
		}
		if err := s.Remove(name); !errors.Is(err, ErrNotFound) {
			t.Errorf("Remove(%q): error %v, want not found", name, err)
		}
	}
}

func TestDamageIsSeenAndMended(t *testing.T) {
	s := openStore(t)
	data := random(1, 2*ChunkSize)
	digest, ix, err := s.Add(t.Context(), api.Index{Name: "a"}, bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(s.chunkPath(ix.Chunks[0].SHA256), []byte("rot"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(s.chunkPath(ix.Chunks[1].SHA256)); err != nil {
		t.Fatal(err)
	}
	err = s.Verify(t.Context(), "a")
	if !errors.Is(err, ErrDamaged) || !errors.Is(err, ErrNotFound) {
		t.Errorf("Verify: %v, want one chunk damaged and one missing", err)
	}
	if _, err := s.Read(t.Context(), "a", io.Discard); !errors.Is(err, ErrDamaged) {
		t.Errorf("Read: %v, want damaged", err)
	}
	if again, _, err := s.Add(t.Context(), api.Index{Name: "a"}, bytes.NewReader(data)); err != nil || again != digest {
		t.Fatalf("adding again: %s, %v", again, err)
	}
	if err := s.Verify(t.Context(), "a"); err != nil {
		t.Errorf("Verify after adding again: %v", err)
	}
	hex, _ := hexOf(digest)
	if err := os.WriteFile(s.indexPath(hex), []byte("{}"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := s.IndexBytes(digest); !errors.Is(err, ErrDamaged) {
		t.Errorf("IndexBytes: %v, want damaged", err)
	}
	if _, err := s.GC(t.Context()); !errors.Is(err, ErrDamaged) {
		t.Errorf("GC beside a damaged index: %v, want it to refuse", err)
	}
}

func TestConcurrentAdds(t *testing.T) {
	s := openStore(t)
	data := random(1, 2*ChunkSize+1)
	var wg sync.WaitGroup
	digests := make([]string, 6)
	for i := range digests {
		wg.Go(func() {
			other, err := Open(s.dir) // as another process would
			if err != nil {
				t.Error(err)
				return
			}
			if digests[i], _, err = other.Add(t.Context(), api.Index{Name: "same"}, bytes.NewReader(data)); err != nil {
				t.Error(err)
			}
		})
		wg.Go(func() {
			// What fails beside may not take away what the others count on.
			_, _, err := s.Add(t.Context(), api.Index{Name: "bad"}, io.MultiReader(bytes.NewReader(data), iotest.ErrReader(io.ErrClosedPipe)))
			if err == nil {
				t.Error("a broken source was accepted")
			}
		})
		wg.Go(func() {
			if _, err := s.Collect(t.Context(), CollectOptions{}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, d := range digests {
		if d != digests[0] {
			t.Errorf("digests differ: %q", digests)
		}
	}
	if err := s.Verify(t.Context(), "same"); err != nil {
		t.Error(err)
	}
}
