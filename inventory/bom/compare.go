package bom

import (
	"fmt"
	"slices"
	"strings"

	"socle/hardware"
	"socle/inventory"
)

// unit is one part that is wanted.
type unit struct {
	Item
	slot string // empty: any
}

func (u unit) name() string { return Part{Class: u.Class, Slot: u.slot}.Name() }

// exact tells whether a part fits without any freedom: what is wanted loosely must not take it from what it was made for.
func (u unit) exact(p Part) bool {
	return u.fits(p) && p.Size == u.Size && p.Speed == u.Speed && (p.Number == "") == (len(u.Parts) == 0)
}

// Row is one part: what was ordered, what is there, and what is wrong with it.
type Row struct {
	Subject string // "DIMM PROC 1 DIMM 4"
	Want    string // as ordered; empty: nothing was
	Got     string // as detected; empty: nothing is there
	Serial  string
	Kind    inventory.FindingKind // empty: it is as ordered
	Reason  string                // likewise
}

// Compare says how a server differs from its model, one finding for each thing that a person has to do.
func (p Profile) Compare(f hardware.Facts) []inventory.Finding {
	found, _ := p.compare(f)
	return found
}

// Rows lists every part of a server or its model, class by class, those that are as ordered too.
func (p Profile) Rows(f hardware.Facts) []Row {
	_, rows := p.compare(f)
	return rows
}

func (p Profile) compare(f hardware.Facts) (found []inventory.Finding, rows []Row) {
	found = []inventory.Finding{}
	if p.Product != "" && Plain(f.System.Product) != Plain(p.Product) {
		found = append(found, inventory.Finding{Kind: inventory.FindWrongPart, Subject: "server", Want: p.Product, Got: f.System.Product, Serial: f.System.Serial,
			Reason: fmt.Sprintf("the model %s is a %s, this is a %s", p.Name, p.Product, f.System.Product), Remedy: "find out which server was to come, and send this one back or correct the order"})
		return found, []Row{rowOf(found[0])}
	}
	all := Parts(f)
	for _, class := range Classes() {
		c := comparison{class: class}
		asked := false
		for _, i := range p.Items {
			if i.Class != class {
				continue
			}
			asked = true
			for n := range i.units() {
				u := unit{Item: i}
				if len(i.Slots) > 0 {
					u.slot = i.Slots[n]
				}
				c.want = append(c.want, u)
			}
		}
		for _, part := range all {
			if part.Class == class {
				c.have = append(c.have, part)
			}
		}
		switch unseen := class == DIMM && len(f.Memory.DIMMs) == 0 || class == CPU && len(f.CPUs) == 0 || class == PSU && len(f.PSUs) == 0; {
		case asked && unseen && len(c.want) > 0:
			found = append(found, inventory.Finding{Kind: inventory.FindUnknown, Subject: plural(class), Reason: fmt.Sprintf("what is in the slots of %s could not be read", plural(class)),
				Remedy: unread(class)})
			rows = append(rows, rowOf(found[len(found)-1]))
		case asked:
			c.run()
			found, rows = append(found, c.found...), append(rows, c.rows...)
		}
	}
	firmware, versions := p.firmware(f)
	found, rows = append(found, firmware...), append(rows, versions...)
	for i := range found {
		found[i].Source = inventory.FromParts
	}
	inventory.SortFindings(found)
	return found, rows
}

// plural is the word for several parts of a class.
func plural(c Class) string {
	if stem, ok := strings.CutSuffix(words[c], "y"); ok {
		return stem + "ies"
	}
	return words[c] + "s"
}

// unread is what to do about a class of parts of which nothing could be read.
func unread(c Class) string {
	if c == PSU {
		return "let its BMC be asked by Redfish, as its firmware lists none, or take power supplies out of the model"
	}
	return "look at the problems that the agent told, and inspect the machine again"
}

func rowOf(f inventory.Finding) Row {
	return Row{Subject: f.Subject, Want: f.Want, Got: f.Got, Serial: f.Serial, Kind: f.Kind, Reason: f.Reason}
}

// comparison pairs the parts of one class that are wanted with those that are there, from what fits best to what is left.
type comparison struct {
	class Class
	want  []unit
	have  []Part
	found []inventory.Finding
	rows  []Row
}

