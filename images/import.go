package images

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"socle/api"
	"socle/images/qcow2"
)

// maxImport bounds the raw bytes of an imported image, against a small file that unpacks to no end.
const maxImport = 2 << 40

// ImportOptions say what to import and as what.
type ImportOptions struct {
	Name     string
	Source   string // path, or http(s) URL
	SHA256   string // of the source as it is published, hexadecimal; empty: not checked
	Format   string // "raw", "qcow2", "tar"; "": found out
	Arch     string
	Firmware []string // "bios", "uefi"; empty: found out from the partition table
	Loader   string   // UEFI loader on the ESP; empty: the default one
	Log      *slog.Logger
	// Progress is told now and then how many bytes of the source are there; total is -1 when unknown. May be nil.
	Progress func(done, total int64)
	// FromTar makes a disk of a tar archive of a root file system; package images/recipe has one that does. It reads
	// the archive, unpacked, to its end. Nil: such archives are refused.
	FromTar func(ctx context.Context, archive io.Reader) (Built, error)
}

// Import puts a disk image made elsewhere into the store, or the disk that FromTar makes of a root file system.
// Sources packed with gzip, xz or zstd are unpacked.
func (s *Store) Import(ctx context.Context, o ImportOptions) (string, error) {
	digest, err := s.importImage(ctx, o)
	if err != nil {
		return "", fmt.Errorf("importing %s: %w", displaySource(o.Source), err)
	}
	return digest, nil
}

func (s *Store) importImage(ctx context.Context, o ImportOptions) (string, error) {
	if err := CheckName(o.Name); err != nil {
		return "", err
	}
	switch o.Format {
	case "", "raw", "qcow2", "tar":
	default:
		return "", fmt.Errorf("format %q: it has to be raw, qcow2 or tar, or nothing to find out", o.Format)
	}
	want := strings.ToLower(strings.TrimPrefix(o.SHA256, digestPrefix))
	if want != "" && !hexPattern.MatchString(want) {
		return "", fmt.Errorf("%q is no SHA-256: it has 64 hexadecimal digits", o.SHA256)
	}
	path := o.Source
	if isURL(o.Source) {
		if want == "" && o.Log != nil {
			o.Log.Warn("no SHA-256 is given: nothing shows that the image is the one that was published", "url", displaySource(o.Source))
		}
		d := s.newDownload(o, want)
		if err := d.fetch(ctx); err != nil {
			return "", s.explain(err)
		}
		path = d.file
		defer func() {
			// It is in the store now, or wrong. Only what was interrupted is worth keeping.
			if ctx.Err() == nil {
				d.remove()
			}
		}()
	}
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return "", errors.Join(err, errors.New("it is not a regular file"))
	}
	if want != "" {
		if err := checkSHA256(ctx, f, want); err != nil {
			return "", err
		}
	}
	return s.importFile(ctx, o, f)
}

// importFile unpacks the file as far as needed and adds it.
func (s *Store) importFile(ctx context.Context, o ImportOptions, f *os.File) (string, error) {
	var open closers
	defer open.close()
	raw, err := s.openRaw(ctx, f, o, &open)
	if err != nil {
		return "", err
	}
	meta := api.Index{Name: o.Name, Kind: "disk", Arch: o.Arch, Firmware: o.Firmware, Loader: o.Loader}
	switch {
	case raw.built != nil:
		meta.Arch, meta.Firmware, meta.Loader = raw.built.Arch, raw.built.Firmware, raw.built.Loader
	case len(meta.Firmware) == 0:
		meta.Firmware = raw.layout.firmware()
	}
	digest, _, err := s.Add(ctx, meta, raw.reader)
	return digest, err
}

// rawDisk is a source of raw bytes with what its beginning tells.
type rawDisk struct {
	reader io.Reader
	layout layout
	built  *Built // nil: the disk was made elsewhere
}

// closers is what is open while a source is read, closed in the opposite order.
type closers []io.Closer

