// Package agent is what runs on a server that boots the ramdisk: it opens a session with Socle, tells what the
// server is made of, and carries out orders, one at a time.
//
// It only ever pulls: it long-polls for orders over HTTPS, trusts nobody but the CA whose digest the boot
// script named, and has no listening socket. Every destructive order is bound to this machine's serial, to this
// boot's session and to a disk's serial, and is carried out once. Package boot brings the machine up to here;
// packages probe and disk do the work.
package agent
