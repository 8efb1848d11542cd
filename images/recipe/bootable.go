package recipe

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"pault.ag/go/debian/version"
)

// The names under which GRUB loads them, see grubConfig.
const (
	kernelLink = "vmlinuz"
	initrdLink = "initrd.img"
)

// bootable makes /vmlinuz and /initrd.img lead to the newest kernel of a tree and its initrd, unless they do
// lead to some already. The error names everything that is missing.
func bootable(root *os.Root) error {
	var missing []string
	if !isFile(root, kernelLink) || !isFile(root, initrdLink) {
		kernel, initrd, lack := newestKernel(root)
		if lack != "" {
			missing = append(missing, lack)
		} else if err := errors.Join(relink(root, kernelLink, kernel), relink(root, initrdLink, initrd)); err != nil {
			return fmt.Errorf("linking the kernel: %w", err)
		}
	}
	if !hasInit(root) {
		missing = append(missing, "no init (/sbin/init)")
	}
	if len(missing) > 0 {
		return fmt.Errorf("the tree cannot boot, it has %s: make it with them, for instance with "+
			`"mmdebstrap --variant=minbase --include=linux-image-amd64,initramfs-tools,zstd,systemd-sysv,cloud-init,cloud-guest-utils,netplan.io %s rootfs.tar", `+
			"or install these packages in the container before it is exported", strings.Join(missing, " and "), release)
	}
	return checkKernel(root)
}

// newestKernel looks in /boot; lack says what is not there.
func newestKernel(root *os.Root) (kernel, initrd, lack string) {
	var best, alone string
	for _, v := range kernelVersions(root) {
		switch {
		case !isFile(root, "boot/initrd.img-"+v):
			alone = v
		case best == "" || newer(v, best):
			best = v
		}
	}
	switch {
	case best != "":
		return "boot/vmlinuz-" + best, "boot/initrd.img-" + best, ""
	case isFile(root, "boot/vmlinuz") && isFile(root, "boot/initrd.img"):
		return "boot/vmlinuz", "boot/initrd.img", ""
	case alone != "":
		return "", "", fmt.Sprintf("the kernel /boot/vmlinuz-%.100s, but no initrd for it (/boot/initrd.img-%.100s, of the package initramfs-tools)", alone, alone)
	case isFile(root, kernelLink) || isFile(root, "boot/vmlinuz"):
		return "", "", "a kernel, but no initrd for it (/initrd.img, of the package initramfs-tools)"
	}
	return "", "", "no kernel and no initrd (/boot/vmlinuz-VERSION and /boot/initrd.img-VERSION)"
}

func kernelVersions(root *os.Root) (found []string) {
	boot, err := root.Open("boot")
	if err != nil {
		return nil
	}
	defer func() { _ = boot.Close() }()
	names, err := boot.Readdirnames(-1)
	if err != nil {
		return nil
	}
	for _, name := range names {
		if v, ok := strings.CutPrefix(name, "vmlinuz-"); ok && v != "" && isFile(root, "boot/"+name) {
			found = append(found, v)
		}
	}
	return found
}

// newer compares as Debian does; what is no version there is older than all that are.
func newer(a, b string) bool {
	va, errA := version.Parse(a)
	vb, errB := version.Parse(b)
	if errA != nil || errB != nil {
		return errA == nil || (errB != nil && a > b)
	}
	return version.Compare(va, vb) > 0
}

// isFile tells whether a name leads to a file with something in it, without leaving the tree.
func isFile(root *os.Root, name string) bool {
	info, err := root.Stat(name)
	return err == nil && info.Mode().IsRegular() && info.Size() > 0
}

func relink(root *os.Root, name, to string) error {
	if err := remove(root, name); err != nil {
		return err
	}
	return root.Symlink(to, name)
}

// hasInit does not follow the link: Debian's is absolute.
func hasInit(root *os.Root) bool {
	for _, name := range []string{"sbin/init", "usr/sbin/init"} {
		if info, err := root.Lstat(name); err == nil && (info.Mode().IsRegular() || info.Mode().Type() == fs.ModeSymlink) {
			return true
		}
	}
	return false
}

// checkKernel refuses kernels of other architectures, which GRUB would only refuse on the server. The magic is
// of Linux/x86's boot protocol 2.00.
func checkKernel(root *os.Root) error {
	f, err := root.Open(kernelLink)
	if err != nil {
		return fmt.Errorf("reading the kernel: %w", err)
	}
	defer func() { _ = f.Close() }()
	magic := make([]byte, 4)
	if _, err := f.ReadAt(magic, 0x202); err != nil || string(magic) != "HdrS" {
		return errors.New("the tree's /vmlinuz is no kernel for amd64: only disks for amd64 can be made")
	}
	return nil
}
