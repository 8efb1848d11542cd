package images

import (
	"errors"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// Sparse is a source of raw bytes that knows where it is zero without being read.
type Sparse interface {
	io.ReaderAt
	Size() int64 // bytes
	// IsZero reports that the n bytes at off are known to be zero. False means unknown.
	IsZero(off, n int64) bool
}

// piece is one chunk on its way into the store.
type piece struct {
	pos  int
	data []byte // nil: zero
	size int64
}

// pieces cuts a source. next returns io.EOF after the last piece.
type pieces struct {
	stream io.Reader
	sparse Sparse // nil: only the stream
	off    int64
	pos    int
}

func newPieces(raw io.Reader) *pieces {
	p := &pieces{stream: raw}
	switch r := raw.(type) {
	case *os.File:
		p.sparse = sparseFile(r)
	case Sparse:
		p.sparse = r
	}
	return p
}

// next fills buf, which holds ChunkSize bytes, unless the piece is known to be zero.
func (p *pieces) next(buf []byte) (piece, error) {
	out := piece{pos: p.pos}
	if p.sparse != nil {
		out.size = min(p.sparse.Size()-p.off, ChunkSize)
		if out.size <= 0 {
			return piece{}, io.EOF
		}
		if !p.sparse.IsZero(p.off, out.size) {
			out.data = buf[:out.size]
			if n, err := p.sparse.ReadAt(out.data, p.off); int64(n) < out.size {
				return piece{}, unexpected(err)
			}
		}
	} else {
		n, err := io.ReadFull(p.stream, buf)
		if n == 0 {
			return piece{}, err
		}
		if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
			return piece{}, err
		}
		out.data, out.size = buf[:n], int64(n)
	}
	p.pos++
	p.off += out.size
	return out, nil
}

// unexpected: a source that ends before the size it named.
func unexpected(err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// file is a regular file with holes (lseek(2), SEEK_DATA).
type file struct {
	*os.File
	size int64
}

// sparseFile returns nil for what has no size or has been read from already.
func sparseFile(f *os.File) Sparse {
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return nil
	}
	if at, err := f.Seek(0, io.SeekCurrent); err != nil || at != 0 {
		return nil
	}
	return &file{File: f, size: info.Size()}
}

func (f *file) Size() int64 { return f.size }

func (f *file) IsZero(off, n int64) bool {
	data, err := unix.Seek(int(f.Fd()), off, unix.SEEK_DATA)
	if errors.Is(err, unix.ENXIO) {
		return true // nothing but a hole up to the end
	}
	return err == nil && data >= off+n
}

// isZero tells whether all bytes are zero.
func isZero(b []byte) bool {
	for len(b) >= len(zeros) {
		if [len(zeros)]byte(b) != zeros {
			return false
		}
		b = b[len(zeros):]
	}
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

var zeros [4096]byte
