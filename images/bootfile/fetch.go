package bootfile

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
	"slices"
	"strings"

	"socle/images/debian"
)

// ManifestFile is the name of the record in the folder, of the files for an architecture.
func ManifestFile(arch string) string {
	if arch == "" || arch == "amd64" {
		return "manifest.json"
	}
	return "manifest-" + arch + ".json"
}

// maxFile bounds one boot file; the largest has 4 MB.
const maxFile = 32 << 20

// Options say where to.
type Options struct {
	OutDir   string
	CacheDir string       // for Debian's packages; kept between builds
	Arch     string       // of the servers: "amd64" (also when empty) or "arm64"
	Log      *slog.Logger // may be nil
}

// File is one boot file and where it came from.
type File struct {
	Name    string `json:"name"` // as served
	SHA256  string `json:"sha256"`
	Size    int64  `json:"size"` // bytes
	Package string `json:"package"`
	Version string `json:"version"` // of the package
	Source  string `json:"source"`  // path in the package
}

// Manifest records what is in the folder.
type Manifest struct {
	Files    []File           `json:"files"` // by name
	Packages []debian.Package `json:"packages"`
	// Missing says why files that are only wanted for Secure Boot or HTTPS boot are not there.
	Missing []string `json:"missing,omitempty"`
}

// source is a package with boot files in it.
type source struct {
	pkg      string
	optional bool     // without it, ordinary network boot still works
	files    []wanted // all have to be there
	maybe    []wanted // not every version has them
}

// wanted is one file: the name under which it is served, and where versions of the package have it.
type wanted struct {
	name  string
	paths []string
}

// arm64 is booted by shim and GRUB with and without Secure Boot: Debian 12's iPXE is for x86 only.
var sources = map[string][]source{
	"amd64": sourcesAMD64,
	"arm64": {
		{pkg: "shim-signed", files: []wanted{{"shimaa64.efi", []string{"/usr/lib/shim/shimaa64.efi.signed"}}}},
		{pkg: "grub-efi-arm64-signed", files: []wanted{{"grubaa64.efi", []string{"/usr/lib/grub/arm64-efi-signed/grubnetaa64.efi.signed"}}}},
	},
}

var sourcesAMD64 = []source{
	{
		pkg: "ipxe",
		files: []wanted{
			{"undionly.kpxe", []string{"/usr/lib/ipxe/undionly.kpxe"}},         // BIOS, over the card's own driver
			{"snponly.efi", []string{"/usr/lib/ipxe/snponly.efi"}},             // UEFI, over the firmware's driver
			{"ipxe.efi", []string{"/boot/ipxe.efi", "/usr/lib/ipxe/ipxe.efi"}}, // UEFI, with iPXE's own drivers
		},
		maybe: []wanted{
			{"ipxe.pxe", []string{"/usr/lib/ipxe/ipxe.pxe"}}, // BIOS, with iPXE's own drivers
			{"ipxe.lkrn", []string{"/boot/ipxe.lkrn", "/usr/lib/ipxe/ipxe.lkrn"}},
		},
	},
	{
		pkg: "shim-signed", optional: true,
		files: []wanted{{"shimx64.efi", []string{"/usr/lib/shim/shimx64.efi.signed"}}},
	},
	{
		pkg: "grub-efi-amd64-signed", optional: true,
		// shim asks for its second stage under this name.
		files: []wanted{
			{"grubx64.efi", []string{"/usr/lib/grub/x86_64-efi-signed/grubnetx64.efi.signed"}},
			{"gcdx64.efi", []string{"/usr/lib/grub/x86_64-efi-signed/gcdx64.efi.signed"}}, // for boot media, see package iso
		},
	},
	{
		pkg: "systemd-boot-efi", optional: true,
		// It starts the kernel that is joined to it, for boots over TLS.
		files: []wanted{{"linuxx64.efi.stub", []string{"/usr/lib/systemd/boot/efi/linuxx64.efi.stub"}}},
	},
}

// nameOf tells under which name the file at a path of the package is served.
func (s source) nameOf(path string) (string, bool) {
	for _, w := range slices.Concat(s.files, s.maybe) {
		if slices.Contains(w.paths, path) {
			return w.name, true
		}
	}
	return "", false
}

// Fetch fills the folder. Files that are there and right stay untouched. A missing package for Secure Boot or HTTPS boot
// is noted in the manifest and the log; a missing loader without which nothing boots is an error.
func Fetch(ctx context.Context, o Options) (Manifest, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if err := os.MkdirAll(o.OutDir, 0o755); err != nil {
		return Manifest{}, fmt.Errorf("making the folder of boot files: %w", err)
	}
	cache := debian.Cache{Dir: o.CacheDir, Log: o.Log}
	if o.Arch == "" {
		o.Arch = "amd64"
	}
	if o.Arch != "amd64" {
		cache.Arch = o.Arch
	}
	if len(sources[o.Arch]) == 0 {
		return Manifest{}, fmt.Errorf("getting boot files for %s: only amd64 and arm64 are supported", o.Arch)
	}
	var m Manifest
	for _, s := range sources[o.Arch] {
		pkg, err := cache.Fetch(ctx, s.pkg)
		var files []File
		if err == nil {
			files, err = unpack(pkg, s, o.OutDir)
		}
		switch {
		case err == nil:
			m.Packages = append(m.Packages, pkg)
			m.Files = append(m.Files, files...)
		case s.optional && ctx.Err() == nil:
			o.Log.Warn("a package for Secure Boot or HTTPS boot is missing", "package", s.pkg, "err", err)
			m.Missing = append(m.Missing, fmt.Sprintf("%s: %v", s.pkg, err))
		default:
			return Manifest{}, fmt.Errorf("getting boot files from package %s: %w", s.pkg, err)
		}
	}
	slices.SortFunc(m.Files, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return Manifest{}, err
	}
	if err := place(filepath.Join(o.OutDir, ManifestFile(o.Arch)), append(text, '\n')); err != nil {
		return Manifest{}, fmt.Errorf("writing %s: %w", ManifestFile(o.Arch), err)
	}
	return m, nil
}

// unpack copies the wanted files of one package.
func unpack(pkg debian.Package, s source, dir string) ([]File, error) {
	var files []File
	found := map[string]bool{}
	err := pkg.Walk(func(path string, size int64, r io.Reader) error {
		name, ok := s.nameOf(path)
		if !ok || found[name] {
			return nil
		}
		if size > maxFile {
			return fmt.Errorf("%d bytes are too many for a boot file", size)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(data)
		found[name] = true
		files = append(files, File{
			Name: name, SHA256: hex.EncodeToString(sum[:]), Size: size, Package: pkg.Name, Version: pkg.Version, Source: path,
		})
		return place(filepath.Join(dir, name), data)
	})
	if err != nil {
		return nil, err
	}
	for _, w := range s.files {
		if !found[w.name] {
			return nil, fmt.Errorf("version %s of package %s holds no %s", pkg.Version, pkg.Name, strings.Join(w.paths, " nor "))
		}
	}
	return files, nil
}

// place writes a file in one step, unless it is there with these bytes.
func place(path string, data []byte) error {
	if old, err := os.ReadFile(path); err == nil && sha256.Sum256(old) == sha256.Sum256(data) {
		return nil
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(tmp.Name()) }()
	_, err = tmp.Write(data)
	if err = errors.Join(err, tmp.Chmod(0o644), tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}
