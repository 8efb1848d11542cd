package iso

import (
	"context"
	"path/filepath"
	"regexp"
	"strings"
)

// grubBIOS is where Debian's grub-pc-bin puts GRUB's modules for BIOS.
const grubBIOS = "/usr/lib/grub/i386-pc"

// Where the ramdisk lies on the medium.
const (
	kernelPath = "socle/vmlinuz"
	initrdPath = "socle/initrd"
)

// grubPrefix is where GRUB for BIOS finds its configuration: on the medium that it was loaded from.
const grubPrefix = "/boot/grub"

var grubModules = []string{
	"biosdisk", "iso9660", "part_msdos", "part_gpt", "normal", "linux", "configfile", "echo", "test", "serial", "terminal",
	"search", "search_fs_file", "sleep", "reboot",
}

// okParam is a kernel parameter that means the same to GRUB, which takes it in single quotes, and to the kernel.
var okParam = regexp.MustCompile(`^[A-Za-z0-9_.\-]{1,64}(=[A-Za-z0-9_.:/,=+@%~\[\]\-]{0,512})?$`)

// okTitle is what a menu entry may be called.
var okTitle = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9 _.,:/()\-]{0,99}$`)

// grubConfig boots the ramdisk after a moment in which a person can see what it is.
func grubConfig(title string, params []string) []byte {
	if !okTitle.MatchString(title) {
		title = "Socle ramdisk"
	}
	words := []string{"console=tty0", "console=ttyS0,115200n8"}
	words = append(words, params...)
	for i, w := range words {
		words[i] = "'" + w + "'"
	}
	return []byte(`# Socle: the ramdisk, from a medium.
serial --unit=0 --speed=115200
terminal_input console serial
terminal_output console serial
set default=0
set timeout=3
menuentry '` + title + `' {
	echo 'Socle: loading the ramdisk from this medium'
	linux /` + kernelPath + ` ` + strings.Join(words, " ") + `
	initrd /` + initrdPath + `
}
`)
}

// grubForBIOS makes the image that a BIOS loads from a CD, and that boot_hybrid.img loads from a disk.
func grubForBIOS(ctx context.Context, work string) (string, error) {
	out := filepath.Join(work, "eltorito.img")
	args := append([]string{"-O", "i386-pc-eltorito", "-o", out, "-p", grubPrefix}, grubModules...)
	return out, run(ctx, "grub-mkimage", args...)
}
