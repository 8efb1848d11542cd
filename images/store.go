package images

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// ChunkSize is how many raw bytes a chunk holds, but the last one of an image.
const ChunkSize = 4 << 20

// workers is how many chunks are packed or checked at a time. Socle shares its host with the deployments
// that it serves, so an import does not take all of it.
const workers = 2

// ErrNotFound means that the store has no such image or chunk. It is an fs.ErrNotExist too.
var ErrNotFound = fmt.Errorf("not in the image store: %w", fs.ErrNotExist)

// ErrDamaged means that a stored file is not what its name says.
var ErrDamaged = errors.New("damaged in the image store")

// Store is a folder of images. Its methods may be called from several goroutines and processes at a time.
type Store struct {
	dir string
	enc *zstd.Encoder
	dec *zstd.Decoder
}

// Open opens the store in a folder and makes it if it is new.
func Open(dir string) (*Store, error) {
	for _, sub := range []string{"chunks", "indexes", "names", "tmp"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			return nil, fmt.Errorf("opening the image store: %w", err)
		}
	}
	// A checksum of zstd's own would be one more of what SHA-256 tells already.
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(workers), zstd.WithEncoderCRC(false))
	if err != nil {
		return nil, fmt.Errorf("preparing zstd: %w", err)
	}
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(workers), zstd.WithDecoderMaxMemory(2*ChunkSize))
	if err != nil {
		return nil, fmt.Errorf("preparing zstd: %w", err)
	}
	return &Store{dir: dir, enc: enc, dec: dec}, nil
}

// Dir is the folder of the store.
func (s *Store) Dir() string { return s.dir }

const digestPrefix = "sha256:"

var (
	hexPattern  = regexp.MustCompile(`^[0-9a-f]{64}$`)
	namePattern = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)
)

// CheckName tells what is wrong with the name of an image, if anything.
func CheckName(name string) error {
	if !namePattern.MatchString(name) {
		return fmt.Errorf("image name %q: use 1 to 64 of a-z, 0-9, \".\", \"_\" and \"-\", a letter or digit first", name)
	}
	return nil
}

// hexOf takes the hexadecimal part out of a digest; everything that is not exactly one is refused, so that
// no text from outside becomes a path.
func hexOf(digest string) (string, error) {
	hex := strings.TrimPrefix(digest, digestPrefix)
	if hex == digest || !hexPattern.MatchString(hex) {
		return "", fmt.Errorf("%q is no digest of an image: %w", digest, ErrNotFound)
	}
	return hex, nil
}

func (s *Store) indexPath(hex string) string { return filepath.Join(s.dir, "indexes", hex+".json") }
func (s *Store) namePath(name string) string { return filepath.Join(s.dir, "names", name) }
func (s *Store) chunkPath(hex string) string {
	return filepath.Join(s.dir, "chunks", hex[:2], hex+".zst")
}
