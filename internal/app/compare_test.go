package app

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"socle/api"
	"socle/inventory"
)

// TestCompare takes three servers that were ordered four: one is as ordered, one lacks a DIMM, and one is no part of the order.
func TestCompare(t *testing.T) {
	s, machines, _ := compared(t)
	c := comparisons{s, &cables{store: s}}
	_, err := s.ImportDeliveries(t.Context(), []inventory.Delivery{{Number: "PO-1", Lines: []inventory.OrderLine{{Line: 1, Model: "bl460c", Quantity: 4}}}}, "test", false)
	must(t, err)
	for i, m := range machines[:2] {
		alter(t, s, m.ID, func(m *inventory.Machine) {
			m.InPlan, m.Model, m.Delivery, m.Identity.Serial, m.State = true, "bl460c", "PO-1", m.Facts.System.Serial, inventory.Ready
			m.Place = inventory.Place{Rack: "r1", U: i + 1}
			if i == 1 {
				m.Facts.Memory.DIMMs[0].SizeBytes = 0
			}
		})
		_, err := s.SaveRacking(t.Context(), m.ID, "anna")
		must(t, err)
	}
	alter(t, s, machines[2].ID, func(m *inventory.Machine) { m.InPlan = false })
	_, err = models{s}.TakeModel(t.Context(), "test", "bl460c", machines[0].Name)
	must(t, err)
	told := func(q api.CompareQuery) (all []string) {
		t.Helper()
		r, err := c.Compare(t.Context(), q)
		must(t, err)
		all = append(all, fmt.Sprint(r.Compared, " ", r.Right, " ", r.Wrong))
		for _, l := range r.Orders {
			all = append(all, fmt.Sprint(l.Delivery, " ", l.Ordered, " ", l.Announced, " ", l.Racked, " ", l.Detected))
		}
		for _, one := range r.Servers {
			for _, x := range one.Rows {
				all = append(all, fmt.Sprint(one.Machine, " ", x.Subject, " ", x.Verdict))
			}
		}
		return all
	}
	one, two, other := machines[0].Name, machines[1].Name, machines[2].Name
	lacks := two + " DIMM PROC 1 DIMM 1 missing"
	for _, x := range []struct {
		q    api.CompareQuery
		want []string
	}{
		{api.CompareQuery{}, []string{"3 1 2", "PO-1 4 2 2 2", lacks, other + " server extra", other + " place open", other + " parts open"}},
		{api.CompareQuery{Delivery: "po-1"}, []string{"2 1 1", "PO-1 4 2 2 2", lacks}},
		{api.CompareQuery{Rack: "R1"}, []string{"2 1 1", lacks}},
		{api.CompareQuery{Machines: one}, []string{"1 1 0"}},
	} {
		if d := cmp.Diff(x.want, told(x.q)); d != "" {
			t.Errorf("%+v: %s", x.q, d)
		}
	}
	if all := told(api.CompareQuery{Machines: one, All: true}); !slices.Contains(all, one+" server right") || !slices.Contains(all, one+" DIMM PROC 1 DIMM 1 right") {
		t.Errorf("%q", all)
	}
	for _, q := range []api.CompareQuery{{Machines: "nobody"}, {Machines: "r["}, {Delivery: "PO-2"}} {
		if r, err := c.Compare(t.Context(), q); err == nil {
			t.Errorf("%+v: %+v", q, r)
		}
	}
}
