package ramdisk

import (
	"bytes"
	"context"
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"socle/images/debian"
)

// MaxBytes is how much kernel and initramfs may have together: what a server fetches before it is seen.
const MaxBytes = 40_000_000

// maxBytes adds what the kernel of arm64 is larger by: it does not unpack itself, and packed from outside its
// signature is no longer good.
func maxBytes(arch string) int64 {
	if arch == "arm64" {
		return MaxBytes + 20_000_000
	}
	return MaxBytes
}

// Options say what to build.
type Options struct {
	OutDir      string       // gets vmlinuz, initrd and ramdisk.json
	AgentBinary string       // static executable, becomes /init
	CacheDir    string       // for Debian's packages; kept between builds
	Arch        string       // "amd64" (also when empty) or "arm64"
	Log         *slog.Logger // may be nil
}

// Ramdisk is what was built.
type Ramdisk struct {
	Kernel        string `json:"-"`              // path
	Initrd        string `json:"-"`              // path
	Digest        string `json:"digest"`         // "sha256:…" over the digests of both files
	KernelVersion string `json:"kernel_version"` // "6.1.0-18-amd64"
	Bytes         int64  `json:"bytes"`          // of both files
}

// Build makes the ramdisk. When OutDir already holds the one that these inputs give, it is verified and
// returned as it is.
func Build(ctx context.Context, o Options) (Ramdisk, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Arch == "" {
		o.Arch = "amd64"
	}
	machine, ok := machines[o.Arch]
	if !ok {
		return Ramdisk{}, fmt.Errorf("building a ramdisk for %s: only amd64 and arm64 are supported", o.Arch)
	}
	agent, err := readAgent(o.AgentBinary, machine)
	if err != nil {
		return Ramdisk{}, fmt.Errorf("reading the agent: %w", err)
	}
	pkg, err := kernelPackage(ctx, o)
	if err != nil {
		return Ramdisk{}, fmt.Errorf("getting the kernel: %w", err)
	}
	in := inputs{
		Builder: builderVersion,
		Package: pkg,
		Agent:   sha256Hex(agent),
		Modules: sha256Hex([]byte(moduleList)),
	}
	if rd, err := existing(o.OutDir, in); err == nil {
		o.Log.Info("ramdisk is up to date", "kernel", rd.KernelVersion, "bytes", rd.Bytes, "digest", rd.Digest)
		return rd, nil
	}
	start := time.Now()
	rd, err := build(ctx, o, in, agent)
	if err != nil {
		return Ramdisk{}, fmt.Errorf("building the ramdisk from %s %s: %w", pkg.Name, pkg.Version, err)
	}
	o.Log.Info("built ramdisk", "kernel", rd.KernelVersion, "bytes", rd.Bytes, "digest", rd.Digest,
		"seconds", time.Since(start).Seconds())
	return rd, nil
}

// kernelPackage follows Debian's "newest kernel" package to the one with the kernel in it.
func kernelPackage(ctx context.Context, o Options) (debian.Package, error) {
	cache := debian.Cache{Dir: o.CacheDir, Log: o.Log}
	if o.Arch != "amd64" {
		cache.Arch = o.Arch
	}
	meta, err := cache.Fetch(ctx, "linux-image-"+o.Arch)
	if err != nil {
		return debian.Package{}, err
	}
	for _, dep := range meta.Depends {
		if strings.HasPrefix(dep, "linux-image-") {
			return cache.Fetch(ctx, dep)
		}
	}
	return debian.Package{}, fmt.Errorf("package %s %s names no kernel among its dependencies %q", meta.Name, meta.Version, meta.Depends)
}

// machines are the architectures, as Debian and as ELF call them.
var machines = map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}

// readAgent reads the executable and refuses what could not run as the first process.
func readAgent(path string, machine elf.Machine) ([]byte, error) {
	agent, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	f, err := elf.NewFile(bytes.NewReader(agent))
	if err != nil {
		return nil, fmt.Errorf("%s is not an executable: %w", path, err)
	}
	if f.Machine != machine {
		return nil, fmt.Errorf("%s is built for %s, the servers are %s", path, f.Machine, machine)
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return nil, fmt.Errorf("%s is linked dynamically and the ramdisk has no libraries; build it with CGO_ENABLED=0", path)
		}
	}
	return agent, nil
}

func build(ctx context.Context, o Options, in inputs, agent []byte) (Ramdisk, error) {
	k, err := unpack(in.Package, o.CacheDir)
	if err != nil {
		return Ramdisk{}, err
	}
	defer k.close()
	if err := ctx.Err(); err != nil {
		return Ramdisk{}, err
	}
	patterns, err := parsePatterns(moduleList, o.Arch)
	if err != nil {
		return Ramdisk{}, err
	}
	paths := make([]string, len(k.modules))
	for i, m := range k.modules {
		paths[i] = m.path
	}
	chosen, err := choose(patterns, paths, k.builtin)
	if err != nil {
		return Ramdisk{}, err
	}
	t := newTree(k.modules, k.builtin)
	modules, err := t.closure(chosen)
	if err != nil {
		return Ramdisk{}, err
	}
	records, err := k.initramfs(modules, t.depmodFiles(modules, k.builtin), agent)
	if err != nil {
		return Ramdisk{}, err
	}
	var initrd bytes.Buffer
	if err := writeInitrd(&initrd, records); err != nil {
		return Ramdisk{}, err
	}
	rd := describe(o.OutDir, k.version, k.image, initrd.Bytes())
	if limit := maxBytes(o.Arch); rd.Bytes > limit {
		return Ramdisk{}, fmt.Errorf("kernel and initramfs have %d bytes, more than the %d allowed; shorten the module list or the agent", rd.Bytes, limit)
	}
	return rd, save(o.OutDir, rd, in, k.image, initrd.Bytes(), modules)
}

// Open reads a ramdisk that was built before and verifies its files.
func Open(dir string) (Ramdisk, error) {
	rd, _, err := open(dir)
	if err != nil {
		return Ramdisk{}, fmt.Errorf("opening the ramdisk in %s: %w; build it with \"socle image build ramdisk\"", dir, err)
	}
	return rd, nil
}

var errOther = errors.New("built from other inputs")

func existing(dir string, in inputs) (Ramdisk, error) {
	rd, m, err := open(dir)
	if err != nil {
		return Ramdisk{}, err
	}
	if m.Inputs.key() != in.key() {
		return Ramdisk{}, errOther
	}
	return rd, nil
}

func describe(dir, version string, kernel, initrd []byte) Ramdisk {
	return Ramdisk{
		Kernel:        filepath.Join(dir, kernelFile),
		Initrd:        filepath.Join(dir, initrdFile),
		Digest:        "sha256:" + sha256Hex(fmt.Appendf(nil, "kernel %s\ninitrd %s\n", sha256Hex(kernel), sha256Hex(initrd))),
		KernelVersion: version,
		Bytes:         int64(len(kernel) + len(initrd)),
	}
}

func sha256Hex(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
