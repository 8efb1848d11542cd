package iso

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Options say what goes onto the medium, and where it goes.
type Options struct {
	Out    string // path of the file; what is there is replaced at the very end
	Kernel string // path of the ramdisk's kernel, Debian's signed one
	Initrd string // path of its initramfs
	Shim   string // path of Debian's signed shim (shimx64.efi)
	GRUB   string // path of Debian's signed GRUB for CDs (gcdx64.efi)
	// Params are the kernel parameters, each without white space. The file holds what they hold: a boot token too.
	Params []string
	// Title is shown in the menu for the seconds that GRUB waits.
	Title string
	Log   *slog.Logger // may be nil
}

// Result is what was made.
type Result struct {
	Bytes  int64
	SHA256 string // of the file, hexadecimal
}

// tools are the programs that are needed, with the packages that have them.
var tools = map[string]string{
	"xorriso": "xorriso", "grub-mkimage": "grub-common", "mkfs.vfat": "dosfstools", "mmd": "mtools", "mcopy": "mtools",
}

// The date on everything in the image, so that it depends on its inputs alone; as the tools want it.
const (
	epoch     = "1704067200"
	epochDate = "2024010100000000"
)

// Build makes the medium. The file is readable by its owner only: it may hold a boot token.
func Build(ctx context.Context, o Options) (res Result, err error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if err := o.Ready(); err != nil {
		return Result{}, err
	}
	work, err := os.MkdirTemp(filepath.Dir(o.Out), ".iso-*")
	if err != nil {
		return Result{}, fmt.Errorf("building the boot medium: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	made, err := o.build(ctx, work)
	if err == nil {
		res, err = measure(made)
	}
	if err == nil {
		err = os.Rename(made, o.Out)
	}
	if err != nil {
		return Result{}, fmt.Errorf("building the boot medium: %w", err)
	}
	o.Log.Info("boot medium is ready", "file", o.Out, "bytes", res.Bytes)
	return res, nil
}

// Ready says everything that is missing for a build: parts that were not built, programs, and unfit parameters.
func (o Options) Ready() error {
	var errs []error
	for _, f := range []struct{ path, remedy string }{
		{o.Kernel, "socle image build ramdisk"}, {o.Initrd, "socle image build ramdisk"},
		{o.Shim, "socle image build boot-files"}, {o.GRUB, "socle image build boot-files"},
	} {
		if _, err := os.Stat(f.path); err != nil {
			errs = append(errs, fmt.Errorf("%w; build it with %q", err, f.remedy))
		}
	}
	for i, p := range o.Params {
		if !okParam.MatchString(p) {
			name, _, _ := strings.Cut(p, "=") // the value may be a token
			errs = append(errs, fmt.Errorf("kernel parameter %d (%.40q) has a character that GRUB or the kernel gives a meaning of its own", i+1, name))
		}
	}
	var missing []string
	for tool, pkg := range tools {
		if _, err := exec.LookPath(tool); err != nil {
			missing = append(missing, pkg)
		}
	}
	if _, err := os.Stat(filepath.Join(grubBIOS, "moddep.lst")); err != nil {
		missing = append(missing, "grub-pc-bin")
	}
	slices.Sort(missing)
	if missing = slices.Compact(missing); len(missing) > 0 {
		errs = append(errs, fmt.Errorf("this host lacks tools: apt-get install --no-install-recommends %s", strings.Join(missing, " ")))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("building the boot medium: %w", err)
	}
	return nil
}

// build makes the parts in the work folder and puts them together.
func (o Options) build(ctx context.Context, work string) (string, error) {
	config := filepath.Join(work, "grub.cfg")
	if err := os.WriteFile(config, grubConfig(o.Title, o.Params), 0o600); err != nil {
		return "", err
	}
	// GRUB for UEFI finds the medium by this file, see the configuration that is built into Debian's gcdx64.efi.
	mark := filepath.Join(work, "info")
	if err := os.WriteFile(mark, []byte("Socle boot medium\n"), 0o600); err != nil {
		return "", err
	}
	eltorito, err := grubForBIOS(ctx, work)
	if err != nil {
		return "", err
	}
	esp, err := o.esp(ctx, work)
	if err != nil {
		return "", err
	}
	out := filepath.Join(work, "out.iso")
	return out, run(ctx, "xorriso", "-as", "mkisofs", "-quiet", "-r", "-J", "-V", "SOCLE", "-o", out, "--set_all_file_dates", epochDate,
		"-b", "boot/grub/eltorito.img", "-no-emul-boot", "-boot-load-size", "4", "-boot-info-table", "--grub2-boot-info",
		"--grub2-mbr", filepath.Join(grubBIOS, "boot_hybrid.img"), "--protective-msdos-label",
		"-eltorito-alt-boot", "-e", "--interval:appended_partition_2:all::", "-no-emul-boot",
		"-append_partition", "2", "0xef", esp, "-appended_part_as_gpt",
		"-graft-points", "boot/grub/eltorito.img="+eltorito, "boot/grub/grub.cfg="+config, ".disk/info="+mark,
		kernelPath+"="+o.Kernel, initrdPath+"="+o.Initrd)
}

// esp makes the FAT file system that UEFI boots from. Twelve MiB are enough for shim and GRUB.
func (o Options) esp(ctx context.Context, work string) (string, error) {
	esp := filepath.Join(work, "esp.fat")
	const kib = 12 << 10
	for _, c := range [][]string{
		{"mkfs.vfat", "-C", "-i", "50C1E150", "-n", "SOCLE-BOOT", "--invariant", esp, strconv.Itoa(kib)},
		{"mmd", "-i", esp, "::EFI", "::EFI/BOOT"},
		{"mcopy", "-i", esp, o.Shim, "::EFI/BOOT/BOOTX64.EFI"},
		{"mcopy", "-i", esp, o.GRUB, "::EFI/BOOT/grubx64.efi"}, // the name that shim asks for
	} {
		if err := run(ctx, c[0], c[1:]...); err != nil {
			return "", err
		}
	}
	return esp, nil
}

// run runs a program; the error ends with what it said.
func run(ctx context.Context, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...) //nolint:gosec // programs and arguments are this package's
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "TZ=UTC", "SOURCE_DATE_EPOCH="+epoch)
	if out, err := cmd.CombinedOutput(); err != nil {
		said := strings.TrimSpace(string(out))
		return fmt.Errorf("running %s: %w: %s", name, err, said[max(0, len(said)-500):])
	}
	return nil
}

func measure(path string) (Result, error) {
	f, err := os.Open(path) //nolint:gosec // made above
	if err != nil {
		return Result{}, err
	}
	defer func() { _ = f.Close() }()
	sum := sha256.New()
	n, err := io.Copy(sum, f)
	if err == nil {
		err = f.Chmod(0o600)
	}
	return Result{Bytes: n, SHA256: hex.EncodeToString(sum.Sum(nil))}, err
}
