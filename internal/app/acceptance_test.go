package app

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"socle/api"
	"socle/hardware"
	"socle/inventory"
)

// TestAcceptanceOfTheStore: machines of a rack are judged by what is stored of them; a waiver lets exactly what was found pass.
func TestAcceptanceOfTheStore(t *testing.T) {
	s, machines := stored(t, 3, func(int) *hardware.Facts { return &hardware.Facts{System: hardware.System{Product: "Lab E9"}} })
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	a := acceptances{s, nil, func() time.Time { return now }}
	for _, m := range machines {
		alter(t, s, m.ID, func(m *inventory.Machine) { m.State, m.Delivery, m.FactsAt = inventory.Ready, "PO-1", now })
	}
	found := func(id, got string) {
		t.Helper()
		f := inventory.Findings{Machine: id, Source: inventory.FromOutlier, Time: now, List: []inventory.Finding{}}
		if got != "" {
			f.List = []inventory.Finding{{Source: inventory.FromOutlier, Kind: inventory.FindSlow, Subject: "disk sdb", Got: got, Reason: "disk sdb is slow: " + got}}
		}
		must(t, s.SetFindings(t.Context(), f, "test"))
	}
	judge := func(scope api.AcceptanceScope, want string, counts [4]int) api.Acceptance {
		t.Helper()
		r, err := a.Judge(t.Context(), scope)
		if err != nil || r.Verdict != want || [4]int{r.Accepted, r.Waived, r.Open, r.Rejected} != counts {
			t.Errorf("%+v: %v, %+v", scope, err, r)
		}
		return r
	}
	of := api.AcceptanceScope{Delivery: "po-1"}
	judge(of, "open", [4]int{0, 0, 3, 0}) // nobody compared them
	for _, m := range machines {
		found(m.ID, "")
	}
	judge(of, "accepted", [4]int{3, 0, 0, 0})
	bad := machines[1]
	found(bad.ID, "40")
	r := judge(of, "rejected", [4]int{2, 0, 0, 1})
	key := ""
	for _, u := range r.Units {
		for _, c := range u.Checks {
			if c.Verdict == "rejected" {
				key = c.Finding
			}
		}
	}
	w, err := a.Waive(t.Context(), "token:ann", bad.Name, api.WaiveRequest{Finding: key, Reason: " a spare is ordered ", Until: now.Add(time.Hour)})
	if err != nil || !w.Holds || w.Machine != bad.Name || w.Reason != "a spare is ordered" {
		t.Fatalf("%+v, %v", w, err)
	}
	judge(of, "waived", [4]int{2, 1, 0, 0})
	found(bad.ID, "20")
	if r := judge(of, "rejected", [4]int{2, 0, 0, 1}); !strings.Contains(r.Units[1].Checks[len(r.Units[1].Checks)-1].Detail, "another reading") {
		t.Errorf("%+v", r.Units[1].Checks)
	}
	found(bad.ID, "40")
	now = now.Add(2 * time.Hour)
	judge(of, "rejected", [4]int{2, 0, 0, 1})
	if all, err := a.Waivers(t.Context()); err != nil || len(all) != 1 || all[0].Holds {
		t.Errorf("%+v, %v", all, err)
	}
	if _, err := a.PutCriteria(t.Context(), "token:ann", []byte("name: e9\nmodel: Lab E9\nignore: [{kind: slow}]\ntests: [disk]\n")); err != nil {
		t.Fatal(err)
	}
	r = judge(of, "open", [4]int{0, 0, 3, 0}) // by the product's name
	if r.Units[0].Criteria != "e9" || len(r.Units[0].Digest) != 64 {
		t.Errorf("%+v", r.Units[0])
	}
	for _, m := range machines {
		must(t, s.SaveMeasurements(t.Context(), inventory.Measurement{Machine: m.ID, Run: "r", Time: now, Metric: "disk.read.random", Subject: "sda", Value: 9, Unit: "1/s"}))
	}
	judge(of, "accepted", [4]int{3, 0, 0, 0})
	a.plans = []inventory.BurnInPlan{{Model: "lab"}}
	judge(api.AcceptanceScope{Machines: bad.Name}, "open", [4]int{0, 0, 1, 0}) // it is to be tested
	_, err = s.ImportDeliveries(t.Context(), []inventory.Delivery{{Number: "PO-1", Lines: []inventory.OrderLine{{Line: 1, Model: "e9", Quantity: 5}}}}, "test", false)
	must(t, err)
	a.plans = nil
	if r := judge(of, "open", [4]int{3, 0, 0, 0}); len(r.Missing) != 1 || r.Missing[0].Count < 2 {
		t.Errorf("%+v", r.Missing)
	}
}

// TestAcceptanceRefuses: what people did wrong is told, and changes nothing.
func TestAcceptanceRefuses(t *testing.T) {
	s, machines := stored(t, 1, func(int) *hardware.Facts { return nil })
	a := acceptances{s, nil, time.Now}
	name := machines[0].Name
	judge := func(scope api.AcceptanceScope) error { _, err := a.Judge(t.Context(), scope); return err }
	waive := func(ref string, r api.WaiveRequest) error { _, err := a.Waive(t.Context(), "x", ref, r); return err }
	put := func(text string) error { _, err := a.PutCriteria(t.Context(), "x", []byte(text)); return err }
	for what, x := range map[string]struct {
		err    error
		status int
		says   string
	}{
		"two scopes":       {judge(api.AcceptanceScope{Rack: "r1", Site: "x"}), http.StatusUnprocessableEntity, "only one of them"},
		"an unknown rack":  {judge(api.AcceptanceScope{Rack: "nowhere"}), http.StatusNotFound, `no machine is of the rack "nowhere"`},
		"an unknown name":  {judge(api.AcceptanceScope{Machines: name + ",xx[1-3]"}), http.StatusNotFound, "no machine is called xx[1-3]"},
		"no range":         {judge(api.AcceptanceScope{Machines: "a[1"}), http.StatusUnprocessableEntity, "a[1"},
		"nothing to waive": {waive(name, api.WaiveRequest{Finding: "a/b/c", Reason: "x"}), http.StatusUnprocessableEntity, "nothing was found of " + name},
		"no reason":        {waive(name, api.WaiveRequest{Finding: "a/b/c", Reason: "  "}), http.StatusUnprocessableEntity, "say why"},
		"an end before":    {waive(name, api.WaiveRequest{Finding: "a/b/c", Reason: "x", Until: time.Unix(1, 0)}), http.StatusUnprocessableEntity, "in the past"},
		"bad criteria":     {put("name: a b\nmax_days: -1"), http.StatusUnprocessableEntity, "2 errors; nothing was stored"},
	} {
		var p *api.Problem
		if !errors.As(x.err, &p) || p.Status != x.status || !strings.Contains(p.Detail, x.says) {
			t.Errorf("%s: %v", what, x.err)
		}
	}
	if err := waive("nobody", api.WaiveRequest{Finding: "x", Reason: "y"}); !errors.Is(err, inventory.ErrNotFound) {
		t.Error(err)
	}
	if all, err := a.AllCriteria(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("%v, %v", all, err)
	}
}
