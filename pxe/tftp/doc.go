// Package tftp is the TFTP server of network boot: read-only, RFC 1350 with the options of RFC 2347, 2348
// (blksize), 2349 (timeout, tsize) and 7440 (windowsize), over IPv4 and IPv6.
//
// It owns the listening sockets and reads every request. Requests with options go to its own sender: a few
// event loops, each with all its transfers in one epoll set, files in memory, no allocation, no timer and
// no lock a block, a window of blocks in one system call. Plain requests of RFC 1350 go to
// github.com/pin/tftp, which is complete for them. Why: docs/adr, "TFTP in two halves".
//
// The package knows nothing of machines, firmware and inventory: an Open function finds the content for a
// name and a client, a Report function is told how each transfer ended.
package tftp
