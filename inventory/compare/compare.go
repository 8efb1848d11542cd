package compare

import (
	"cmp"
	"fmt"
	"strings"

	"socle/inventory"
	"socle/inventory/bom"
)

// Input is what is known of one server.
type Input struct {
	Machine inventory.Machine // with its facts
	Model   *bom.Profile      // what was ordered; nil: nobody said what is in it
	Racked  *inventory.Racking
	// Stands is the server in whose planned place its cables say that it stands, itself included; nil: they do not say.
	Stands *inventory.Machine
}

// Verdict is what comes of a row.
type Verdict string

// The verdicts beside those of findings (inventory.FindingKind), which are wrong.
const (
	Right Verdict = "right" // all that is known agrees
	Open  Verdict = "open"  // something is not known yet
)

// Row is a server, its place or one of its parts, three ways. What is not known, or not there, is empty.
type Row struct {
	Subject                   string // "server", "place", "DIMM PROC 1 DIMM 4"
	Ordered, Racked, Detected string
	Serial                    string // as detected
	Verdict                   Verdict
	Reason                    string // why it is not right
}

// Wrong tells whether somebody has to do something about it.
func (r Row) Wrong() bool { return r.Verdict != Right && r.Verdict != Open }

// Rows compares one server: itself, its place, and its parts.
func Rows(in Input) []Row {
	return append([]Row{server(in), place(in)}, parts(in)...)
}

func server(in Input) Row {
	m := in.Machine
	r := Row{Subject: "server", Verdict: Right}
	if m.InPlan {
		r.Ordered = m.Model
	}
	if in.Racked != nil {
		r.Racked = "yes"
	}
	if m.Facts != nil {
		r.Detected, r.Serial = m.Facts.System.Product, m.Facts.System.Serial
	}
	switch {
	case !m.InPlan:
		r.Verdict, r.Reason = Verdict(inventory.FindExtra), "no manifest has it"
	case !m.Seen():
		r.Ordered = words(m.Model, m.Identity.Serial)
		r.Verdict, r.Reason = Verdict(inventory.FindMissing), "it was ordered, and has never been seen"
	case m.Facts == nil:
		r.Verdict, r.Reason = Open, "it was seen, and nobody has looked into it"
	case differs(m.Identity.Serial, m.Facts.System.Serial):
		r.Ordered = words(m.Model, m.Identity.Serial)
		r.Verdict, r.Reason = Verdict(inventory.FindWrongPart), fmt.Sprintf("serial %s was ordered, %s is there", m.Identity.Serial, m.Facts.System.Serial)
	case in.Racked == nil:
		r.Verdict, r.Reason = Open, "it was seen, and nobody has said that it is racked"
	}
	return r
}

// differs tells whether two serial numbers are known and not the same.
func differs(a, b string) bool {
	a, b = bom.Plain(a), bom.Plain(b)
	return a != "" && b != "" && a != b
}

func place(in Input) Row {
	m := in.Machine
	r := Row{Subject: "place", Ordered: spot(m.Place), Verdict: Right}
	if in.Racked != nil {
		r.Racked = spot(in.Racked.Place)
	}
	if in.Stands != nil {
		r.Detected = spot(in.Stands.Place)
	}
	switch {
	case r.Ordered == "":
		r.Verdict, r.Reason = Open, "no place is planned"
	case r.Racked != "" && !same(m.Place, in.Racked.Place):
		r.Verdict, r.Reason = Verdict(inventory.FindWrongPlace), in.Racked.Said()+", at another place than is planned now"
	case in.Stands != nil && in.Stands.ID != m.ID:
		r.Verdict = Verdict(inventory.FindWrongPlace)
		r.Reason = "all its cables are those of " + in.Stands.Name + ": it stands in that one's place, or all its cables are in wrong ports"
	case r.Racked == "" && r.Detected == "":
		r.Verdict, r.Reason = Open, "nobody has said that it is racked"
	}
	return r
}

// spot is a place with its face.
func spot(p inventory.Place) string {
	if p.Known() && p.Face == inventory.Rear {
		return p.Spot() + " at the rear"
	}
	return p.Spot()
}

// same tells whether two places are the same units at the same face of the same rack.
func same(a, b inventory.Place) bool {
	return strings.EqualFold(a.RackName(), b.RackName()) && a.U == b.U && cmp.Or(a.Face, inventory.Front) == cmp.Or(b.Face, inventory.Front)
}

func parts(in Input) []Row {
	m := in.Machine
	open := func(reason string) []Row {
		return []Row{{Subject: "parts", Ordered: m.Model, Verdict: Open, Reason: reason}}
	}
	switch {
	case m.Model == "":
		return open("nobody said which model it is")
	case in.Model == nil:
		return open("what is in a " + m.Model + " was not said (socle model)")
	case m.Facts == nil:
		return open("nobody has looked into it")
	}
	found := in.Model.Rows(*m.Facts)
	rows := make([]Row, 0, len(found))
	for _, f := range found {
		r := Row{Subject: f.Subject, Ordered: f.Want, Detected: f.Got, Serial: f.Serial, Verdict: Right, Reason: f.Reason}
		switch f.Kind {
		case "":
		case inventory.FindUnknown:
			r.Verdict = Open
		default:
			r.Verdict = Verdict(f.Kind)
		}
		rows = append(rows, r)
	}
	return rows
}

func words(all ...string) string { return strings.Join(strings.Fields(strings.Join(all, " ")), " ") }
