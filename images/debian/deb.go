package debian

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"path"

	"pault.ag/go/debian/deb"
)

// ErrStop ends a Walk early without an error.
var ErrStop = errors.New("stop")

// Walk reads the regular files of a package in the order they stand in it; names are absolute ("/boot/…").
// The reader is good until visit returns. visit ends the walk with ErrStop.
func (p Package) Walk(visit func(name string, size int64, r io.Reader) error) error {
	d, done, err := deb.LoadFile(p.Path)
	if err != nil {
		return fmt.Errorf("opening package %s: %w", p.File, err)
	}
	defer func() { _ = done() }()
	for {
		h, err := d.Data.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading package %s: %w", p.File, err)
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		err = visit(path.Join("/", h.Name), h.Size, d.Data)
		if errors.Is(err, ErrStop) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading %s in package %s: %w", h.Name, p.File, err)
		}
	}
}
