// Package depot keeps files by what is in them: a folder of files that are named by their SHA-256, and hands them out
// over HTTP. It is for firmware, which BMCs fetch by themselves: what they get is what somebody named by its digest.
package depot

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"time"
)

// Dir is the folder. Several processes may use it at a time.
type Dir struct{ path string }

// Open opens the folder and makes it when it is new.
func Open(path string) (*Dir, error) {
	if err := os.MkdirAll(path, 0o755); err != nil {
		return nil, fmt.Errorf("opening the store of firmware: %w", err)
	}
	return &Dir{path}, nil
}

// Add takes in a file and returns its digest and its size in bytes. A reader of the folder sees all of it or nothing.
func (d *Dir) Add(from io.Reader) (digest string, size int64, err error) {
	tmp, err := os.CreateTemp(d.path, ".new-*")
	if err != nil {
		return "", 0, fmt.Errorf("storing firmware: %w", err)
	}
	defer func() { _ = os.Remove(tmp.Name()) }() // after the rename there is nothing to remove
	hash := sha256.New()
	size, err = io.Copy(io.MultiWriter(tmp, hash), from)
	if err = errors.Join(err, tmp.Chmod(0o644), tmp.Sync(), tmp.Close()); err != nil {
		return "", 0, fmt.Errorf("storing firmware: %w", err)
	}
	if size == 0 {
		return "", 0, errors.New("storing firmware: the file is empty")
	}
	digest = hex.EncodeToString(hash.Sum(nil))
	if err := os.Rename(tmp.Name(), filepath.Join(d.path, digest)); err != nil {
		return "", 0, fmt.Errorf("storing firmware: %w", err)
	}
	return digest, size, nil
}

var digestPattern = regexp.MustCompile(`^[0-9a-f]{64}$`)

// Open opens the file with this digest and tells its size in bytes; fs.ErrNotExist when there is none.
func (d *Dir) Open(digest string) (io.ReadSeekCloser, int64, error) {
	f, info, err := d.open(digest)
	if err != nil {
		return nil, 0, err
	}
	return f, info.Size(), nil
}

func (d *Dir) open(digest string) (*os.File, fs.FileInfo, error) {
	if !digestPattern.MatchString(digest) {
		return nil, nil, fmt.Errorf("firmware %q: %w", digest, fs.ErrNotExist)
	}
	f, err := os.Open(filepath.Join(d.path, digest))
	if err != nil {
		return nil, nil, fmt.Errorf("opening firmware: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("opening firmware: %w", err), f.Close())
	}
	return f, info, nil
}

// Check reads the file with this digest and tells whether it still is what its name says.
func (d *Dir) Check(digest string) error {
	f, _, err := d.open(digest)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("no firmware with the SHA-256 %s is in the store: socle firmware add FILE: %w", digest, fs.ErrNotExist)
	}
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // was only read
	hash := sha256.New()
	if _, err := io.Copy(hash, f); err != nil {
		return fmt.Errorf("reading firmware %s: %w", digest, err)
	}
	if got := hex.EncodeToString(hash.Sum(nil)); got != digest {
		return fmt.Errorf("firmware %s is damaged in the store, its SHA-256 is %s: add the file again", digest, got)
	}
	return nil
}

// Path is where a file is to be found, below the address of the server: with its name last, at which some BMCs look.
func Path(digest, name string) string { return "/firmware/" + digest + "/" + name }

// Pattern is what the handler is registered for.
const Pattern = "GET /firmware/{digest}/{name}"

// ServeHTTP implements http.Handler, with ranges.
func (d *Dir) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f, _, err := d.open(r.PathValue("digest"))
	if err != nil {
		http.NotFound(w, r)
		return
	}
	defer func() { _ = f.Close() }() // was only read
	w.Header().Set("Content-Type", "application/octet-stream")
	http.ServeContent(w, r, "", time.Time{}, f)
}
