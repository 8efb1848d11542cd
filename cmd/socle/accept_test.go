package main

import (
	"slices"
	"strings"
	"testing"

	"socle/inventory"
)

// TestAccept judges machines, lets something pass, and keeps criteria.
func TestAccept(t *testing.T) {
	world, flags := rack(t)
	m, err := world.Machine(t.Context(), "hv01")
	if err != nil {
		t.Fatal(err)
	}
	world.Find(inventory.Findings{Machine: m.ID, Source: inventory.FromParts, List: []inventory.Finding{
		{Source: inventory.FromParts, Kind: inventory.FindMissing, Subject: "DIMM A1", Reason: "DIMM A1 is missing"}}})
	file := files(t)
	good, bad := file("good.yaml", "name: r650\nmodel: R650\n"), file("bad.yaml", "model: R650\n")
	key := "parts/missing/DIMM A1"
	for _, tc := range []struct {
		line []string
		code int
		has  []string
	}{
		{[]string{"accept", "hv[01-02]"}, exitUnaccepted, []string{"rejected", "DIMM A1 is missing", key, "not accepted: hv01"}},
		{[]string{"accept", "@{name:hv02}", "--all"}, 0, []string{"accepted  hv02      it is", "accepted: 1 accepted, 0 waived"}},
		{[]string{"accept", "hv01", "-o", "json"}, exitUnaccepted, []string{`"verdict": "rejected"`}},
		{[]string{"accept", "hv01", "--rack", "r1"}, 2, []string{"only one of them"}},
		{[]string{"accept", "--rack", "nowhere"}, 3, nil},
		{[]string{"waiver", "add", "hv01"}, 2, []string{"--finding KEY --reason TEXT"}},
		{[]string{"waiver", "add", "hv01", "--finding", key, "--reason", "x", "--until", "soon"}, 2, []string{"no day such as"}},
		{[]string{"waiver", "add", "hv01", "--finding", "a/b/c", "--reason", "x"}, 2, []string{"not found"}},
		{[]string{"waiver", "add", "hv01", "--finding", key, "--reason", "it comes on Monday", "--until", "2099-12-31"}, 0, []string{"hv01  waived: DIMM A1 is missing"}},
		{[]string{"accept", "hv01"}, 0, []string{"waived", "0 accepted, 1 waived"}},
		{[]string{"waiver", "list"}, 0, []string{"whv01", "it comes on Monday", "token:admin", "2100-01-01 00:00"}},
		{[]string{"waiver", "withdraw", "whv01"}, 0, []string{"DIMM A1 is missing"}},
		{[]string{"waiver", "withdraw", "nothing"}, 3, nil},
		{[]string{"waiver", "list", "--ended"}, 0, []string{"withdrawn by token:admin"}},
		{[]string{"criteria", "put", bad}, 2, []string{"criteria have a name"}},
		{[]string{"criteria", "put", good}, 0, []string{"CRITERIA", "r650", "1"}},
		{[]string{"criteria", "show", "r650"}, 0, []string{"model: R650"}},
		{[]string{"criteria", "list", "-o", "json"}, 0, []string{`"criteria": [`}},
		{[]string{"accept", "hv01"}, exitUnaccepted, nil},
	} {
		out, err := run(t.Context(), slices.Concat(tc.line, flags)...)
		if exitCode(err) != tc.code {
			t.Errorf("%q: exit code %d (%v), want %d", tc.line, exitCode(err), err, tc.code)
		}
		if err != nil {
			out += err.Error()
		}
		for _, has := range tc.has {
			if !strings.Contains(out, has) {
				t.Errorf("%q: no %q in\n%s", tc.line, has, out)
			}
		}
	}
}
