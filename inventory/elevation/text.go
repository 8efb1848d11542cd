package elevation

import (
	"fmt"
	"strings"
	"unicode"

	"socle/inventory"
)

// cellWidth is of a column of the text, in characters.
const cellWidth = 28

// Text draws both faces for terminals, a line a unit.
func (r Rack) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%3s  %-*s %s\n", "U", cellWidth, "front", "rear")
	for u := r.Height; u >= 1; u-- {
		line := fmt.Sprintf("%3d  %-*s %s", u, cellWidth, r.cell(inventory.Front, u), r.cell(inventory.Rear, u))
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	return b.String()
}

// cell is what is seen of a unit: the name and the state at the top of an item, its body below; in brackets the back of
// what is mounted at the other face.
func (r Rack) cell(face string, u int) string {
	var parts []string
	for _, i := range r.At(face, u) {
		text := printable(i.Name) + "  " + printable(i.note())
		if !mounted(i, face) {
			text = "(" + printable(i.Name) + ")"
		}
		if u != i.Place.Top() {
			text = "│"
		}
		parts = append(parts, text)
	}
	if len(parts) == 0 {
		return "·"
	}
	text := []rune(strings.Join(parts, " ! ")) // "!" is a clash
	if len(text) > cellWidth-1 {
		text = append(text[:cellWidth-2], '…')
	}
	return string(text)
}

// mounted tells whether an item is mounted at a face, and not only seen from there.
func mounted(i Item, face string) bool {
	return i.Place.Face == face || i.Place.Face == "" && face == inventory.Front
}

// printable keeps names from steering a terminal or breaking a drawing.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, strings.ToValidUTF8(s, string(unicode.ReplacementChar)))
}
