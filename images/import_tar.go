package images

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
)

// openTar has a disk made of an archive, and opens it.
func openTar(ctx context.Context, archive io.Reader, o ImportOptions, open *closers) (rawDisk, error) {
	if o.FromTar == nil {
		return rawDisk{}, errTar
	}
	built, err := o.FromTar(ctx, archive)
	if err != nil {
		return rawDisk{}, err
	}
	f, err := os.Open(built.Raw)
	if err != nil {
		return rawDisk{}, fmt.Errorf("reading the disk that was made of the archive: %w", err)
	}
	*open = append(*open, scratchFile{f})
	if err := sameAsAsked(built, o); err != nil {
		return rawDisk{}, err
	}
	return rawDisk{reader: f, built: &built}, nil
}

// sameAsAsked refuses to store under a description that the disk does not have.
func sameAsAsked(built Built, o ImportOptions) error {
	if o.Arch != "" && o.Arch != built.Arch {
		return fmt.Errorf("disks are made of archives for %s only, not for %s", built.Arch, o.Arch)
	}
	if o.Loader != "" && o.Loader != built.Loader {
		return fmt.Errorf("a disk made of an archive has the loader %s: do not ask for another", built.Loader)
	}
	for _, fw := range o.Firmware {
		if !slices.Contains(built.Firmware, fw) {
			return fmt.Errorf("a disk made of an archive boots by %q, not by %q", built.Firmware, fw)
		}
	}
	return nil
}

// scratchFile is deleted when it is closed.
type scratchFile struct{ *os.File }

// Close implements io.Closer.
func (f scratchFile) Close() error {
	_ = f.File.Close() // it was only read
	return os.Remove(f.Name())
}
