package ui

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"socle/inventory"
)

// fleet makes n machines in racks of forty.
func fleet(n int, now time.Time) []inventory.Machine {
	list := make([]inventory.Machine, n)
	states := inventory.States()
	for i := range list {
		list[i] = inventory.Machine{
			ID: fmt.Sprint("id-", i), Name: fmt.Sprintf("n%05d", i), State: states[i%len(states)], Since: now, InPlan: true,
			Place: inventory.Place{Rack: fmt.Sprintf("r%04d", i/40), U: i%40 + 1}, Identity: inventory.Identity{Serial: fmt.Sprintf("S%05d", i)},
		}
	}
	return list
}

// TestFleet: ten thousand machines are a page that a phone can load.
func TestFleet(t *testing.T) {
	now := time.Now()
	pages, err := New()
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	o := NewOverview(fleet(10_000, now), nil, nil, nil, Filter{}, now)
	if err := pages.Render(&b, Frame{Actor: "a", CSRF: "c"}, o); err != nil {
		t.Fatal(err)
	}
	if len(o.Rows) != maxRows || o.Fits != 10_000 || len(o.Racks) != maxRacks || o.More != 210 || b.Len() > 2<<20 {
		t.Errorf("%d rows of %d, %d racks and %d more, %d bytes", len(o.Rows), o.Fits, len(o.Racks), o.More, b.Len())
	}
	for _, s := range []string{"<b>10000</b>", "The first 250 of 10000", "210 more racks"} {
		if !strings.Contains(b.String(), s) {
			t.Errorf("the page does not say %q", s)
		}
	}
	all, fits := fleet(10_000, now), map[string]bool{}
	for _, m := range all {
		fits[m.ID] = m.Place.Rack == "r0123"
	}
	found := NewOverview(all, nil, nil, nil, Filter{Text: "rack:r0123", Fits: fits}, now)
	if found.Fits != 40 || len(found.Racks) != 1 || found.Racks[0].Name != "r0123" {
		t.Errorf("searching a rack finds %d machines in %d racks", found.Fits, len(found.Racks))
	}
}

// TestRacks: racks are drawn as they are elsewhere, at their height, with devices and progress; a search shows those that it finds.
func TestRacks(t *testing.T) {
	now := time.Now()
	machine := func(name string, p inventory.Place) inventory.Machine {
		return inventory.Machine{ID: "id-" + name, Name: name, State: inventory.Deploying, Since: now, Role: "storage", Place: p}
	}
	all := []inventory.Machine{machine("b3", inventory.Place{Rack: "b", U: 3}), machine("a13", inventory.Place{Rack: "a", U: 13}), machine("stray", inventory.Place{}), machine("clash", inventory.Place{Rack: "a", U: 13}),
		machine("a-somewhere", inventory.Place{Rack: "a"}), machine("a-high", inventory.Place{Rack: "a", U: 900}), machine("other", inventory.Place{Site: "other", Rack: "a", U: 1}), machine("b<1>", inventory.Place{Rack: "b", U: 1, Height: 2})}
	fixtures := []inventory.Fixture{{Kind: inventory.RackFixture, Name: "b", Place: inventory.Place{Rack: "b", Height: 47}}, {Kind: inventory.RackFixture, Name: "empty", Place: inventory.Place{Rack: "empty", Height: 42}},
		{Kind: inventory.SwitchAsset, Name: "leaf-b", Place: inventory.Place{Rack: "b", U: 47}}}
	o := NewOverview(all, fixtures, map[string]inventory.Order{"id-b3": {Kind: "write-image", Done: 50, Total: 100}}, nil, Filter{}, now)
	var names []string
	for _, r := range o.Racks {
		names = append(names, r.Where+"/"+r.Name)
	}
	if got := strings.Join(names, " "); got != "/a /b other/a /" {
		t.Errorf("racks %q", got)
	}
	if a := o.Racks[0]; len(a.Loose) != 2 || strings.Count(string(a.Drawing), `class="slot s-deploying"`) != 2 || !strings.Contains(string(a.Drawing), ">24<") && !strings.Contains(string(a.Drawing), ">23<") {
		t.Errorf("rack a has %d loose, and %s", len(a.Loose), a.Drawing)
	}
	b := string(o.Racks[1].Drawing)
	for _, want := range []string{">47<", `href="/machines/b3"`, `class="bar"`, "leaf-b", "storage", `height="40"`, "b&lt;1&gt;"} {
		if !strings.Contains(b, want) {
			t.Errorf("rack b does not show %q: %s", want, b)
		}
	}
	if o := NewOverview(all, fixtures, nil, nil, Filter{Text: "b3", Fits: map[string]bool{"id-b3": true}}, now); len(o.Racks) != 1 || o.Racks[0].Name != "b" || strings.Contains(string(o.Racks[0].Drawing), "b&lt;1&gt;") {
		t.Errorf("a search shows %+v", o.Racks)
	}
}

func TestProgress(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	for _, tc := range []struct {
		o       inventory.Order
		percent int
		text    string
	}{
		{inventory.Order{Kind: "write-image", Done: 50 << 20, Total: 100 << 20, Wire: 10 << 20, TakenAt: now.Add(-10 * time.Second)}, 50, "50.0 MiB of 100 MiB · 5.0 MiB/s · 10.0 MiB over the wire"},
		{inventory.Order{Kind: "write-image", Done: 200, Total: 100}, 100, "200 B of 100 B"},
		{inventory.Order{Kind: "write-image", Done: -7, Total: 100}, 0, "0 B of 100 B"},
		{inventory.Order{Kind: "inspect", Message: "looking"}, 0, "looking"},
	} {
		if p := newProgress(&tc.o, now); p.Percent != tc.percent || p.Text != tc.text {
			t.Errorf("%+v: %d %% %q, want %d %% %q", tc.o, p.Percent, p.Text, tc.percent, tc.text)
		}
	}
}

func TestWords(t *testing.T) {
	for got, want := range map[string]string{
		size(1536): "1.5 KiB", size(-1): "0 B",
		duration(1500 * time.Millisecond): "1.5\u00a0s", duration(59 * time.Second): "59\u00a0s", duration(61 * time.Second): "1\u00a0min\u00a001\u00a0s",
		duration(25 * time.Hour): "25\u00a0h\u00a000\u00a0min", duration(72 * time.Hour): "3\u00a0days", duration(-time.Second): "0.0\u00a0s",
		link(inventory.Machine{ID: "i d", Name: "hv01"}): "/machines/hv01", link(inventory.Machine{ID: "i/d", Name: ".."}): "/machines/i%2Fd",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func BenchmarkOverview(b *testing.B) {
	now := time.Now()
	machines := fleet(10_000, now)
	pages, err := New()
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		var buf bytes.Buffer
		if err := pages.Render(&buf, Frame{}, NewOverview(machines, nil, nil, nil, Filter{}, now)); err != nil {
			b.Fatal(err)
		}
	}
}
