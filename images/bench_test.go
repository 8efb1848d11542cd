package images

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"socle/api"
)

// BenchmarkAdd measures bytes of the raw image a second, of an image of which half compresses well; "again"
// finds all chunks in the store.
func BenchmarkAdd(b *testing.B) {
	data := random(1, 32*ChunkSize)
	b.Run("new", func(b *testing.B) {
		b.SetBytes(int64(len(data)))
		for b.Loop() {
			if _, _, err := openStore(b).Add(b.Context(), api.Index{Name: "a"}, bytes.NewReader(data)); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("again", func(b *testing.B) {
		s := openStore(b)
		b.SetBytes(int64(len(data)))
		for b.Loop() {
			if _, _, err := s.Add(b.Context(), api.Index{Name: "a"}, bytes.NewReader(data)); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("hole", func(b *testing.B) {
		f, err := os.Create(filepath.Join(b.TempDir(), "hole"))
		if err != nil {
			b.Fatal(err)
		}
		defer func() { _ = f.Close() }()
		const size = 100 << 30
		if err := f.Truncate(size); err != nil {
			b.Fatal(err)
		}
		s := openStore(b)
		b.SetBytes(size)
		for b.Loop() {
			if _, err := f.Seek(0, 0); err != nil {
				b.Fatal(err)
			}
			if _, _, err := s.Add(b.Context(), api.Index{Name: "a"}, f); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkVerify measures bytes of the raw image a second.
func BenchmarkVerify(b *testing.B) {
	data := random(1, 32*ChunkSize)
	s := openStore(b)
	if _, _, err := s.Add(b.Context(), api.Index{Name: "a"}, bytes.NewReader(data)); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if err := s.Verify(b.Context(), "a"); err != nil {
			b.Fatal(err)
		}
	}
}
