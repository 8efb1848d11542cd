package ui

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"socle/api"
)

// TestNewAcceptance: what is summed up is what there is, the worst first, and a large site stays a short page.
func TestNewAcceptance(t *testing.T) {
	r := api.Acceptance{Scope: "site", Name: "ams1", Verdict: "rejected", Missing: []api.AcceptanceMissing{{Delivery: "PO-2", Line: 1, Count: 3}, {Delivery: "PO-2", Line: 2, Count: 1}}}
	for i := range 2000 {
		u := api.AcceptanceUnit{Machine: fmt.Sprintf("n%04d", i), Site: "ams1", Rack: fmt.Sprintf("ams1/r%03d", i/10), U: 1 + i%10, Delivery: "PO-1", Verdict: "accepted"}
		switch i {
		case 1999:
			u.Verdict, u.Checks = "rejected", []api.AcceptanceCheck{{Verdict: "accepted", Detail: "fine"}, {Verdict: "open", Detail: "not looked at"}, {Verdict: "rejected", Detail: strings.Repeat("x", 5000), Finding: "a/b/" + strings.Repeat("y", 1000)}}
		case 15:
			u.Verdict = "waived"
		}
		r.Units = append(r.Units, u)
	}
	a := NewAcceptance(r, api.AcceptanceScope{Site: "ams1"})
	if a.Scope != "site ams1" || a.Link != "/acceptance?site=ams1" || len(a.Machines) != maxJudged || a.Hidden != 2000-maxJudged {
		t.Errorf("%q %q %d %d", a.Scope, a.Link, len(a.Machines), a.Hidden)
	}
	worst := a.Machines[0]
	if worst.Machine != "n1999" || worst.Where != "ams1/r199 U10" || len(worst.Against) != 2 || len(worst.Against[0].Detail) > 500 || len(worst.Against[0].Finding) != 1004 || worst.Against[1].Detail != "not looked at" {
		t.Errorf("%+v", worst)
	}
	if a.Machines[1].Machine != "n0015" || len(a.Sums) != 2 {
		t.Fatalf("%s, %d", a.Machines[1].Machine, len(a.Sums))
	}
	racks, deliveries := a.Sums[0], a.Sums[1]
	if racks.Kind != "Rack" || len(racks.List) != 200 || racks.Hidden != 0 {
		t.Errorf("%d %d", len(racks.List), racks.Hidden)
	}
	want := []Sum{{Name: "ams1/r199", Link: "/acceptance?rack=ams1%2Fr199", Verdict: "rejected", Accepted: 9, Rejected: 1}, {Name: "ams1/r001", Link: "/acceptance?rack=ams1%2Fr001", Verdict: "waived", Accepted: 9, Waived: 1},
		{Name: "ams1/r000", Link: "/acceptance?rack=ams1%2Fr000", Verdict: "accepted", Accepted: 10}}
	if diff := cmp.Diff(want, racks.List[:3]); diff != "" {
		t.Error(diff)
	}
	want = []Sum{{Name: "PO-1", Link: "/acceptance?delivery=PO-1", Verdict: "rejected", Accepted: 1998, Waived: 1, Rejected: 1}, {Name: "PO-2", Link: "/acceptance?delivery=PO-2", Verdict: "open", Missing: 4}}
	if diff := cmp.Diff(want, deliveries.List); diff != "" {
		t.Error(diff)
	}
	s := NewStanding(r.Units[1999])
	if s.More != 1 || s.Verdict != "rejected" || s.Color != "critical" || s.Link != "/acceptance?machines=n1999" || !strings.HasPrefix(s.Why, "xxx") {
		t.Errorf("%+v", s)
	}
}
