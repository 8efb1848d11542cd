package recipe

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// excluded are files of packages that no server of Socle needs. Copyright files stay.
var excluded = []string{
	"/usr/share/man/*", "/usr/share/info/*", "/usr/share/locale/*", "/usr/share/lintian/*", "/usr/share/i18n/*",
	"/usr/share/bash-completion/*", "/usr/share/zsh/*", "/usr/share/doc/*",
	"/lib/modules/*/kernel/sound/*", "/lib/modules/*/kernel/drivers/media/*", "/lib/modules/*/kernel/drivers/staging/*",
	"/lib/modules/*/kernel/drivers/net/wireless/*", "/lib/modules/*/kernel/drivers/bluetooth/*",
	"/lib/modules/*/kernel/drivers/isdn/*", "/lib/modules/*/kernel/drivers/gpu/drm/amd/*",
	"/lib/modules/*/kernel/drivers/gpu/drm/i915/*", "/lib/modules/*/kernel/drivers/gpu/drm/nouveau/*",
	"/lib/modules/*/kernel/drivers/gpu/drm/radeon/*", "/lib/modules/*/kernel/drivers/iio/*",
	"/lib/modules/*/kernel/drivers/infiniband/hw/hfi1/*", "/lib/modules/*/kernel/drivers/input/joystick/*",
}

var included = []string{"/usr/share/doc/*/copyright", "/usr/share/locale/locale.alias"}

// The hooks are constant texts; what varies comes in environment variables, which a shell does not parse.
const (
	// hookSetup offers the packages of earlier builds. Hard links would let apt change the cache, so it copies.
	hookSetup = `mkdir -p "$1/var/cache/apt/archives" && ` +
		`if [ -n "$SOCLE_CACHE" ]; then find "$SOCLE_CACHE" -maxdepth 1 -name '*.deb' -size +0 -exec cp --reflink=auto -t "$1/var/cache/apt/archives" {} +; fi`
	// hookOverlay lays the recipe's files over the tree; before the packages come, so that their scripts (the
	// initramfs's above all) see them, and again after, in case a package brought its own.
	hookOverlay = `cp -r --preserve=mode "$SOCLE_OVERLAY/." "$1/"`
	hookUnits   = `[ -z "$SOCLE_DISABLE" ] || chroot "$1" systemctl --quiet disable $SOCLE_DISABLE; ` +
		`[ -z "$SOCLE_ENABLE" ] || chroot "$1" systemctl --quiet enable $SOCLE_ENABLE; ` +
		`[ -z "$SOCLE_MASK" ] || chroot "$1" systemctl --quiet mask $SOCLE_MASK`
	hookSave = `if [ -n "$SOCLE_CACHE" ]; then for f in "$1"/var/cache/apt/archives/*.deb; do t="$SOCLE_CACHE/${f##*/}"; ` +
		`[ -e "$t" ] || [ ! -e "$f" ] || { cp "$f" "$t.part.$$" && mv "$t.part.$$" "$t"; }; done; fi`
)

