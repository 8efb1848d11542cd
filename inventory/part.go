package inventory

import "time"

// Stay is the time of one part in one slot of one machine, as inspections saw it. Only parts with a serial number are
// followed, network interfaces by their MAC address.
type Stay struct {
	Machine string // ID
	Name    string // of the machine; empty when there is no such machine any more
	Kind    string // as inventory/bom has it: dimm, disk, drive, nic, psu
	// Slot is where it sat, spelled in one way; empty of disks, whose names say nothing of the bay.
	Slot      string
	Serial    string // upper case
	Number    string // part number or model
	Vendor    string
	Size      uint64 // bytes; 0 of parts without
	FirstSeen time.Time
	LastSeen  time.Time
	Gone      time.Time // when an inspection saw that it is not there any more; zero: it is there, as far as known
}

// StayFilter chooses stays; what is empty chooses all.
type StayFilter struct {
	Machine string // ID
	Serial  string // in any case
	There   bool   // only of parts that are where they were seen
	Limit   int    // 0: a thousand
}
