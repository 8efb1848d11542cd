// Package ramdisk builds what a server boots over the network: Debian's kernel, and an initramfs that holds
// the agent as /init and the kernel modules that servers need, nothing else. It needs no root, and the same
// kernel package, agent and module list give the same bytes.
package ramdisk
