package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"socle/inventory"
	"socle/web/webtest"
)

const floorPlan = "kind,name,site,rack,u,height,face,depth,feed_a\nrack,r7,lab,,,24,,,A1\nswitch,leaf-a,lab,r7,24,1,rear,half,\n"

// talk runs a command with an input.
func talk(t *testing.T, input string, args ...string) (string, error) {
	t.Helper()
	root := newRoot()
	var out bytes.Buffer
	root.SetOut(&out)
	root.SetErr(&out)
	root.SetIn(strings.NewReader(input))
	root.SetArgs(args)
	err := root.ExecuteContext(t.Context())
	return out.String(), err
}

// inAisle is a world with the rack r7, in which two servers are to be put, and one of another rack.
func inAisle(t *testing.T) (*webtest.World, []string) {
	t.Helper()
	return inAisleAt(t, time.Now)
}

func inAisleAt(t *testing.T, now func() time.Time) (*webtest.World, []string) {
	t.Helper()
	world, flags := rackAt(t, now)
	for n, name := range []string{"n1", "n2", "n3"} {
		p := inventory.Place{Site: "lab", Rack: "r7", U: 1 + 2*n, Height: 2}
		if n == 2 {
			p.Rack = "r8"
		}
		world.Put(inventory.Machine{ID: "id-" + name, Name: name, State: inventory.Expected, InPlan: true, Place: p,
			Identity: inventory.Identity{Serial: "SN-" + name, AssetTag: "T-" + name}})
	}
	return world, flags
}

func TestPlace(t *testing.T) {
	_, flags := inAisle(t)
	dir := t.TempDir()
	good, svg := filepath.Join(dir, "floor.csv"), filepath.Join(dir, "r7.svg")
	if err := os.WriteFile(good, []byte(floorPlan), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		line string
		code int
		has  []string
	}{
		{"place show r7", 0, []string{"U 3-4", "n2", "12 U?"}},
		{"place import " + good + " --dry-run", 0, []string{"rack lab/r7", "added (dry run)"}},
		{"place import " + good, 0, []string{"switch leaf-a"}},
		{"place list", 0, []string{"lab/r7", "24 U", "A1", "leaf-a", "r7/U24"}},
		{"place show lab/r7", 0, []string{"leaf-a", "rear, half", "rack", "19 U free"}},
		{"place free r7 --height 2", 0, []string{"U 5-23"}},
		{"place free r7 --face front", 0, []string{"U 5-24"}},
		{"place free --face side", 2, nil},
		{"place elevation r7", 0, []string{"n2  expected", "leaf-a  switch"}},
		{"place elevation r7 --svg " + svg, 0, nil},
		{"place elevation nowhere", 3, []string{"nowhere"}},
		{"stack r7", exitUndone, []string{"U 1    n1", "neither racked nor seen", "put it into U 1"}},
		{"stack r7 -o json", exitUndone, []string{`"wrong"`}},
		{"stack nowhere", 3, nil},
	} {
		out, err := talk(t, "", append(strings.Fields(tc.line), flags...)...)
		if err != nil {
			out += err.Error()
		}
		if got := exitCode(err); got != tc.code {
			t.Errorf("%s: exit %d, want %d: %s", tc.line, got, tc.code, out)
		}
		for _, want := range tc.has {
			if !strings.Contains(out, want) {
				t.Errorf("%s: no %q in\n%s", tc.line, want, out)
			}
		}
	}
	text, err := os.ReadFile(svg)
	if err != nil {
		t.Fatal(err)
	}
	for dec := xml.NewDecoder(bytes.NewReader(text)); ; {
		if _, err := dec.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

// TestRackAndStack puts servers into a rack as a person with a scanner does, and looks until nothing is wrong.
func TestRackAndStack(t *testing.T) {
	world, flags := inAisle(t)
	out, err := talk(t, "nonsense\nSN-n3\n\nsn-N1\nT-n1\nT-n2\nnever read\n", append([]string{"rack", "r7"}, flags...)...)
	if exitCode(err) != exitUndone {
		t.Errorf("%v", err)
	}
	last := -1
	for _, want := range []string{
		"Next of 2: n1, serial SN-n1, into U 1 to 2 at the front. Scan it:",
		`REFUSED: no server has the serial, asset tag or name "nonsense"`, "REFUSED: n3 goes into rack lab/r8, U 5",
		"n1 goes into U 1 to 2 at the front.", "Next of 1: n2", "REFUSED: n1 stands in U 1 already: token:admin racked it",
		"n2 goes into U 3 to 4 at the front.", "All servers of rack lab/r7 are racked.", "2 racked, 3 refused",
	} {
		at := strings.Index(out, want)
		if at < last || at < 0 {
			t.Errorf("%q is not said in its turn:\n%s", want, out)
		}
		last = at
	}
	if calls := strings.Join(world.Calls(), "\n"); strings.Count(calls, " racked ") != 2 {
		t.Errorf("calls:\n%s", calls)
	}
	world.Find(inventory.Findings{Machine: "id-n1", Source: inventory.FromParts, List: []inventory.Finding{
		{Source: inventory.FromParts, Kind: inventory.FindMissing, Subject: "DIMM A2", Reason: "it is missing", Remedy: "put one in"}, {Subject: "fan", Reason: "loud", Minor: true}}})
	stack := append([]string{"stack", "r7"}, flags...)
	out, err = talk(t, "", stack...)
	if exitCode(err) != exitUndone || !strings.Contains(out, "DIMM A2: it is missing") || !strings.Contains(out, "put one in") || !strings.Contains(out, "it was racked, and not seen yet") || strings.Contains(out, "loud") {
		t.Errorf("%v\n%s", err, out)
	}
	world.Find()
	for _, name := range []string{"n1", "n2"} {
		m, err := world.Machine(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		m.State = inventory.Active
		world.Put(m)
	}
	out, err = talk(t, "", append(stack, "--watch")...)
	if err != nil || !strings.Contains(out, "done: nothing is wrong with the 2 servers of rack lab/r7") {
		t.Errorf("%v\n%s", err, out)
	}
}
