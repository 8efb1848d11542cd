package debian

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// small is a package of a few kB that every Debian has.
const small = "linux-image-amd64"

// TestFetch downloads a real package, and then lives on the cache.
func TestFetch(t *testing.T) {
	c := Cache{Dir: filepath.Join(t.TempDir(), "packages")}
	p, err := c.Fetch(t.Context(), small)
	if err != nil {
		t.Fatal(err)
	}
	if p.Name != small || p.Version == "" || len(p.SHA256) != 64 {
		t.Errorf("got %+v", p)
	}
	var names []string
	err = p.Walk(func(name string, size int64, r io.Reader) error {
		names = append(names, name)
		n, err := io.Copy(io.Discard, r)
		if n != size {
			t.Errorf("%s has %d bytes, announced were %d", name, n, size)
		}
		return err
	})
	if err != nil || len(names) == 0 || !strings.HasPrefix(names[0], "/usr/share/") {
		t.Errorf("Walk: %q, %v", names, err)
	}
	first := 0
	if err := p.Walk(func(string, int64, io.Reader) error { first++; return ErrStop }); err != nil || first != 1 {
		t.Errorf("Walk stopped after %d files with %v", first, err)
	}

	// A damaged package is fetched again.
	if err := os.WriteFile(p.Path, []byte("damaged"), 0o644); err != nil {
		t.Fatal(err)
	}
	if again, err := c.Fetch(t.Context(), small); err != nil || again.SHA256 != p.SHA256 {
		t.Errorf("fetching over a damaged file: %+v, %v", again, err)
	}
	if digest, err := fileSHA256(p.Path); err != nil || digest != p.SHA256 {
		t.Errorf("the file has %s, %v", digest, err)
	}

	if _, err := c.Fetch(t.Context(), "no-such-package-anywhere"); !errors.Is(err, ErrUnknown) {
		t.Errorf("unknown package: %v", err)
	}

	// The archive cannot be reached, and apt's lists name a package that is not in the cache.
	t.Setenv("http_proxy", "http://127.0.0.1:1")
	t.Setenv("https_proxy", "http://127.0.0.1:1")
	if err := os.Rename(p.Path, p.Path+".kept"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Fetch(t.Context(), small); err == nil || !strings.Contains(err.Error(), "apt-get update") {
		t.Errorf("without archive and cache: %v", err)
	}
	// With an older package in the cache, that one is used.
	older := Package{Name: small, Version: "1", Arch: "amd64", File: "older.deb", SHA256: p.SHA256}
	if err := os.Rename(p.Path+".kept", filepath.Join(c.Dir, older.File)); err != nil {
		t.Fatal(err)
	}
	if err := c.record(small, older); err != nil {
		t.Fatal(err)
	}
	if got, err := c.Fetch(t.Context(), small); err != nil || got.Version != "1" {
		t.Errorf("without archive, with an older package: %+v, %v", got, err)
	}
	if err := errors.Join(os.Rename(filepath.Join(c.Dir, older.File), p.Path), c.record(small, p)); err != nil {
		t.Fatal(err)
	}

	t.Setenv("PATH", "") // no apt
	offline, err := c.Fetch(t.Context(), small)
	if err != nil || offline.Path != p.Path {
		t.Errorf("without apt: %+v, %v", offline, err)
	}
	if err := os.WriteFile(p.Path, []byte("damaged"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Fetch(t.Context(), small); err == nil {
		t.Error("a damaged package was accepted")
	}
}

func TestWalkRefuses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.deb")
	if err := os.WriteFile(path, []byte("!<arch>\nrubbish"), 0o644); err != nil {
		t.Fatal(err)
	}
	err := Package{Path: path, File: "a.deb"}.Walk(func(string, int64, io.Reader) error { return nil })
	if err == nil || !strings.Contains(err.Error(), "a.deb") {
		t.Errorf("error %v, want one that names the package", err)
	}
}
