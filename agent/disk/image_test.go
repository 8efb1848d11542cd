package disk

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/klauspost/compress/zstd"

	"socle/api"
)

const testChunk = 1 << 20

// source serves an image from memory and does to it what a test wants.
type source struct {
	mu      sync.Mutex
	index   []byte
	chunks  map[string][]byte
	fetched map[string]int
	spoil   func(sum string, n int, frame []byte) ([]byte, error) // n counts fetches of this chunk from 1
}

func (s *source) Index(context.Context, string) (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(s.index)), nil
}

func (s *source) Chunk(_ context.Context, sum string) (io.ReadCloser, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	frame, ok := s.chunks[sum]
	if !ok {
		return nil, fmt.Errorf("%w: %w", ErrPermanent, ErrAbsent)
	}
	s.fetched[sum]++
	if s.spoil != nil {
		var err error
		if frame, err = s.spoil(sum, s.fetched[sum], frame); err != nil {
			return nil, err
		}
	}
	return io.NopCloser(bytes.NewReader(frame)), nil
}

func sumText(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// newSource makes an image of raw.
func newSource(t testing.TB, raw []byte) (*source, string, api.Index) {
	t.Helper()
	enc, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	s := &source{chunks: map[string][]byte{}, fetched: map[string]int{}}
	ix := api.Index{Name: "test", Kind: "disk", Size: int64(len(raw)), ChunkSize: testChunk}
	for off := 0; off < len(raw); off += testChunk {
		b := raw[off:min(off+testChunk, len(raw))]
		if isZero(b) {
			ix.Chunks = append(ix.Chunks, api.Chunk{Zero: true})
			continue
		}
		frame := enc.EncodeAll(b, nil)
		s.chunks[sumText(b)] = frame
		ix.Chunks = append(ix.Chunks, api.Chunk{SHA256: sumText(b), Stored: int64(len(frame))})
	}
	s.index, err = json.Marshal(ix)
	if err != nil {
		t.Fatal(err)
	}
	return s, "sha256:" + sumText(s.index), ix
}

// testRaw is 8.5 MiB: noise in chunks 0, 2, 5 and 8, the rest empty.
func testRaw() []byte {
	raw := make([]byte, 8*testChunk+testChunk/2)
	for _, i := range []int{0, 2, 5, 8} {
		_, _ = rand.Read(raw[i*testChunk : min((i+1)*testChunk, len(raw))])
	}
	return raw
}

// newDisk is a regular file of size bytes that is full of an old system.
func newDisk(t testing.TB, size int) (*Device, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "disk")
	if err := os.WriteFile(path, bytes.Repeat([]byte("old!"), size/4), 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d, path
}

func contents(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

var ignoreTime = cmpopts.IgnoreFields(api.WriteResult{}, "Millis", "Wire")

func TestWriteImage(t *testing.T) {
	raw := testRaw()
	s, digest, _ := newSource(t, raw)
	d, path := newDisk(t, 16*testChunk)
	var last [3]int64
	r, err := WriteImage(t.Context(), d, s, digest, func(done, total, wire int64) { last = [3]int64{done, total, wire} })
	if err != nil {
		t.Fatal(err)
	}
	want := api.WriteResult{Bytes: int64(len(raw)), Written: 3*testChunk + testChunk/2, Zero: 5 * testChunk}
	if diff := cmp.Diff(want, r, ignoreTime); diff != "" {
		t.Errorf("result (-want +got):\n%s", diff)
	}
	if got := contents(t, path); !bytes.Equal(got[:len(raw)], raw) || !isZero(got[len(got)-guard:]) {
		t.Error("the disk does not hold the image and an empty tail")
	}
	if last != [3]int64{r.Bytes, r.Bytes, r.Wire} {
		t.Errorf("last progress %v, want all of %+v", last, r)
	}

	// a second time only the head and the tail, which were emptied first, are written
	r, err = WriteImage(t.Context(), d, s, digest, nil)
	if err != nil {
		t.Fatal(err)
	}
	want = api.WriteResult{Bytes: int64(len(raw)), Written: testChunk, Unchanged: 2*testChunk + testChunk/2, Zero: 5 * testChunk}
	if diff := cmp.Diff(want, r, ignoreTime); diff != "" {
		t.Errorf("result of the second writing (-want +got):\n%s", diff)
	}
	if got := contents(t, path); !bytes.Equal(got[:len(raw)], raw) {
		t.Error("the disk does not hold the image after the second writing")
	}
}

// TestImageFillsDisk has the backup partition table of the image at the disk's very end.
func TestImageFillsDisk(t *testing.T) {
	raw := testRaw()
	s, digest, _ := newSource(t, raw)
	d, path := newDisk(t, len(raw))
	if _, err := WriteImage(t.Context(), d, s, digest, nil); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(contents(t, path), raw) {
		t.Error("the disk does not hold the image")
	}
}

// TestResume ends the writing at the last chunk but the head: nothing that was written is fetched again.
func TestResume(t *testing.T) {
	raw := testRaw()
	s, digest, ix := newSource(t, raw)
	d, path := newDisk(t, 16*testChunk)
	ctx, cancel := context.WithCancelCause(t.Context())
	crash := errors.New("the agent was started anew")
	s.spoil = func(sum string, _ int, frame []byte) ([]byte, error) {
		if sum == ix.Chunks[8].SHA256 {
			cancel(crash)
			return nil, io.ErrUnexpectedEOF
		}
		return frame, nil
	}
	if _, err := WriteImage(ctx, d, s, digest, nil); !errors.Is(err, crash) {
		t.Fatalf("interrupted writing: %v, want %v", err, crash)
	}
	if !isZero(contents(t, path)[:guard]) {
		t.Error("a half-written image has a boot sector")
	}
	s.spoil = nil
	r, err := WriteImage(t.Context(), d, s, digest, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(contents(t, path)[:len(raw)], raw) {
		t.Error("the disk does not hold the image")
	}
	if n := s.fetched[ix.Chunks[2].SHA256]; n != 1 || r.Unchanged < testChunk {
		t.Errorf("chunk 2 was fetched %d times, %+v: want once, and found on the disk afterwards", n, r)
	}
}

func TestCutConnectionIsRetried(t *testing.T) {
	raw := testRaw()
	s, digest, ix := newSource(t, raw)
	d, path := newDisk(t, 16*testChunk)
	s.spoil = func(sum string, n int, frame []byte) ([]byte, error) {
		if sum == ix.Chunks[5].SHA256 && n < 4 {
			return nil, io.ErrUnexpectedEOF
		}
		return frame, nil
	}
	if _, err := WriteImage(t.Context(), d, s, digest, nil); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(contents(t, path)[:len(raw)], raw) {
		t.Error("the disk does not hold the image")
	}
}

func TestCorruptChunk(t *testing.T) {
	bomb := func() []byte {
		enc, err := zstd.NewWriter(nil)
		if err != nil {
			t.Fatal(err)
		}
		return enc.EncodeAll(make([]byte, 64<<20), nil)
	}()
	for _, tc := range []struct {
		name  string
		times int // how often the chunk is served spoilt
		frame []byte
		code  string // empty: mended by fetching again
	}{
		{"once", 1, []byte("noise"), ""},
		{"four times", 4, nil, ""},
		{"always", 1000, []byte("noise"), api.CodeCorrupt},
		{"a bomb", 1000, bomb, api.CodeCorrupt},
	} {
		t.Run(tc.name, func(t *testing.T) {
			raw := testRaw()
			s, digest, ix := newSource(t, raw)
			d, path := newDisk(t, 16*testChunk)
			s.spoil = func(sum string, n int, frame []byte) ([]byte, error) {
				if sum == ix.Chunks[2].SHA256 && n <= tc.times {
					return tc.frame, nil
				}
				return frame, nil
			}
			r, err := WriteImage(t.Context(), d, s, digest, nil)
			got := contents(t, path)
			if tc.code == "" {
				if err != nil || r.Retries != int64(tc.times) || !bytes.Equal(got[:len(raw)], raw) {
					t.Errorf("error %v, %d retries, want none and %d, and the image", err, r.Retries, tc.times)
				}
				return
			}
			if err == nil || Code(err) != tc.code {
				t.Errorf("error %v with code %s, want %s", err, Code(err), tc.code)
			}
			if !isZero(got[:guard]) || !isZero(got[len(got)-guard:]) {
				t.Error("a corrupt image has a boot sector or a partition table")
			}
		})
	}
}

func TestRefusedImages(t *testing.T) {
	raw := testRaw()
	_, good, _ := newSource(t, raw)
	for _, tc := range []struct {
		name   string
		size   int
		digest string
		change func(*source, *api.Index)
		code   string
	}{
		{"too large", 4 * testChunk, "", nil, api.CodeTooSmall},
		{"no digest", 16 * testChunk, "latest", nil, api.CodeBadParams},
		{"another index", 16 * testChunk, good, nil, api.CodeCorrupt},
		{"chunk missing", 16 * testChunk, "", func(s *source, ix *api.Index) { delete(s.chunks, ix.Chunks[5].SHA256) }, api.CodeNoImage},
		{"kind", 16 * testChunk, "", func(_ *source, ix *api.Index) { ix.Kind = "tar" }, api.CodeCorrupt},
		{"chunk size", 16 * testChunk, "", func(_ *source, ix *api.Index) { ix.ChunkSize = 1 << 40 }, api.CodeCorrupt},
		{"negative size", 16 * testChunk, "", func(_ *source, ix *api.Index) { ix.Size = -512 }, api.CodeCorrupt},
		{"path as digest", 16 * testChunk, "", func(_ *source, ix *api.Index) { ix.Chunks[2].SHA256 = "../../etc/passwd" }, api.CodeCorrupt},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, digest, ix := newSource(t, raw)
			if tc.change != nil {
				tc.change(s, &ix)
				var err error
				if s.index, err = json.Marshal(ix); err != nil {
					t.Fatal(err)
				}
				digest = "sha256:" + sumText(s.index)
			}
			if tc.digest != "" {
				digest = tc.digest
			}
			if tc.name == "another index" {
				s.index = append(s.index, ' ')
			}
			d, path := newDisk(t, tc.size)
			before := contents(t, path)
			_, err := WriteImage(t.Context(), d, s, digest, nil)
			if err == nil || Code(err) != tc.code {
				t.Fatalf("error %v with code %s, want %s", err, Code(err), tc.code)
			}
			if tc.code != api.CodeNoImage && !bytes.Equal(before, contents(t, path)) {
				t.Error("something was written to the disk")
			}
		})
	}
}

// TestDeafServer has the fetch end with its context, not run for ever.
func TestDeafServer(t *testing.T) {
	s, digest, _ := newSource(t, testRaw())
	s.spoil = func(string, int, []byte) ([]byte, error) { return nil, io.ErrUnexpectedEOF }
	d, _ := newDisk(t, 16*testChunk)
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	if _, err := WriteImage(ctx, d, s, digest, nil); !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("error %v, want the deadline and the last failure", err)
	}
}

