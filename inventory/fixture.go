package inventory

import (
	"fmt"
	"strings"
)

// FixtureKind is what a fixture is.
type FixtureKind string

// The kinds of fixtures.
const (
	RackFixture  FixtureKind = "rack"
	SwitchAsset  FixtureKind = "switch"
	PDUAsset     FixtureKind = "pdu"
	PatchAsset   FixtureKind = "patch-panel"
	SpareAsset   FixtureKind = "spare"
	OtherFixture FixtureKind = "other"
)

// FixtureKinds lists them.
func FixtureKinds() []FixtureKind {
	return []FixtureKind{RackFixture, SwitchAsset, PDUAsset, PatchAsset, SpareAsset, OtherFixture}
}

// Feed is one of the power feeds of a rack.
type Feed struct {
	Name    string `json:"name"`
	Amperes int    `json:"amperes,omitempty"` // 0: not said
	Watts   int    `json:"watts,omitempty"`   // 0: not said
}

// String is the feed in words: "A1 (32 A, 7360 W)".
func (f Feed) String() string {
	var parts []string
	if f.Amperes > 0 {
		parts = append(parts, fmt.Sprintf("%d A", f.Amperes))
	}
	if f.Watts > 0 {
		parts = append(parts, fmt.Sprintf("%d W", f.Watts))
	}
	if len(parts) == 0 {
		return f.Name
	}
	return f.Name + " (" + strings.Join(parts, ", ") + ")"
}

// Fixture is what stands in a room besides the servers: a rack, or a plain device such as a switch.
type Fixture struct {
	Kind     FixtureKind `json:"kind"`
	Name     string      `json:"name"` // of a device, unique among devices; of a rack within its row
	Model    string      `json:"model,omitempty"`
	Serial   string      `json:"serial,omitempty"`
	AssetTag string      `json:"asset_tag,omitempty"`
	// Place is where it stands. Of a rack, Rack is its own name and Height how many units it has.
	Place Place  `json:"place"`
	Feeds []Feed `json:"feeds,omitempty"` // of a rack
}

// PlannedFixture is a line of a floor plan.
type PlannedFixture struct {
	Line int
	Fixture
}

// IsRack tells racks from devices.
func (f Fixture) IsRack() bool { return f.Kind == RackFixture }

// Title names it among all fixtures: "rack ams1/hall 2/r1", "switch leaf-a".
func (f Fixture) Title() string {
	if f.IsRack() {
		return "rack " + f.Place.RackName()
	}
	return string(f.Kind) + " " + f.Name
}

// Key is by what a later floor plan finds it again.
func (f Fixture) Key() string {
	if f.IsRack() {
		return strings.ToLower("rack/" + f.Place.RackName())
	}
	return strings.ToLower("device/" + f.Name)
}

// FixtureChanges tells what differs, by the names of a floor plan's columns.
func FixtureChanges(before, after Fixture) (changes []FieldChange) {
	b, a := before.fields(), after.fields()
	for i, f := range a {
		if b[i][1] != f[1] {
			changes = append(changes, FieldChange{Field: f[0], Before: b[i][1], After: f[1]})
		}
	}
	return changes
}

func (f Fixture) fields() [][2]string {
	all := append([][2]string{{"kind", string(f.Kind)}, {"name", f.Name}, {"model", f.Model}, {"serial", f.Serial}, {"asset_tag", f.AssetTag}}, f.Place.fields()...)
	for i, name := range []string{"feed_a", "feed_b"} {
		text := ""
		if i < len(f.Feeds) {
			text = f.Feeds[i].String()
		}
		all = append(all, [2]string{name, text})
	}
	return all
}

// PlaceClaim is who stands at a place, for messages.
type PlaceClaim struct {
	Who   string // "machine hv01", "switch leaf-a"
	Line  int    // of what is imported; 0 for what is known already
	Place Place
}

// PlaceClash is why somebody cannot stand where the claim says.
type PlaceClash struct {
	Claim   PlaceClaim
	Problem string
}

// PlaceClashes finds who stands where somebody else does, and who stands above the top of a rack. Each clash is that of a
// claim with a line: what is known already among itself is nobody's business here. Two claims clash once.
func PlaceClashes(racks map[string]Fixture, claims []PlaceClaim) (all []PlaceClash) {
	holders := map[string]PlaceClaim{}
	for _, own := range []bool{false, true} { // what is known first
		for _, c := range claims {
			if (c.Line > 0) == own {
				all = append(all, claimUnits(holders, c)...)
			}
		}
	}
	for _, c := range claims {
		r, known := RackOf(racks, c.Place)
		if known && c.Place.Known() && c.Place.Top() > r.Place.Height && (c.Line > 0) {
			all = append(all, PlaceClash{c, fmt.Sprintf("it would end at U %d, and %s has %d units", c.Place.Top(), r.Title(), r.Place.Height)})
		}
	}
	return all
}

func claimUnits(holders map[string]PlaceClaim, c PlaceClaim) (clash []PlaceClash) {
	for _, unit := range c.Place.Claims() {
		key := strings.ToLower(unit)
		h, taken := holders[key]
		switch {
		case !taken:
			holders[key] = c
		case c.Line > 0 && clash == nil:
			of := h.Who
			if h.Line > 0 {
				of = fmt.Sprintf("%s in line %d", h.Who, h.Line)
			}
			clash = []PlaceClash{{c, unit + " is that of " + of + " too"}}
		}
	}
	return clash
}

// RackOf is the rack of a place, among those of RacksByKey.
func RackOf(racks map[string]Fixture, p Place) (Fixture, bool) {
	r, known := racks[rackKey(p)]
	return r, known && p.Rack != ""
}

// RacksByKey is for RackOf and PlaceClashes.
func RacksByKey(all []Fixture) map[string]Fixture {
	racks := map[string]Fixture{}
	for _, f := range all {
		if f.IsRack() {
			racks[rackKey(f.Place)] = f
		}
	}
	return racks
}

// rackKey is the rack of a place, the same however it is written.
func rackKey(p Place) string { return strings.ToLower(p.RackName()) }
