package recipe

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// Options say what is built and where.
type Options struct {
	// Name is "minimal", "hypervisor", "storage" or "controller".
	Name string
	// OutDir receives NAME.raw, or the directory NAME of a recipe that makes no disk.
	OutDir string
	// CacheDir keeps downloaded packages between builds; empty keeps none.
	CacheDir string
	Again    bool // build a directory anew though one of this recipe is there
	Log      *slog.Logger
}

// Result is what was built.
type Result struct {
	Raw      string            // path of the raw disk image, sparse; empty when Dir is set
	Dir      string            // path of the root directory; empty when Raw is set
	Size     int64             // bytes of the raw image
	Packages map[string]string // Debian package → version
	Firmware []string          // "bios", "uefi"
	Loader   string            // the UEFI loader's path on the ESP
	Digest   string            // of the recipe, see Digest
	Kept     bool              `json:"-"` // the directory of an earlier build, used as it is
}

// loader is where firmware looks on a disk that it has no entry for (UEFI 2.10, 3.5.1.1).
const loader = `\EFI\BOOT\BOOTX64.EFI`

// recipe is what makes one operating system different from another.
type recipe struct {
	packages []string
	overlays []string // folders under overlay/, in order
	enable   []string // systemd units
	disable  []string // units that role-setup starts when their time has come
	disk     bool
}

// base is in every disk image. linux-image-amd64 rather than the cloud kernel: that one has no drivers for
// the controllers and network cards of real servers.
var base = recipe{
	packages: []string{
		"linux-image-amd64", "initramfs-tools", "zstd", "kmod", "udev", "systemd-sysv", "systemd-resolved", "systemd-timesyncd", "dbus",
		"cloud-init", "cloud-guest-utils", "e2fsprogs", "fdisk", "openssh-server", "ca-certificates", "curl", "iproute2",
	},
	overlays: []string{"base"},
	enable: []string{
		"systemd-networkd.service", "systemd-resolved.service", "socle-role.service", "socle-phone-home.service",
	},
	disk: true,
}

var recipes = map[string]recipe{
	"minimal": base,
	"hypervisor": base.with(recipe{
		packages: []string{"libvirt-daemon-system", "libvirt-clients", "qemu-system-x86", "qemu-utils", "iptables"},
		overlays: []string{"hypervisor"},
		disable:  []string{"libvirtd.service"},
	}),
	"storage": base.with(recipe{
		packages: []string{"swift-account", "swift-container", "swift-object", "xfsprogs", "rsync"},
		overlays: []string{"storage"},
		disable:  []string{"swift-account.service", "swift-container.service", "swift-object.service"},
	}),
	"controller": {
		packages: []string{"swift-proxy", "swift-account", "swift-container", "swift-object", "python3-swiftclient", "memcached"},
		overlays: []string{"controller"},
	},
}

func (r recipe) with(more recipe) recipe {
	r.packages = slices.Concat(r.packages, more.packages)
	r.overlays = slices.Concat(r.overlays, more.overlays)
	r.enable = slices.Concat(r.enable, more.enable)
	r.disable = slices.Concat(r.disable, more.disable)
	return r
}

// masked are services that have nothing to do on a server of Socle and slow its start down. Data disks and
// clusters want quiet disks rather than nightly jobs of the distribution.
var masked = []string{
	"apt-daily.timer", "apt-daily-upgrade.timer", "man-db.timer", "e2scrub_all.timer", "e2scrub_reap.service",
	"dpkg-db-backup.timer", "cloud-config.service", "cloud-final.service",
	"cloud-init-hotplugd.socket", "systemd-pstore.service", "libvirt-guests.service",
}

// Names are the recipes that there are.
func Names() []string { return slices.Sorted(maps.Keys(recipes)) }

