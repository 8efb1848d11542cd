// Package cabling compares how servers are to be cabled with what the switches say (LLDP, IEEE 802.1AB) on the ports of the
// servers: a plan, a file format for it, names of ports and switches as vendors write them, and a comparison of the whole
// fleet that tells what is wrong as the plugs that a person has to move.
//
// What was not heard is unknown, not wrong. It knows no database, no network and no screen.
package cabling

import (
	"cmp"
	"slices"
	"strings"
)

// Cable is one line of a plan: which port of a server goes to which port of a switch.
type Cable struct {
	Line   int    `json:"-"`      // of the file that it was read from; 0 of one from the store
	Server string `json:"server"` // name of the machine
	Port   string `json:"port"`   // of the server, as written: see Resolve
	Switch string `json:"switch"` // host name, or MAC address of the chassis
	// SwitchPort is the switch's, in any of the ways in which the vendor writes it: see SamePort.
	SwitchPort string `json:"switch_port"`
	// Group names links of a server that are to end at more than one switch, e.g. "bond0"; empty for none.
	Group  string `json:"group,omitempty"`
	Label  string `json:"label,omitempty"`  // on the cable
	Colour string `json:"colour,omitempty"` // of the cable
	Length string `json:"length,omitempty"` // of the cable, as written
}

// Key names the end at the server: no two cables of a plan have the same.
func (c Cable) Key() string { return c.Server + "\x00" + strings.ToLower(c.Port) }

// FarKey names the end at the switch: no two cables of a plan have the same.
func (c Cable) FarKey() string { return SwitchKey(c.Switch) + "\x00" + PortKey(c.SwitchPort) }

// Near is the server's end in words, Far the switch's.
func (c Cable) Near() string { return c.Server + " " + PortWords(c.Port) }

// Far is the switch's end in words.
func (c Cable) Far() string { return c.Switch + " " + c.SwitchPort }

// PortWords is how a server's port is called in a sentence: "port 2", "port eth1".
func PortWords(port string) string {
	if strings.HasPrefix(strings.ToLower(port), "port") {
		return port
	}
	return "port " + port
}

// Sort puts cables into the order in which people read them: by server and port, numbers by their value.
func Sort(all []Cable) {
	slices.SortStableFunc(all, func(a, b Cable) int {
		return cmp.Or(natural(a.Server, b.Server), natural(a.Port, b.Port))
	})
}
