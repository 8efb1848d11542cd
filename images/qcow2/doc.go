// Package qcow2 reads disk images of QEMU's format qcow2, versions 2 and 3, as their raw bytes
// (qemu/docs/interop/qcow2.txt). It reads clusters that are plain, zero or compressed with deflate or zstd.
// It refuses what a file from elsewhere must not do or what it cannot read right: backing and external data
// files, encryption, extended L2 entries, images marked corrupt. Internal snapshots are ignored.
package qcow2