// bootstrap makes the tree. Packages are asked for from where this host gets its own; apt verifies them by
// Debian's keys.
func (b *build) bootstrap(ctx context.Context) error {
	files, err := overlayFiles(b.recipe.overlays)
	if err != nil {
		return err
	}
	lay := filepath.Join(b.work, "overlay")
	if err := os.MkdirAll(lay, 0o755); err != nil { //nolint:gosec // becomes the tree's root
		return err
	}
	if err := writeFiles(lay, files); err != nil {
		return fmt.Errorf("writing the recipe's files: %w", err)
	}
	cache := ""
	if b.CacheDir != "" {
		if cache, err = filepath.Abs(filepath.Join(b.CacheDir, "debs-"+release)); err != nil {
			return err
		}
		if err := os.MkdirAll(cache, 0o755); err != nil { //nolint:gosec // public packages
			return fmt.Errorf("making the cache of packages: %w", err)
		}
	}
	env := []string{
		"SOCLE_OVERLAY=" + lay, "SOCLE_CACHE=" + cache, "SOCLE_ENABLE=" + strings.Join(b.recipe.enable, " "), "SOCLE_DISABLE=" + strings.Join(b.recipe.disable, " "),
	}
	if b.recipe.disk {
		env = append(env, "SOCLE_MASK="+strings.Join(masked, " "))
	}
	args := []string{
		"--mode=root", "--variant=minbase", "--architectures=amd64",
		"--include=" + strings.Join(b.recipe.packages, ","),
		`--aptopt=Apt::Install-Recommends "false"`, `--aptopt=Acquire::Retries "5"`, `--aptopt=Acquire::Languages "none"`,
		"--dpkgopt=force-confold", "--dpkgopt=force-unsafe-io",
		// Kept for the cache, removed in settle.
		"--skip=essential/unlink,download/empty,cleanup/apt,cleanup/reproducible",
		"--setup-hook=" + hookSetup, "--essential-hook=" + hookOverlay, "--customize-hook=" + hookOverlay,
		"--customize-hook=" + hookUnits, "--customize-hook=" + hookSave,
	}
	for _, p := range excluded {
		args = append(args, "--dpkgopt=path-exclude="+p)
	}
	for _, p := range included {
		args = append(args, "--dpkgopt=path-include="+p)
	}
	args = append(args, release, b.root)
	sources := hostSources("/etc/apt")
	if sources != "" {
		args = append(args, "-")
	}
	b.Log.Info("making the tree from Debian packages, this takes minutes", "recipe", b.Name)
	// A mount namespace of its own: whatever happens, no mount outlives the program.
	args = append([]string{"--mount", "--propagation", "private", "mmdebstrap"}, args...)
	_, err = command(ctx, strings.NewReader(sources), env, "unshare", args...)
	return err
}

// settle removes what must not be in an image: caches, and everything that makes one system that system.
func (b *build) settle() error {
	for _, pattern := range []string{
		"var/cache/apt/archives/*.deb", "var/cache/apt/*.bin", "var/lib/apt/lists/*", "var/log/*.log", "var/log/apt/*",
		"var/cache/debconf/*-old", "var/lib/dpkg/*-old", "etc/ssh/ssh_host_*", "var/lib/dbus/machine-id",
		"var/lib/systemd/random-seed", "etc/*-", "initrd.img.old", "vmlinuz.old", "tmp/*", "boot/initrd.img-*.old-dkms",
	} {
		found, err := filepath.Glob(filepath.Join(b.root, pattern))
		if err != nil {
			return fmt.Errorf("cleaning up the tree: %w", err)
		}
		for _, f := range found {
			if err := os.RemoveAll(f); err != nil {
				return fmt.Errorf("cleaning up the tree: %w", err)
			}
		}
	}
	// Empty, not absent: systemd fills it in without taking the boot for a first one with presets.
	if err := os.WriteFile(filepath.Join(b.root, "etc/machine-id"), nil, 0o444); err != nil { //nolint:gosec // as systemd has it
		return fmt.Errorf("emptying the machine id: %w", err)
	}
	for _, f := range []string{"etc/hostname", "etc/resolv.conf"} {
		if err := os.Remove(filepath.Join(b.root, f)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("cleaning up the tree: %w", err)
		}
	}
	if !b.recipe.disk {
		return nil
	}
	return os.Symlink("../run/systemd/resolve/stub-resolv.conf", filepath.Join(b.root, "etc/resolv.conf"))
}

// packages lists what is installed in the tree.
func (b *build) packages(ctx context.Context) (map[string]string, error) {
	out, err := command(ctx, nil, nil, "dpkg-query", "--admindir="+filepath.Join(b.root, "var/lib/dpkg"),
		"-W", "-f=${Package} ${Version}\n")
	if err != nil {
		return nil, err
	}
	versions := map[string]string{}
	for line := range strings.Lines(string(out)) {
		if name, version, ok := strings.Cut(strings.TrimSpace(line), " "); ok {
			versions[name] = version
		}
	}
	return versions, nil
}
