// Package pxe decides what a machine that boots from the network gets next, and hands it out: the loader
// of its firmware over TFTP, then iPXE scripts, kernel and ramdisk over HTTP.
//
// Decide is the one decision; DHCP, TFTP and the scripts only render it. Three answers are kept apart and
// each has its own text on the machine's console: "not known", "cannot say now" (the database is away) and
// "nothing to boot". All of them ask again after a while; none of them falls through to the local disk.
//
// What a machine says of itself (serial, host name, asset tag) is data for the inventory and never becomes
// part of a script. The package knows nothing of databases and of the life cycle: a Planner decides.
package pxe
