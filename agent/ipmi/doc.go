// Package ipmi speaks to a server's own management controller from inside, over the kernel's IPMI driver: what its
// network address is, which accounts it has, and how to make one. It needs no password: whoever is root on the server
// is the controller's administrator (IPMI 2.0 section 6.12). It knows nothing of Socle's server or orders.
package ipmi
