package debian

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// downloadTimeout bounds one apt-get; a kernel package is 70 MB.
const downloadTimeout = 10 * time.Minute

// ErrUnknown means that apt's lists hold no such package, and the cache holds none either.
var ErrUnknown = errors.New("no such package")

// Package is one Debian binary package on this disk.
type Package struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Arch    string `json:"arch"`
	SHA256  string `json:"sha256"` // of the .deb, hexadecimal, as apt's signed lists say
	File    string `json:"file"`   // name of the .deb in the cache folder
	// Depends are the alternatives-free names this package depends on, in order.
	Depends []string `json:"depends,omitempty"`

	Path string `json:"-"` // of the .deb
}

// Cache gets packages into one folder.
type Cache struct {
	Dir string
	// Arch is the Debian architecture whose packages are fetched; empty: this host's. For another one than the host's,
	// apt's lists of that architecture are kept in the folder, and the host's own apt is left as it is.
	Arch string
	Log  *slog.Logger
}

// Fetch returns the newest version of a package that apt's lists know, downloading it unless it is in the
// cache. When apt cannot answer or the archive cannot be reached, it returns what was fetched last under
// this name, and says so in the log. Name may carry an architecture, as in "linux-image-amd64:amd64".
func (c Cache) Fetch(ctx context.Context, name string) (Package, error) {
	if err := os.MkdirAll(c.Dir, 0o755); err != nil {
		return Package{}, fmt.Errorf("making the package cache: %w", err)
	}
	p, err := c.newest(ctx, name)
	if err == nil {
		return p, c.record(name, p)
	}
	if ctx.Err() != nil {
		return Package{}, err
	}
	old, oldErr := c.recorded(name)
	if oldErr != nil {
		return Package{}, err // why the cache has none tells nobody anything
	}
	c.log().Warn("using the package in the cache, which may not be the newest", "package", name, "version", old.Version, "err", err)
	return old, nil
}

// newest is Fetch without what was fetched before.
func (c Cache) newest(ctx context.Context, name string) (Package, error) {
	a, err := c.apt(ctx)
	if err != nil {
		return Package{}, fmt.Errorf("looking up package %s: %w", name, err)
	}
	p, err := a.lookup(ctx, name)
	if err != nil {
		return Package{}, fmt.Errorf("looking up package %s: %w", name, err)
	}
	p.Path = filepath.Join(c.Dir, p.File)
	if digest, err := fileSHA256(p.Path); err == nil && digest == p.SHA256 {
		return p, nil
	}
	c.log().Info("downloading", "package", p.Name, "version", p.Version)
	if err := c.download(ctx, a, p); err != nil {
		return Package{}, fmt.Errorf("downloading %s %s: %w", p.Name, p.Version, err)
	}
	return p, nil
}

// download lets apt-get fetch and verify the package in a folder of its own, checks it against the lists
// once more and moves it to its place.
func (c Cache) download(ctx context.Context, a apt, p Package) error {
	ctx, cancel := context.WithTimeout(ctx, downloadTimeout)
	defer cancel()
	tmp, err := os.MkdirTemp(c.Dir, ".download-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(tmp) }()
	spec := p.Name + "=" + p.Version
	if p.Arch != "all" {
		spec = p.Name + ":" + p.Arch + "=" + p.Version
	}
	if err := a.get(ctx, tmp, "download", spec); err != nil {
		return err
	}
	debs, err := filepath.Glob(filepath.Join(tmp, "*.deb"))
	if err != nil || len(debs) != 1 {
		return fmt.Errorf("apt-get download left %d packages where one was asked for", len(debs))
	}
	digest, err := fileSHA256(debs[0])
	if err != nil {
		return err
	}
	if digest != p.SHA256 {
		return fmt.Errorf("the package has SHA-256 %s, apt's lists say %s; run \"apt-get update\"", digest, p.SHA256)
	}
	return os.Rename(debs[0], p.Path)
}

// record remembers which package a name led to, for builds without a network.
func (c Cache) record(name string, p Package) error {
	text, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return err
	}
	tmp := c.recordPath(name) + ".new"
	if err := os.WriteFile(tmp, append(text, '\n'), 0o644); err != nil {
		return fmt.Errorf("recording package %s: %w", name, err)
	}
	return os.Rename(tmp, c.recordPath(name))
}

// recorded returns the package that a name led to last time, verified.
func (c Cache) recorded(name string) (Package, error) {
	text, err := os.ReadFile(c.recordPath(name))
	if err != nil {
		return Package{}, err
	}
	var p Package
	if err := json.Unmarshal(text, &p); err != nil {
		return Package{}, fmt.Errorf("reading the record of package %s: %w", name, err)
	}
	p.Path = filepath.Join(c.Dir, filepath.Base(p.File))
	digest, err := fileSHA256(p.Path)
	if err != nil {
		return Package{}, err
	}
	if digest != p.SHA256 {
		return Package{}, fmt.Errorf("cached %s is damaged: SHA-256 %s, recorded %s", p.File, digest, p.SHA256)
	}
	return p, nil
}

func (c Cache) recordPath(name string) string {
	if c.Arch != "" {
		name += ":" + c.Arch
	}
	return filepath.Join(c.Dir, strings.NewReplacer("/", "_", ":", "_").Replace(name)+".package.json")
}

func (c Cache) log() *slog.Logger {
	if c.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return c.Log
}

func fileSHA256(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
