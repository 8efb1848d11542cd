package inventory

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// FindingSource is who found something. Each source knows all that it finds of a machine, and replaces it as a whole.
type FindingSource string

// The sources of findings.
const (
	FromParts    FindingSource = "parts"    // ordered, racked and detected compared, see inventory/bom
	FromCabling  FindingSource = "cabling"  // the cabling plan compared with what the switches say
	FromBurnIn   FindingSource = "burn-in"  // tests under load
	FromOutlier  FindingSource = "outlier"  // the machine compared with its peers
	FromFirmware FindingSource = "firmware" // versions compared with a baseline
)

// FindingSources lists them.
func FindingSources() []FindingSource {
	return []FindingSource{FromParts, FromCabling, FromBurnIn, FromOutlier, FromFirmware}
}

// FindingKind is what is wrong.
type FindingKind string

// The kinds of findings.
const (
	FindMissing    FindingKind = "missing"     // it was ordered or planned, and is not there
	FindExtra      FindingKind = "extra"       // it is there, and was neither ordered nor planned
	FindWrongPart  FindingKind = "wrong-part"  // another one than what was ordered
	FindWrongSlot  FindingKind = "wrong-slot"  // the right parts, in other slots
	FindWrongPlace FindingKind = "wrong-place" // the machine stands elsewhere than planned
	FindWrongCable FindingKind = "wrong-cable" // a cable ends at another port than planned
	FindSwapped    FindingKind = "swapped"     // two cables are each in the other's port
	FindNoLink     FindingKind = "no-link"     // a planned cable carries nothing
	FindOneSwitch  FindingKind = "one-switch"  // links that are to be redundant end at one switch
	FindFirmware   FindingKind = "firmware"    // another version than wanted
	FindFailed     FindingKind = "failed"      // a test failed
	FindSlow       FindingKind = "slow"        // slower than its peers
	FindUnstable   FindingKind = "unstable"    // measured again, it is something else each time
	FindUnknown    FindingKind = "unknown"     // it could not be found out
)

// Finding is one thing of a machine that is not as it should be, said so that a person can act on it.
type Finding struct {
	Source  FindingSource `json:"source"`
	Kind    FindingKind   `json:"kind"`
	Subject string        `json:"subject"`        // what it is about: "DIMM PROC 1 DIMM 4", "disk WFK0ABCD", "port eth1"
	Want    string        `json:"want,omitempty"` // as ordered, planned or usual
	Got     string        `json:"got,omitempty"`  // as detected or measured
	Reason  string        `json:"reason"`         // one sentence
	Remedy  string        `json:"remedy,omitempty"`
	// Part is the part number, for the list of what goes back to the vendor; empty where nothing does.
	Part string `json:"part,omitempty"`
	// Serial is of the part, as far as known.
	Serial string `json:"serial,omitempty"`
	// Minor findings are shown and do not stand against acceptance.
	Minor bool `json:"minor,omitempty"`
}

// Key names a finding among those of its machine: the same thing found again has the same key.
func (f Finding) Key() string { return string(f.Source) + "/" + string(f.Kind) + "/" + f.Subject }

// Sentence is the reason, which begins with what it is about.
func (f Finding) Sentence() string {
	if strings.HasPrefix(f.Reason, f.Subject) {
		return f.Reason
	}
	return f.Subject + ": " + f.Reason
}

// SortFindings puts them in the order in which they are shown: what matters first, then by source and subject.
func SortFindings(all []Finding) {
	slices.SortStableFunc(all, func(a, b Finding) int {
		switch {
		case a.Minor != b.Minor && a.Minor:
			return 1
		case a.Minor != b.Minor:
			return -1
		}
		return cmp.Or(cmp.Compare(slices.Index(FindingSources(), a.Source), slices.Index(FindingSources(), b.Source)),
			cmp.Compare(a.Subject, b.Subject), cmp.Compare(a.Kind, b.Kind))
	})
}

// Findings is what one source found of one machine. An empty list says that it looked and all is well.
type Findings struct {
	Machine string // ID
	Source  FindingSource
	Time    time.Time // when it looked last
	List    []Finding
}
