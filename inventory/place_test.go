package inventory_test

import (
	"slices"
	"testing"

	"socle/inventory"
)

// TestPlaceClaims: a device claims each unit that it fills, at both faces unless it has half the depth.
func TestPlaceClaims(t *testing.T) {
	for _, c := range []struct {
		name  string
		place inventory.Place
		want  []string
	}{
		{"nowhere", inventory.Place{Rack: "r1"}, nil},
		{"one unit", inventory.Place{Site: "ams1", Rack: "r1", U: 4}, []string{"U 4 of rack ams1/r1", "U 4 of rack ams1/r1 at the rear"}},
		{"two units", inventory.Place{Rack: "r1", U: 4, Height: 2}, []string{"U 4 of rack r1", "U 5 of rack r1", "U 4 of rack r1 at the rear", "U 5 of rack r1 at the rear"}},
		{"half depth", inventory.Place{Rack: "r1", U: 4, HalfDepth: true}, []string{"U 4 of rack r1"}},
		{"half depth at the rear", inventory.Place{Rack: "r1", U: 4, Face: inventory.Rear, HalfDepth: true}, []string{"U 4 of rack r1 at the rear"}},
	} {
		if got := c.place.Claims(); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q; want %q", c.name, got, c.want)
		}
	}
}

// TestInRack: a rack is named alone or with what it stands in.
func TestInRack(t *testing.T) {
	p := inventory.Place{Site: "ams1", Row: "a", Rack: "R1", U: 4}
	for name, want := range map[string]bool{"r1": true, "AMS1/a/R1": true, "a/R1": false, "r2": false, "": false} {
		if p.InRack(name) != want {
			t.Errorf("in %q: %v", name, !want)
		}
	}
}

// TestSortFindings: what stands against acceptance comes first.
func TestSortFindings(t *testing.T) {
	all := []inventory.Finding{
		{Source: inventory.FromParts, Subject: "b", Minor: true}, {Source: inventory.FromOutlier, Subject: "a"},
		{Source: inventory.FromParts, Subject: "b"}, {Source: inventory.FromParts, Subject: "a", Kind: inventory.FindExtra},
	}
	inventory.SortFindings(all)
	var got []string
	for _, f := range all {
		got = append(got, f.Key())
	}
	if want := []string{"parts/extra/a", "parts//b", "outlier//a", "parts//b"}; !slices.Equal(got, want) || !all[3].Minor {
		t.Errorf("%q; want %q", got, want)
	}
}
