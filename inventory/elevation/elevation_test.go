package elevation

import (
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"socle/inventory"
)

func at(name string, u, height int, face string, half bool) Item {
	return Item{Name: name, Kind: "server", State: "active", Power: "on", Place: inventory.Place{Rack: "r1", U: u, Height: height, Face: face, HalfDepth: half}}
}

func TestRack(t *testing.T) {
	rack := inventory.Fixture{Kind: inventory.RackFixture, Name: "r1", Place: inventory.Place{Site: "ams", Rack: "r1", Height: 12}}
	items := []Item{at("hv01", 1, 2, "", false), at("leaf", 12, 1, inventory.Rear, true), at("panel", 12, 1, "", true), at("hv02", 2, 1, "", false), at("high", 12, 2, inventory.Rear, true), {Name: "spare", Place: inventory.Place{Rack: "r1"}}}
	for i := range items {
		items[i].Place.Site = "ams"
	}
	all := Racks([]inventory.Fixture{rack}, append(items, Item{Name: "stray"}))
	if len(all) != 2 || all[1].Place.Rack != "" || len(all[1].Loose) != 1 {
		t.Fatalf("%+v", all)
	}
	r := all[0]
	if !r.Known || r.Height != 12 || len(r.Items) != 5 || len(r.Loose) != 1 || r.Name() != "ams/r1" {
		t.Errorf("%+v", r)
	}
	if got := r.Free(""); !slices.Equal(got, []Span{{3, 11}}) || r.FreeUnits() != 9 || got[0].String() != "U 3-11" {
		t.Errorf("free: %v", got)
	}
	want := []string{"hv01 and hv02 are both in U 2 of rack ams/r1", "high and leaf are both in U 12 of rack ams/r1 at the rear", "high ends at U 13, and the rack has 12 units"}
	got := r.Problems()
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("problems %q", got)
	}
	text := r.Text()
	for _, line := range []string{" 12  panel  active                │ ! leaf  active", "  3  ·                            ·", "  2  hv01  active ! hv02  active  (hv01) ! (hv02)", "  1  │                            │"} {
		if !strings.Contains(text, line) {
			t.Errorf("no %q in\n%s", line, text)
		}
	}
	for ref, err := range map[string]error{"r1": nil, "AMS/R1": nil, "r2": inventory.ErrNotFound} {
		if _, got := Find(all, ref); !errors.Is(got, err) {
			t.Errorf("%s: %v", ref, got)
		}
	}
	twice := Racks(nil, []Item{{Name: "a", Place: inventory.Place{Room: "1", Rack: "r1", U: 1}}, {Name: "b", Place: inventory.Place{Room: "2", Rack: "r1", U: 50}}})
	if _, err := Find(twice, "r1"); !errors.Is(err, inventory.ErrWhichRack) || twice[0].Height != 12 || twice[1].Height != 52 || twice[0].Known {
		t.Errorf("%v, %+v", err, twice)
	}
}

// TestSVG: what is drawn is XML, whatever names are like.
func TestSVG(t *testing.T) {
	evil := at(`</text><script>alert("1")</script>&'`+"\x00\xff", 1, 2, "", false)
	evil.Link, evil.Percent, evil.Text, evil.Fault = `/machines/"><x`, 250, "\x1b[2J", true
	r := New(evil.Place, nil, []Item{evil, at("back", 5, 1, inventory.Rear, false)})
	for _, d := range []Drawing{{Faces: []string{inventory.Front}}, {Faces: []string{inventory.Front, inventory.Rear}, Heads: true, Alone: true}} {
		svg := r.SVG(d)
		elements := map[string]int{}
		for dec := xml.NewDecoder(strings.NewReader(svg)); ; {
			tok, err := dec.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%v in %s", err, svg)
			}
			if e, is := tok.(xml.StartElement); is {
				elements[e.Name.Local]++
			}
		}
		if elements["script"] > 0 || elements["x"] > 0 || elements["a"] != len(d.Faces) || (elements["style"] == 1) != d.Alone {
			t.Errorf("%v in %s", elements, svg)
		}
		for _, part := range []string{"s-active has-fault", "s-active back", `class="led p-on"`} {
			if !strings.Contains(svg, part) {
				t.Errorf("no %s in %s", part, svg)
			}
		}
	}
}
