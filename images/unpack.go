package images

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/xi2/xz"
)

// maxXZDict bounds the memory that an xz stream may ask for: the dictionary of "xz -9".
const maxXZDict = 64 << 20

// unpack finds out by its first bytes whether a file is packed, and unpacks it as it is read. packed is false
// when the bytes are the file's own.
func unpack(f *os.File) (r io.ReadCloser, packed bool, err error) {
	magic := make([]byte, 6)
	n, err := f.ReadAt(magic, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, false, err
	}
	magic = magic[:n]
	in := bufio.NewReaderSize(f, 1<<20)
	switch {
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b}):
		z, err := gzip.NewReader(in)
		if err != nil {
			return nil, false, fmt.Errorf("unpacking gzip: %w", err)
		}
		return z, true, nil
	case bytes.HasPrefix(magic, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		z, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(workers), zstd.WithDecoderMaxWindow(128<<20))
		if err != nil {
			return nil, false, fmt.Errorf("unpacking zstd: %w", err)
		}
		return z.IOReadCloser(), true, nil
	case bytes.HasPrefix(magic, []byte{0xfd, '7', 'z', 'X', 'Z', 0}):
		z, err := xz.NewReader(in, maxXZDict)
		if err != nil {
			return nil, false, fmt.Errorf("unpacking xz: %w", err)
		}
		return io.NopCloser(z), true, nil
	}
	return io.NopCloser(in), false, nil
}

// peeked is a reader whose beginning can be looked at.
type peeked struct{ *bufio.Reader }

func newPeeked(r io.Reader) peeked { return peeked{bufio.NewReaderSize(r, layoutBytes)} }

// peek returns up to n bytes; less when there are less.
func (p peeked) peek(n int) ([]byte, error) {
	b, err := p.Peek(n)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return b, err
}
