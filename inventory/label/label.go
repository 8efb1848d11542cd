// Package label says what is written on the labels of servers and of their cables. It knows nothing of paper.
package label

import (
	"slices"
	"strconv"
	"strings"

	"socle/inventory"
	"socle/inventory/cabling"
)

// Label is what is on one: a title, lines below it, and what a scanner reads; an empty code is none.
type Label struct {
	Title string
	Lines []string
	Code  string
}

// codeMost is how many bytes the code of a label has at most: more makes modules that no scanner reads off a label of 20 mm.
const codeMost = 110

// Servers makes the label of each machine, in their order: name, serial, asset tag, place, and to which switch port
// each of its ports is to go.
func Servers(machines []inventory.Machine, plan []cabling.Cable) []Label {
	cables := map[string][]cabling.Cable{}
	for _, c := range plan {
		cables[strings.ToLower(c.Server)] = append(cables[strings.ToLower(c.Server)], c)
	}
	all := make([]Label, 0, len(machines))
	for _, m := range machines {
		l := Label{Title: m.Name}
		ids := ""
		if s := m.Serial(); s != "" {
			ids = "SN " + s
		}
		if a := m.Identity.AssetTag; a != "" {
			ids = strings.TrimSpace(ids + "  AT " + a)
		}
		l.Lines = nonEmpty(ids, position(m.Place))
		mine := slices.Clone(cables[strings.ToLower(m.Name)])
		cabling.Sort(mine)
		for _, c := range mine {
			l.Lines = append(l.Lines, cabling.PortWords(c.Port)+" → "+c.Far())
		}
		l.Code = code(m, mine)
		all = append(all, l)
	}
	return all
}

// code begins with a word that inventory.Scanned knows the machine by; what comes after it is for other programs, as far as
// there is room. A blank parts them, since keyboards of all languages type it alike.
func code(m inventory.Machine, cables []cabling.Cable) string {
	first := m.Name
	for _, id := range []string{m.Serial(), m.Identity.AssetTag} {
		if id != "" && !strings.ContainsAny(id, " \t") && plain(id) {
			first = id
			break
		}
	}
	words := []string{first}
	if first != m.Name {
		words = append(words, m.Name)
	}
	if p := m.Place; p.Known() {
		words = append(words, joined(p.Rack)+"/"+strconv.Itoa(p.U))
	}
	for _, c := range cables {
		words = append(words, joined(c.Port)+"="+joined(c.Switch)+":"+joined(c.SwitchPort))
	}
	out := words[0]
	for _, w := range words[1:] {
		if len(out)+1+len(w) > codeMost || !plain(w) {
			break
		}
		out += " " + w
	}
	return out
}

// plain tells whether a text is printable ASCII, which every scanner and printer takes the same way.
func plain(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' })
}

// joined is a text as one word.
func joined(text string) string { return strings.Join(strings.Fields(text), "_") }

// position is a place for people: the rack with what it stands in, the units, and the face when it is not the front.
func position(p inventory.Place) string {
	text := p.Spot()
	if text != "" && p.Face == inventory.Rear {
		text += ", rear"
	}
	return text
}

// Cables makes two labels of each cable, one for each end: where this end goes, and where the other one is. They have
// no code: on so small a label it would leave no room for the words that people look for.
func Cables(plan []cabling.Cable) []Label {
	all := make([]Label, 0, 2*len(plan))
	for _, c := range plan {
		kind := strings.Join(nonEmpty(c.Label, c.Colour, c.Length, c.Group), ", ")
		for _, end := range [][2]string{{c.Near(), c.Far()}, {c.Far(), c.Near()}} {
			all = append(all, Label{Title: end[0], Lines: nonEmpty("to "+end[1], kind)})
		}
	}
	return all
}

func nonEmpty(texts ...string) []string {
	return slices.DeleteFunc(texts, func(s string) bool { return s == "" })
}
