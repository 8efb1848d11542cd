package main

import (
	"strings"
	"testing"

	"socle/inventory"
)

// TestFindings folds machines of which the same was found, and ends with 1 when something stands against acceptance.
func TestFindings(t *testing.T) {
	world, flags := rack(t)
	with := func(line string) (string, error) { return run(t.Context(), append(strings.Fields(line), flags...)...) }
	if out, err := with("findings"); err != nil || !strings.Contains(out, "nothing was found; looked: -") {
		t.Errorf("%v:\n%s", err, out)
	}
	minor := inventory.Finding{Source: inventory.FromParts, Kind: inventory.FindExtra, Subject: "disk X", Reason: "disk X was not ordered", Minor: true}
	var all []inventory.Findings
	machines, err := world.Machines(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range machines {
		all = append(all, inventory.Findings{Machine: m.ID, Source: inventory.FromParts, List: []inventory.Finding{minor}})
	}
	world.Find(all...)
	if out, err := with("findings"); err != nil || strings.Count(out, "disk X was not ordered") != 1 || !strings.Contains(out, "extra (minor)") {
		t.Errorf("%v:\n%s", err, out)
	}
	all[0].List = append([]inventory.Finding{{Source: inventory.FromParts, Kind: inventory.FindMissing, Subject: "DIMM A1", Reason: "the slot is empty", Remedy: "put one in"}}, minor)
	out, err := with("findings")
	if exitCode(err) != exitFailed || !strings.Contains(err.Error(), machines[0].Name) || !strings.Contains(out, "put one in") {
		t.Errorf("%v:\n%s", err, out)
	}
	if _, err := with("findings r["); exitCode(err) != exitUsage {
		t.Error(err)
	}
}
