// Package inventory is the domain: what a machine is, which states it can be in and how it moves between
// them, how it is recognised, which role it fits and what has been ordered of it.
//
// It is pure: it imports the standard library and package hardware, does no input or output, and knows
// nothing of databases, wires or BMC protocols. Everything here can be tested with values alone.
package inventory
