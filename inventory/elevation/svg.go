package elevation

import (
	"fmt"
	"html"
	"strings"

	"socle/inventory"
)

// Measures of a drawing, in its own units.
const (
	unitHeight = 20
	faceWidth  = 250
	slotX      = 30
	slotWidth  = faceWidth - slotX - 12
	frameTop   = 8
	headHeight = 18
	gap        = 16
)

// Drawing says how a rack is drawn as SVG. Nothing is drawn that is not escaped.
type Drawing struct {
	Faces []string // inventory.Front, inventory.Rear
	Heads bool     // the faces are named above
	Alone bool     // it is a file of its own: with colours and a legend
}

// SVG draws the rack. What stands in one unit twice stands side by side, so that the clash is seen.
func (r Rack) SVG(d Drawing) string {
	var b strings.Builder
	top, width := 0, len(d.Faces)*(faceWidth+gap)-gap
	if d.Heads {
		top = headHeight
	}
	height := top + r.Height*unitHeight + 2*frameTop
	total := height
	if d.Alone {
		total += legendHeight
	}
	fmt.Fprintf(&b, `<svg class="elevation" viewBox="0 0 %d %d" role="group" aria-label="%s of rack %s"`, width, total, strings.Join(d.Faces, " and "), esc(r.Place.Rack))
	if d.Alone {
		fmt.Fprintf(&b, ` xmlns="http://www.w3.org/2000/svg" width="%d" height="%d"><style>%s</style><title>rack %s</title`, width, total, style, esc(r.Name()))
	}
	b.WriteString(">")
	for n, face := range d.Faces {
		x := n * (faceWidth + gap)
		if d.Heads {
			fmt.Fprintf(&b, `<text class="face" x="%d" y="12">%s</text>`, x+slotX, esc(face))
		}
		fmt.Fprintf(&b, `<svg x="%d" y="%d" width="%d" height="%d" overflow="visible">`, x, top, faceWidth, height-top)
		r.face(&b, face)
		b.WriteString("</svg>")
	}
	if d.Alone {
		legend(&b, height)
	}
	b.WriteString("</svg>")
	return b.String()
}

func (r Rack) face(b *strings.Builder, face string) {
	fmt.Fprintf(b, `<rect class="frame" x="0.5" y="0.5" width="%d" height="%d" rx="6"/>`, faceWidth-1, r.Height*unitHeight+2*frameTop-1)
	for u := r.Height; u >= 1; u-- {
		y := frameTop + (r.Height-u)*unitHeight
		if r.Height <= 12 || u%2 == 1 {
			fmt.Fprintf(b, `<text class="u" x="22" y="%d">%d</text>`, y+14, u)
		}
		at := r.At(face, u)
		if len(at) == 0 {
			fmt.Fprintf(b, `<rect class="empty" x="%d" y="%d" width="%d" height="18" rx="2.5"/>`, slotX, y+1, slotWidth-2)
		}
		for n, i := range at {
			if u == min(i.Place.Top(), r.Height) {
				w := slotWidth / len(at)
				i.slot(b, face, slotX+n*w, y, w-2, (u-i.Place.U+1)*unitHeight)
			}
		}
	}
}

// slot draws one item.
func (i Item) slot(b *strings.Builder, face string, x, y, width, height int) {
	class := "slot k-" + esc(i.Kind)
	if i.State != "" {
		class = "slot s-" + esc(i.State)
	}
	back := !mounted(i, face)
	for _, c := range []struct {
		is   bool
		name string
	}{{i.Fault, "has-fault"}, {i.Held, "has-hold"}, {back, "back"}} {
		if c.is {
			class += " " + c.name
		}
	}
	words := []string{i.Name, i.note()}
	if i.Text != "" {
		words = append(words, i.Text)
	}
	open, end := "<g>", "</g>"
	if i.Link != "" {
		open, end = fmt.Sprintf(`<a href="%s" aria-label="U%d %s">`, esc(i.Link), i.Place.U, esc(strings.Join(words[:2], ", "))), "</a>"
	}
	fmt.Fprintf(b, `%s<title>%s</title><svg class="%s" x="%d" y="%d" width="%d" height="%d" overflow="visible">`, open, esc(strings.Join(words, " · ")), class, x, y, width, height)
	fmt.Fprintf(b, `<rect class="box" x="0" y="1" width="%d" height="%d" rx="2.5"/>`, width, height-2)
	if i.Percent > 0 {
		fmt.Fprintf(b, `<rect class="bar" x="0" y="%d" width="%d" height="3" rx="1"/>`, height-4, width*min(i.Percent, 100)/100)
	}
	textX := 8
	if i.Power != "" && !back {
		fmt.Fprintf(b, `<circle class="led p-%s" cx="9" cy="10" r="3"/>`, esc(i.Power))
		textX = 18
	}
	fmt.Fprintf(b, `<text class="label" x="%d" y="14">%s</text>`, textX, esc(brief(i.Name, width/14)))
	if width > 150 && !back {
		fmt.Fprintf(b, `<text class="sub" x="%d" y="14">%s</text>`, width-7, esc(i.note()))
	}
	b.WriteString("</svg>" + end)
}

func brief(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}

// esc makes a text fit for XML.
func esc(s string) string { return html.EscapeString(printable(s)) }

// Colours of the states in a file of its own; the dashboard has them in its style sheet.
var colours = []struct{ state, colour string }{
	{string(inventory.Expected), "#8593a0"}, {string(inventory.Discovered), "#3f86b8"}, {string(inventory.Inspecting), "#0d93b8"},
	{string(inventory.Testing), "#7a5cd6"}, {string(inventory.Ready), "#0c9486"}, {string(inventory.Deploying), "#2f74ee"},
	{string(inventory.Active), "#1f9d55"}, {string(inventory.Rescuing), "#c9700d"}, {string(inventory.Erasing), "#b8348b"}, {string(inventory.Retired), "#6b7280"},
}

const legendHeight = 64

// style is that of a file of its own; it prints on white.
var style = func() string {
	s := `text{font-family:"DejaVu Sans",sans-serif;fill:#17202a;font-size:11px}.frame{fill:#fff;stroke:#17202a}.empty{fill:#eef1f4}` +
		`.u{font-size:9px;text-anchor:end;fill:#586573}.face{font-weight:bold}.slot .box{fill:#5f6b76}.slot .label{fill:#fff;font-weight:bold}.slot .sub{fill:#fff;text-anchor:end;font-size:10px}` +
		`.slot .bar{fill:#fff}.slot .led{fill:#0b0f13;stroke:#fff}.slot .led.p-on{fill:#5dff9b}.slot.has-hold .box{stroke:#f0b429;stroke-width:2;stroke-dasharray:5 3}.slot.has-fault .box{stroke:#d2362d;stroke-width:3}.slot.back .box{fill-opacity:.35}.slot.back .label{fill:#17202a}`
	for _, c := range colours {
		s += fmt.Sprintf(".s-%s .box,.l-%s{fill:%s}", c.state, c.state, c.colour)
	}
	return s
}()

func legend(b *strings.Builder, y int) {
	for n, c := range colours {
		x, line := slotX+n%5*95, y+16+n/5*18
		fmt.Fprintf(b, `<rect class="l-%s" x="%d" y="%d" width="10" height="10" rx="2"/><text x="%d" y="%d">%s</text>`, c.state, x, line-9, x+15, line, c.state)
	}
	fmt.Fprintf(b, `<text x="%d" y="%d">grey: other devices · red edge: fault · dashed: held · pale: seen from behind</text>`, slotX, y+54)
}
