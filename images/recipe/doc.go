// Package recipe builds the operating systems of the roles from Debian packages: raw disk images that boot by
// BIOS and by UEFI, and the root directory of the lab's cloud controller.
//
// A recipe is a list of packages and a folder of files laid over them (overlay/NAME upon overlay/base). What
// runs on a server lives in the image; what differs from server to server comes as data in the seed
// (package seed). Nothing is mounted and no loop device is used: mmdebstrap makes the tree, mke2fs and mtools
// fill file systems from it, and the partition table and GRUB's boot blocks are written here.
//
// FromTar makes the same kind of disk of a root file system that was made elsewhere, whose content it does not trust.
//
// Building needs root and the Debian packages mmdebstrap, e2fsprogs, dosfstools, mtools, grub-common,
// grub-pc-bin and grub-efi-amd64-bin.
package recipe
