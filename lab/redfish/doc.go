// Package redfish is a Redfish service (DMTF DSP0266) in front of one virtual machine: the management
// controller of a server of the virtual rack. It speaks enough of the protocol for foreign clients (gofish,
// bmclib, sushy, redfishtool, curl) to find the server, log in, read it, switch it and choose its next boot,
// and it can be told to misbehave in the ways that real controllers do.
//
// It knows a machine only as a VM and must not know how that is made.
package redfish
