// Package probe measures the server that it runs on: identity, firmware, processors, memory, disks,
// interfaces with their switch neighbours, PCI devices, management controller and TPM.
//
// It only looks. What it reads comes from firmware, drives and switches that nobody has vouched for, so every
// text is cut to a bound and made valid UTF-8 here, and a part that cannot be read becomes a line in
// Facts.Problems instead of an error: a server with one broken sensor is still a server.
package probe
