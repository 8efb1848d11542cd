package ui

import (
	"testing"

	"socle/api"
)

// TestWrongComesFirst: what is wrong stands before what is only open, each by name.
func TestWrongComesFirst(t *testing.T) {
	r := api.Comparison{Compared: 5, Right: 1, Wrong: 2}
	for _, s := range [][2]string{{"a", "open"}, {"b", "missing"}, {"c", "open"}, {"d", "wrong-place"}} {
		r.Servers = append(r.Servers, api.ComparedServer{Machine: s[0], Rows: []api.ComparedRow{{Subject: "server", Verdict: "open"}, {Subject: "place", Verdict: s[1]}}})
	}
	p := NewCompared(r, api.CompareQuery{})
	var got string
	for _, s := range p.Servers {
		got += s.Machine
	}
	if got != "bdac" || p.Open() != 2 {
		t.Errorf("%s, %d open", got, p.Open())
	}
}