func (c *comparison) run() {
	for _, fits := range []func(unit, Part) bool{unit.exact, func(u unit, p Part) bool { return u.fits(p) }} {
		c.pair(func(u unit, p Part) bool { return u.slot != "" && u.slot == p.Slot && fits(u, p) }, c.right)
		c.pair(func(u unit, p Part) bool { return u.slot == "" && fits(u, p) }, c.right)
	}
	c.exchanged()
	c.pair(func(u unit, p Part) bool { return u.fits(p) }, c.moved)
	c.pair(func(u unit, p Part) bool { return u.slot != "" && u.slot == p.Slot }, c.wrong)
	c.pair(func(u unit, _ Part) bool { return u.slot == "" }, c.wrong)
	for _, u := range c.want {
		c.missing(u)
	}
	for _, p := range c.have {
		c.add(inventory.FindExtra, p.Name(), "", p, fmt.Sprintf("%s: %s was not ordered", p.Name(), p.What()), "take it out, or correct the order")
	}
}

func (c *comparison) right(u unit, p Part) {
	c.rows = append(c.rows, Row{Subject: p.Name(), Want: u.what(), Got: p.What(), Serial: p.Serial})
}

// pair takes out of both lists what belongs together, and tells each pair.
func (c *comparison) pair(together func(unit, Part) bool, tell func(unit, Part)) {
	c.want = slices.DeleteFunc(c.want, func(u unit) bool {
		at := slices.IndexFunc(c.have, func(p Part) bool { return together(u, p) })
		if at < 0 {
			return false
		}
		tell(u, c.have[at])
		c.have = slices.Delete(c.have, at, at+1)
		return true
	})
}

// exchanged finds two parts that are each in the other's slot: one thing to do, and one finding.
func (c *comparison) exchanged() {
	for i := 0; i < len(c.want); i++ {
		for k := i + 1; k < len(c.want); k++ {
			a, b := c.want[i], c.want[k]
			inA := slices.IndexFunc(c.have, func(p Part) bool { return p.Slot == a.slot && b.fits(p) })
			inB := slices.IndexFunc(c.have, func(p Part) bool { return p.Slot == b.slot && a.fits(p) })
			if a.slot == "" || b.slot == "" || inA < 0 || inB < 0 {
				continue
			}
			c.add(inventory.FindWrongSlot, a.name(), a.what(), c.have[inA], fmt.Sprintf("%s and %s are each in the other's slot", a.name(), b.name()), "exchange the two")
			c.found[len(c.found)-1].Part = ""
			c.rows = append(c.rows, Row{Subject: b.name(), Want: b.what(), Got: c.have[inB].What(), Serial: c.have[inB].Serial, Kind: inventory.FindWrongSlot, Reason: c.found[len(c.found)-1].Reason})
			for _, at := range []int{max(inA, inB), min(inA, inB)} {
				c.have = slices.Delete(c.have, at, at+1)
			}
			c.want = slices.Delete(slices.Delete(c.want, k, k+1), i, i+1)
			i--
			break
		}
	}
}

func (c *comparison) add(kind inventory.FindingKind, subject, want string, p Part, reason, remedy string) {
	got := ""
	if p.Class != "" {
		got = p.What()
	}
	c.found = append(c.found, inventory.Finding{Kind: kind, Subject: subject, Want: want, Got: got, Reason: reason, Remedy: remedy, Part: p.Number, Serial: p.Serial})
	c.rows = append(c.rows, rowOf(c.found[len(c.found)-1]))
}

func (c *comparison) moved(u unit, p Part) {
	c.add(inventory.FindWrongSlot, u.name(), u.what(), p, fmt.Sprintf("%s: %s was ordered here, it sits in %s", u.name(), u.what(), p.Slot), fmt.Sprintf("move it from %s to %s", p.Slot, u.slot))
	c.found[len(c.found)-1].Part = "" // nothing goes back to the vendor
}

func (c *comparison) wrong(u unit, p Part) {
	how := "is there"
	switch {
	case u.Size > 0 && !u.sized(p.Size) && p.Size < u.Size:
		how = "is there, which is too small"
	case u.Speed > 0 && p.Speed > 0 && p.Speed < u.Speed:
		how = fmt.Sprintf("with %d MT/s is there, which is slower than %d", p.Speed, u.Speed)
	}
	c.add(inventory.FindWrongPart, p.Name(), u.what(), p, fmt.Sprintf("%s: %s ordered, %s %s", p.Name(), u.what(), p.What(), how), "put in the part that was ordered")
}

func (c *comparison) missing(u unit) {
	reason := fmt.Sprintf("%s: %s ordered, the slot is empty", u.name(), u.what())
	if u.slot == "" {
		reason = fmt.Sprintf("%s: %s ordered, it is not there", u.name(), u.what())
	}
	f := inventory.Finding{Kind: inventory.FindMissing, Subject: u.name(), Want: u.what(), Reason: reason, Remedy: "put one in, or seat the one that is there again"}
	if len(u.Parts) > 0 {
		f.Part = u.Parts[0]
	}
	c.found, c.rows = append(c.found, f), append(c.rows, rowOf(f))
}
