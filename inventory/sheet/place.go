package sheet

import (
	"slices"
	"strconv"
	"strings"

	"socle/inventory"
)

// Place reads where something stands, from the columns site, room, row, rack, u, height, face and depth.
func (l *Line) Place() inventory.Place {
	p := inventory.Place{Site: l.Text("site"), Room: l.Text("room"), Row: l.Text("row"), Rack: l.Text("rack"), U: l.unit()}
	if v := l.Get("height"); v != "" {
		h, err := strconv.Atoi(v)
		if err != nil || h < 1 || h > inventory.MaxU || p.U+h-1 > inventory.MaxU {
			l.Fail("height", "%s is no height in U: write a number from 1, so that it ends at U %d at most", Quote(v), inventory.MaxU)
			h = 0
		}
		p.Height = h
	}
	p.Face = l.Choice("face", "face of a rack", inventory.Front, inventory.Rear)
	p.HalfDepth = l.Choice("depth", "depth", "full", "half") == "half"
	return p
}

func (l *Line) unit() int {
	v := l.asked("u")
	if v == "" {
		return 0
	}
	u, err := strconv.Atoi(v)
	if err != nil || u < 1 || u > inventory.MaxU {
		l.Fail("u", "%s is no height unit: write a number from 1 (the lowest) to %d", Quote(v), inventory.MaxU)
		return 0
	}
	return u
}

// ClaimPlace claims the units that something fills; of those that are taken, one is enough to say.
func (l *Line) ClaimPlace(p inventory.Place) {
	for _, unit := range p.Claims() {
		if !l.Claim("u", strings.ToLower(unit), unit) {
			return
		}
	}
}

// Choice is one of some words, in any case; an empty field is none of them.
func (l *Line) Choice(column, what string, words ...string) string {
	v := strings.ToLower(l.asked(column))
	if v != "" && !slices.Contains(words, v) {
		l.Fail(column, "%s is no %s: write %s or %s", Quote(v), what, strings.Join(words[:len(words)-1], ", "), words[len(words)-1])
		return ""
	}
	return v
}

// Whole is a whole number within bounds; an empty field is 0.
func (l *Line) Whole(column, what string, low, high int) int {
	v := l.asked(column)
	if v == "" {
		return 0
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < low || n > high {
		l.Fail(column, "%s is no %s: write a number from %d to %d", Quote(v), what, low, high)
		return 0
	}
	return n
}