// Digest changes when the recipe itself does: its packages' names, its files or the layout. It says nothing
// of the packages' versions.
func Digest(name string) (string, error) {
	r, err := lookup(name)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	fmt.Fprintln(h, layoutVersion, r.packages, r.enable, r.disable, masked, excluded)
	files, err := overlayFiles(r.overlays)
	if err != nil {
		return "", err
	}
	for _, f := range files {
		fmt.Fprintf(h, "%s %d\n%s", f.path, len(f.data), f.data)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

func lookup(name string) (recipe, error) {
	r, ok := recipes[name]
	if !ok {
		return recipe{}, fmt.Errorf("there is no recipe %q: there are %s", name, strings.Join(Names(), ", "))
	}
	return r, nil
}

// Build builds one recipe and replaces what an earlier build left under the same name, at the very end. It
// takes minutes. A cancelled build leaves nothing but downloaded packages.
func Build(ctx context.Context, o Options) (res Result, err error) {
	r, err := lookup(o.Name)
	if err != nil {
		return Result{}, err
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if r, ok := kept(o); ok && !o.Again {
		return r, nil
	}
	if err := ready(r.tools()); err != nil {
		return Result{}, fmt.Errorf("building %s: %w", o.Name, err)
	}
	if err := os.MkdirAll(o.OutDir, 0o755); err != nil { //nolint:gosec // images are no secret
		return Result{}, fmt.Errorf("building %s: %w", o.Name, err)
	}
	if err := sweep(o.OutDir, o.Name); err != nil {
		return Result{}, fmt.Errorf("building %s: %w", o.Name, err)
	}
	work, err := os.MkdirTemp(o.OutDir, "."+o.Name+"-*")
	if err != nil {
		return Result{}, fmt.Errorf("building %s: %w", o.Name, err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()

	b := &build{Options: o, recipe: r, work: work, root: filepath.Join(work, "root")}
	if res, err = b.run(ctx); err != nil {
		return Result{}, fmt.Errorf("building %s: %w", o.Name, err)
	}
	return res, nil
}

// stale is the age at which the scratch directory of a build cannot be in use any more.
const stale = 6 * time.Hour

// sweep removes what killed builds left.
func sweep(dir, name string) error {
	left, err := filepath.Glob(filepath.Join(dir, "."+name+"-*"))
	if err != nil {
		return fmt.Errorf("looking for the remains of earlier builds: %w", err)
	}
	for _, d := range left {
		if st, err := os.Stat(d); err == nil && time.Since(st.ModTime()) > stale {
			if err := os.RemoveAll(d); err != nil {
				return fmt.Errorf("removing the remains of an earlier build: %w", err)
			}
		}
	}
	return nil
}

// build is one build in progress.
type build struct {
	Options
	recipe recipe
	work   string // scratch directory beside the result, so that the last step is a rename
	root   string // the tree
}

func (b *build) run(ctx context.Context) (Result, error) {
	began := time.Now()
	if err := b.bootstrap(ctx); err != nil {
		return Result{}, err
	}
	b.Log.Info("tree is ready", "recipe", b.Name, "seconds", int(time.Since(began).Seconds()))
	if err := b.settle(); err != nil {
		return Result{}, err
	}
	packages, err := b.packages(ctx)
	if err != nil {
		return Result{}, err
	}
	digest, err := Digest(b.Name)
	if err != nil {
		return Result{}, err
	}
	res := Result{Packages: packages, Digest: digest}
	if !b.recipe.disk {
		res.Dir = filepath.Join(b.OutDir, b.Name)
		return res, keep(b.Options, b.root, res)
	}
	raw := filepath.Join(b.work, "disk.raw")
	if res.Size, err = b.disk(ctx, raw); err != nil {
		return Result{}, err
	}
	res.Raw = filepath.Join(b.OutDir, b.Name+".raw")
	res.Firmware, res.Loader = []string{"bios", "uefi"}, loader
	b.Log.Info("image is ready", "recipe", b.Name, "bytes", res.Size, "seconds", int(time.Since(began).Seconds()))
	return res, os.Rename(raw, res.Raw)
}

// Programs that building needs, with the packages that have them.
var (
	treeTools = map[string]string{"mmdebstrap": "mmdebstrap", "dpkg-query": "dpkg", "chroot": "coreutils"}
	diskTools = map[string]string{
		"mke2fs": "e2fsprogs", "mkfs.vfat": "dosfstools", "mcopy": "mtools", "mmd": "mtools", "grub-mkimage": "grub-common",
	}
	grubParts = map[string]string{grubBIOS: "grub-pc-bin", grubEFI: "grub-efi-amd64-bin"}
)

func (r recipe) tools() map[string]string {
	tools := maps.Clone(treeTools)
	if r.disk {
		maps.Copy(tools, diskTools)
	}
	return tools
}

// ready names everything that is missing on this host, at once.
func ready(tools map[string]string) error {
	var missing []string
	for tool, pkg := range tools {
		if _, err := exec.LookPath(tool); err != nil {
			missing = append(missing, pkg)
		}
	}
	if _, disk := tools["grub-mkimage"]; disk {
		for dir, pkg := range grubParts {
			if _, err := os.Stat(filepath.Join(grubDir, dir, "moddep.lst")); err != nil {
				missing = append(missing, pkg)
			}
		}
	}
	slices.Sort(missing)
	if missing = slices.Compact(missing); len(missing) > 0 {
		return fmt.Errorf("this host lacks tools: apt-get install --no-install-recommends %s", strings.Join(missing, " "))
	}
	if os.Geteuid() != 0 {
		return errors.New("the tree has files of many owners, so building needs root: run it with sudo")
	}
	return nil
}

// command runs a program and returns its output; the error of a failed one ends with what it said last.
func command(ctx context.Context, stdin io.Reader, env []string, name string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, name, args...) //nolint:gosec // programs and arguments are this package's
	cmd.Stdin = stdin
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
	cmd.Env = append(cmd.Env, env...)
	inOwnGroup(cmd)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var out, said tail
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return nil, fmt.Errorf("running %s: %w", name, context.Cause(ctx))
		}
		return nil, fmt.Errorf("running %s: %w: %s", name, err, said.last())
	}
	return out.data, nil
}
