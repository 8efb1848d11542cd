// Package iso makes the medium that boots a server on which nothing can be booted from the network: the ramdisk's
// kernel and initramfs with a fixed command line, in one file that is a CD image and a disk image at once. BIOS and
// UEFI boot it, from a CD, a USB stick or a BMC's virtual media, with Secure Boot as well: shim, GRUB and kernel are
// Debian's signed ones.
//
// It needs no root, and the same inputs give the same bytes. What stands on the command line is the caller's
// business; package provision knows it.
package iso
