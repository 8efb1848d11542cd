// Package floor reads floor plans: tables that say which racks stand where, with their height and power feeds, and what
// stands in them besides servers.
package floor

import (
	"strings"

	"socle/inventory"
	"socle/inventory/sheet"
)

// Bounds of what a feed can be.
const (
	maxAmperes = 1000
	maxWatts   = 1_000_000
)

// Layout is what a floor plan is to be like.
func Layout() sheet.Layout {
	return sheet.Layout{
		What: "floor plan", Rows: "racks or devices",
		Required: []string{"kind", "name"},
		Optional: []string{
			"site", "room", "row", "rack", "u", "height", "face", "depth", "model", "serial", "asset_tag",
			"feed_a", "feed_a_amperes", "feed_a_watts", "feed_b", "feed_b_amperes", "feed_b_watts",
		},
		MaxRows: 50_000,
	}
}

// Read reads a floor plan. When anything is wrong the error is of type sheet.Errors and has everything that is, unless
// reading itself failed.
func Read(src sheet.Source) (all []inventory.PlannedFixture, err error) {
	err = sheet.ReadFrom(src, nil, Layout(), func(l *sheet.Line) {
		f := inventory.PlannedFixture{Line: l.Number, Fixture: fixture(l)}
		if l.OK() && l.Claim("name", f.Key(), f.Title()) {
			l.ClaimPlace(f.Place)
		}
		if l.OK() {
			all = append(all, f)
		}
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

func fixture(l *sheet.Line) inventory.Fixture {
	var kinds []string
	for _, k := range inventory.FixtureKinds() {
		kinds = append(kinds, string(k))
	}
	f := inventory.Fixture{
		Kind: inventory.FixtureKind(l.Choice("kind", "kind of fixture", kinds...)), Name: l.Text("name"),
		Model: l.Text("model"), Serial: l.Text("serial"), AssetTag: l.Text("asset_tag"), Place: l.Place(),
	}
	a, b := feed(l, "feed_a"), feed(l, "feed_b")
	switch {
	case a.Name != "" && b.Name != "":
		f.Feeds = []inventory.Feed{a, b}
	case a.Name != "":
		f.Feeds = []inventory.Feed{a}
	case b.Name != "":
		l.Fail("feed_a", "it is empty, though there is a feed_b: a rack with one feed has feed_a")
	}
	if f.IsRack() {
		return rack(l, f)
	}
	if len(f.Feeds) > 0 {
		l.Fail("feed_a", "only racks have feeds")
	}
	if f.Place.U > 0 && f.Place.Rack == "" {
		l.Fail("rack", "it is empty, though there is a u")
	}
	return f
}

// rack says what is different of a rack: its name is that of its own place, and its height must be known.
func rack(l *sheet.Line, f inventory.Fixture) inventory.Fixture {
	for _, column := range []string{"rack", "u", "face", "depth"} {
		if l.Get(column) != "" && (column != "rack" || !strings.EqualFold(l.Get(column), f.Name)) {
			l.Fail(column, "a rack has none: its name stands under name")
		}
	}
	if l.Get("height") == "" {
		l.Fail("height", "it is empty: write how many units the rack has")
	}
	f.Place.Rack = f.Name
	return f
}

func feed(l *sheet.Line, name string) inventory.Feed {
	f := inventory.Feed{Name: l.Text(name), Amperes: l.Whole(name+"_amperes", "current in A", 1, maxAmperes), Watts: l.Whole(name+"_watts", "power in W", 1, maxWatts)}
	if f.Name == "" && (f.Amperes > 0 || f.Watts > 0) {
		l.Fail(name, "it is empty, though its power is said: name the feed")
	}
	return f
}
