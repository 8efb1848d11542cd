// Package bootfile gets the first files that firmware fetches over the network — iPXE, and for Secure Boot
// the signed shim and GRUB — out of Debian's packages into one folder, and opens them by name for the boot
// servers. It does not decide who gets which; package pxe does.
package bootfile
