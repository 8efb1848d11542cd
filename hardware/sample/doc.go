// Package sample reads what another program, "hardware" of the public project redhat-cip/hardware, detected of servers:
// facts of real hardware for tests and for simulated fleets. Twelve real servers are built in, see data/README.md.
package sample
