package images

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"socle/api"
)

// Image is one line of the catalogue.
type Image struct {
	Name   string    `json:"name,omitempty"` // empty: no name stands for it, GC will take it
	Digest string    `json:"digest"`
	Added  time.Time `json:"added"`  // when the name was given to this digest
	Stored int64     `json:"stored"` // bytes of its chunks in the store; shared ones count for each image
	Index  api.Index `json:"-"`
}

// IndexBytes returns an index as it is served: the bytes whose SHA-256 is the digest.
func (s *Store) IndexBytes(digest string) ([]byte, error) {
	hex, err := hexOf(digest)
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(s.indexPath(hex))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("image %s: %w", digest, ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the index of image %s: %w", digest, err)
	}
	if sum := sha256.Sum256(text); fmt.Sprintf("%x", sum) != hex {
		return nil, fmt.Errorf("index of image %s: %w; import the image again", digest, ErrDamaged)
	}
	return text, nil
}

// OpenChunk opens a chunk as it is stored, a zstd frame. sha256 is of the raw bytes, hexadecimal.
func (s *Store) OpenChunk(sha256 string) (*os.File, error) {
	if !hexPattern.MatchString(sha256) {
		return nil, fmt.Errorf("%q is no SHA-256 of a chunk: %w", sha256, ErrNotFound)
	}
	f, err := os.Open(s.chunkPath(sha256))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("chunk %s: %w", sha256, ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("opening chunk %s: %w", sha256, err)
	}
	return f, nil
}

// Resolve finds an image by its name or its digest.
func (s *Store) Resolve(nameOrDigest string) (string, api.Index, error) {
	digest := nameOrDigest
	if !strings.HasPrefix(digest, digestPrefix) {
		var err error
		if digest, err = s.named(nameOrDigest); err != nil {
			return "", api.Index{}, err
		}
	}
	ix, err := s.index(digest)
	if err != nil {
		return "", api.Index{}, err
	}
	return digest, ix, nil
}

// named reads which digest a name stands for.
func (s *Store) named(name string) (string, error) {
	if err := CheckName(name); err != nil {
		return "", fmt.Errorf("%w: %w", err, ErrNotFound)
	}
	text, err := os.ReadFile(s.namePath(name))
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("image %q: %w", name, ErrNotFound)
	}
	if err != nil {
		return "", fmt.Errorf("reading image name %q: %w", name, err)
	}
	return strings.TrimSpace(string(text)), nil
}

// index reads and checks the index of an image.
func (s *Store) index(digest string) (api.Index, error) {
	text, err := s.IndexBytes(digest)
	if err != nil {
		return api.Index{}, err
	}
	var ix api.Index
	if err := json.Unmarshal(text, &ix); err != nil {
		return api.Index{}, fmt.Errorf("index of image %s: %w: %w", digest, err, ErrDamaged)
	}
	if ix.ChunkSize <= 0 || ix.ChunkSize > ChunkSize || int64(len(ix.Chunks)) != (ix.Size+ix.ChunkSize-1)/ix.ChunkSize {
		return api.Index{}, fmt.Errorf("index of image %s: %d bytes do not make %d chunks of %d: %w",
			digest, ix.Size, len(ix.Chunks), ix.ChunkSize, ErrDamaged)
	}
	return ix, nil
}

// List returns all images, the named ones by name, then the others. An image that cannot be read is left
// out and named in the error, beside the list of the others.
func (s *Store) List() ([]Image, error) {
	names, err := readNames(filepath.Join(s.dir, "names"), "")
	if err != nil {
		return nil, fmt.Errorf("listing images: %w", err)
	}
	digests, err := readNames(filepath.Join(s.dir, "indexes"), ".json")
	if err != nil {
		return nil, fmt.Errorf("listing images: %w", err)
	}
	var list []Image
	var broken []error
	named := map[string]bool{}
	add := func(name, digest, path string) {
		ix, err := s.index(digest)
		info, statErr := os.Stat(path)
		if err = errors.Join(err, statErr); err != nil {
			broken = append(broken, err)
			return
		}
		list = append(list, Image{Name: name, Digest: digest, Added: info.ModTime(), Stored: storedBytes(ix), Index: ix})
	}
	for _, name := range names {
		digest, err := s.named(name)
		if err != nil {
			broken = append(broken, err)
			continue
		}
		named[digest] = true
		add(name, digest, s.namePath(name))
	}
	for _, hex := range digests {
		if digest := digestPrefix + hex; !named[digest] {
			add("", digest, s.indexPath(hex))
		}
	}
	return list, errors.Join(broken...)
}

func storedBytes(ix api.Index) int64 {
	var sum int64
	seen := map[string]bool{}
	for _, c := range ix.Chunks {
		if !seen[c.SHA256] {
			seen[c.SHA256] = true
			sum += c.Stored
		}
	}
	return sum
}

// Name makes a name stand for an image that is there.
func (s *Store) Name(name, digest string) error {
	if err := CheckName(name); err != nil {
		return err
	}
	unlock, err := s.share(context.Background())
	if err != nil {
		return err
	}
	defer unlock()
	if _, err := s.index(digest); err != nil {
		return fmt.Errorf("naming image %q: %w", name, err)
	}
	return s.setName(name, digest)
}

// setName needs the shared lock.
func (s *Store) setName(name, digest string) error {
	old, err := s.named(name)
	if err == nil && old == digest {
		return nil
	}
	if err == nil {
		s.orphan(old)
	}
	if err := s.placeText(s.namePath(name), []byte(digest+"\n")); err != nil {
		return fmt.Errorf("naming image %q: %w", name, err)
	}
	return nil
}

// Remove takes a name away. The image stays until GC, and longer if another name stands for it.
func (s *Store) Remove(name string) error {
	unlock, err := s.share(context.Background())
	if err != nil {
		return err
	}
	defer unlock()
	digest, err := s.named(name)
	if err != nil {
		return err
	}
	s.orphan(digest)
	if err := os.Remove(s.namePath(name)); err != nil {
		return fmt.Errorf("removing image name %q: %w", name, err)
	}
	return syncDir(filepath.Join(s.dir, "names"))
}

// orphan starts the time of grace of an image that loses a name: GC counts from its index's time.
func (s *Store) orphan(digest string) {
	if hex, err := hexOf(digest); err == nil {
		now := time.Now()
		_ = os.Chtimes(s.indexPath(hex), now, now) // an index that is not there needs no grace
	}
}

// readNames lists the files of a folder that end in ext, without it, sorted.
func readNames(dir, ext string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), ext); ok && e.Type().IsRegular() {
			names = append(names, name)
		}
	}
	return names, nil
}