// TestOtherBlocks: an image for disks with 512-byte blocks does not boot from one with 4096.
func TestOtherBlocks(t *testing.T) {
	raw := testRaw()
	copy(raw[512:], gptMagic)
	s, digest, _ := newSource(t, raw)
	d, path := newDisk(t, 16*testChunk)
	d.sector = 4096
	before := contents(t, path)
	if _, err := WriteImage(t.Context(), d, s, digest, nil); Code(err) != api.CodeDiskError || !bytes.Equal(before, contents(t, path)) {
		t.Errorf("error %v, want code %s and an untouched disk", err, api.CodeDiskError)
	}
}

// TestBadDisk has the disk lose what was written to it: the image is not made bootable.
func TestBadDisk(t *testing.T) {
	raw := testRaw()
	s, digest, ix := newSource(t, raw)
	d, path := newDisk(t, 16*testChunk)
	s.spoil = func(sum string, _ int, frame []byte) ([]byte, error) {
		if sum != ix.Chunks[5].SHA256 {
			return frame, nil
		}
		if !bytes.Equal(contents(t, path)[2*testChunk:3*testChunk], raw[2*testChunk:3*testChunk]) {
			return nil, io.ErrUnexpectedEOF // until chunk 2 is written
		}
		_, err := d.WriteAt([]byte("rot"), 2*testChunk+1234)
		return frame, err
	}
	_, err := WriteImage(t.Context(), d, s, digest, nil)
	if Code(err) != api.CodeCorrupt || !isZero(contents(t, path)[:guard]) {
		t.Errorf("error %v, want code %s and no boot sector", err, api.CodeCorrupt)
	}
}