// The receiver is a pointer: a deferred call has to see what was opened after it was deferred.
func (c *closers) close() {
	for _, open := range slices.Backward(*c) {
		_ = open.Close() // of things that were only read
	}
}

// openRaw turns a file of any accepted form into raw bytes. What it opens beside goes to open.
func (s *Store) openRaw(ctx context.Context, f *os.File, o ImportOptions, open *closers) (rawDisk, error) {
	unpacked, packed, err := unpack(f)
	if err != nil {
		return rawDisk{}, err
	}
	*open = append(*open, unpacked)
	head := newPeeked(&boundedReader{ctx: ctx, r: unpacked, left: maxImport})
	begin, err := head.peek(layoutBytes)
	if err != nil {
		return rawDisk{}, fmt.Errorf("reading its beginning: %w", err)
	}
	format, err := decideFormat(o.Format, begin)
	if err != nil {
		return rawDisk{}, err
	}
	switch {
	case format == "tar":
		return openTar(ctx, head, o, open)
	case format == "qcow2" && packed:
		// qcow2 is read from all over the file, so it is unpacked beside first.
		file, err := s.spool(head)
		if err != nil {
			return rawDisk{}, err
		}
		*open = append(*open, file)
		return openQcow2(file)
	case format == "qcow2":
		return openQcow2(f)
	case packed:
		return rawDisk{reader: head, layout: readLayout(begin)}, nil
	}
	// As a file, so that its holes are skipped.
	_, err = f.Seek(0, io.SeekStart)
	return rawDisk{reader: f, layout: readLayout(begin)}, err
}

func openQcow2(f *os.File) (rawDisk, error) {
	info, err := f.Stat()
	if err != nil {
		return rawDisk{}, err
	}
	im, err := qcow2.Open(f, info.Size())
	if err != nil {
		return rawDisk{}, err
	}
	if im.Size() > maxImport {
		return rawDisk{}, fmt.Errorf("its disk has %d bytes, more than the %d that are accepted", im.Size(), int64(maxImport))
	}
	begin := make([]byte, min(layoutBytes, im.Size()))
	if _, err := im.ReadAt(begin, 0); err != nil && !errors.Is(err, io.EOF) {
		return rawDisk{}, err
	}
	return rawDisk{reader: sparseReader{im}, layout: readLayout(begin)}, nil
}

// sparseReader makes an io.Reader of a Sparse, which is what Add uses of it.
type sparseReader struct{ Sparse }

func (sparseReader) Read([]byte) (int, error) {
	return 0, errors.New("a sparse image is read at offsets")
}

// spool copies to a temporary file without a name.
func (s *Store) spool(r io.Reader) (*os.File, error) {
	f, err := os.CreateTemp(filepath.Join(s.dir, "tmp"), "spool-*")
	if err != nil {
		return nil, s.explain(err)
	}
	_ = os.Remove(f.Name())
	if _, err := io.Copy(f, r); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("unpacking it: %w", s.explain(err))
	}
	return f, nil
}

func checkSHA256(ctx context.Context, f *os.File, want string) error {
	h := sha256.New()
	if _, err := io.Copy(h, &boundedReader{ctx: ctx, r: f, left: maxImport}); err != nil {
		return err
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != want {
		return fmt.Errorf("%w: it has %s, expected was %s", ErrChecksum, got, want)
	}
	_, err := f.Seek(0, io.SeekStart)
	return err
}

// ErrChecksum means that the source does not have the SHA-256 that was given.
var ErrChecksum = errors.New("wrong SHA-256")

// boundedReader ends a long read when ctx does, or when more comes than is accepted.
type boundedReader struct {
	ctx  context.Context // lives as long as one copy
	r    io.Reader
	left int64
}

func (b *boundedReader) Read(p []byte) (int, error) {
	if b.ctx.Err() != nil {
		return 0, context.Cause(b.ctx)
	}
	n, err := b.r.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, fmt.Errorf("it unpacks to more than the %d bytes that are accepted", int64(maxImport))
	}
	return n, err
}
