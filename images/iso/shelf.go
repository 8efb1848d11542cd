package iso

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// ShelfPath is below what a Shelf answers.
const ShelfPath = "/boot/medium/"

// shelfName is how every medium is called, by which controllers that tell no more show that it is ours.
const shelfName = "socle-boot.iso"

// Shelf keeps media where controllers of servers fetch them: one for each owner, at a URL that cannot be guessed. A medium
// holds a token, so its URL is a secret, and is not kept: the file is named by a digest of it.
type Shelf struct {
	Dir  string        // made when it is needed
	Base string        // URL of this host as controllers reach it, "http://ADDRESS:PORT"
	Life time.Duration // after which a medium is not handed out any more
	Make func(ctx context.Context, out, title string, params []string) error
	Now  func() time.Time
}

var (
	okOwner  = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]{0,63}$`)
	okSecret = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)
)

// Put makes the owner's medium, in place of an older one, and returns its URL.
func (s *Shelf) Put(ctx context.Context, owner, title string, params []string) (string, error) {
	if err := s.Remove(owner); err != nil {
		return "", err
	}
	dir := filepath.Join(s.Dir, owner)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("making the folder of boot media: %w", err)
	}
	raw := make([]byte, 32)
	_, _ = rand.Read(raw) // never fails: see its documentation
	secret := base64.RawURLEncoding.EncodeToString(raw)
	if err := s.Make(ctx, filepath.Join(dir, fileOf(secret)), title, params); err != nil {
		return "", err
	}
	return strings.TrimSuffix(s.Base, "/") + ShelfPath + owner + "/" + secret + "/" + shelfName, nil
}

func fileOf(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:]) + ".iso"
}

// Remove takes the owner's medium away; none is no error.
func (s *Shelf) Remove(owner string) error {
	if !okOwner.MatchString(owner) {
		return fmt.Errorf("taking a boot medium away: %q is no owner's name", owner)
	}
	if err := os.RemoveAll(filepath.Join(s.Dir, owner)); err != nil {
		return fmt.Errorf("taking a boot medium away: %w", err)
	}
	return nil
}

// Ours tells whether what a controller tells of an image means one of a shelf: its URL, the end of it, its name, or
// nothing at all.
func (*Shelf) Ours(image string) bool {
	return image == "" || strings.Contains(image, strings.TrimPrefix(ShelfPath, "/")) || path.Base(image) == shelfName
}

// Hide is what may be shown of an image: of our own media not what gives access to them.
func Hide(image string) string {
	before, after, ours := strings.Cut(image, ShelfPath)
	owner, _, _ := strings.Cut(after, "/")
	if !ours || !okOwner.MatchString(owner) {
		return image
	}
	return before + ShelfPath + owner + "/…/" + shelfName
}

// ServeHTTP hands out media, whole and in ranges: controllers read them as their server does. Whatever is wrong with a
// request, the answer is that there is no such medium.
func (s *Shelf) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	parts := strings.Split(strings.TrimPrefix(r.URL.Path, ShelfPath), "/")
	if r.Method != http.MethodGet && r.Method != http.MethodHead || len(parts) != 3 ||
		!okOwner.MatchString(parts[0]) || !okSecret.MatchString(parts[1]) || parts[2] != shelfName {
		http.Error(w, "no such medium", http.StatusNotFound)
		return
	}
	f, err := os.Open(filepath.Join(s.Dir, parts[0], fileOf(parts[1])))
	if err != nil {
		status := http.StatusServiceUnavailable
		if errors.Is(err, os.ErrNotExist) {
			status = http.StatusNotFound
		}
		http.Error(w, "no such medium", status)
		return
	}
	defer func() { _ = f.Close() }() // it was only read
	info, err := f.Stat()
	if err != nil || s.Now().Sub(info.ModTime()) > s.Life {
		http.Error(w, "no such medium", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "application/x-iso9660-image")
	http.ServeContent(w, r, "", info.ModTime(), f)
}
