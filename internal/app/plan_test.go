package app

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"socle/api"
	"socle/hardware"
	"socle/inventory"
)

// TestPlanOfTheStore: roles of the configuration, machines, their hardware and findings make a plan; nothing moves.
func TestPlanOfTheStore(t *testing.T) {
	st, machines := stored(t, 5, func(i int) *hardware.Facts {
		return &hardware.Facts{Memory: hardware.Memory{TotalBytes: uint64(i) << 35}, Disks: []hardware.Disk{{Serial: fmt.Sprint("D", i), SizeBytes: 1e12}}}
	})
	must(t, st.SetFindings(t.Context(), inventory.Findings{Machine: machines[2].ID, Source: inventory.FromOutlier, Time: time.Now(), List: []inventory.Finding{{Kind: inventory.FindSlow, Reason: "slow"}, {Kind: inventory.FindFirmware, Minor: true, Reason: "old"}}}, "test"))
	p := plans{st, []inventory.Role{{Name: "hypervisor", Priority: 1, Match: inventory.Conditions{MinMemoryBytes: 1 << 35}}, {Name: "small", Match: inventory.Conditions{MinDisks: 1}}}}
	got, err := p.Plan(t.Context(), api.PlanRequest{Wants: []api.RoleCount{{Role: "hypervisor", Count: 3}}, Spread: []string{"rack"}})
	if err != nil || fmt.Sprint(got.Ranges) != "[{hypervisor 3 hv[02,04-05]}]" || fmt.Sprint(got.Spare) != "[{hv03 [hypervisor] []}]" || len(got.Unfit) != 1 || got.Unfit[0].Machine != "hv01" || fmt.Sprint(got.Spread) != "[{hypervisor unknown rack 3}]" {
		t.Errorf("%+v, %v", got, err)
	}
	alter(t, st, machines[4].ID, func(m *inventory.Machine) { m.Place = inventory.Place{Rack: "r1", U: 1} })
	_, err = st.ImportFixtures(t.Context(), []inventory.PlannedFixture{{Line: 2, Fixture: inventory.Fixture{Kind: inventory.RackFixture, Name: "r1", Place: inventory.Place{Rack: "r1", Height: 42}, Feeds: []inventory.Feed{{Name: "A"}, {Name: "B"}}}}}, "test", false)
	must(t, err)
	if got, err := p.Plan(t.Context(), api.PlanRequest{Wants: []api.RoleCount{{Role: "hypervisor", Count: 2}}, Machines: []string{"hv02", "S4"}, Spread: []string{"feed"}}); err != nil || fmt.Sprint(got.Spread) != "[{hypervisor unknown feed 1} {hypervisor A+B 1}]" {
		t.Errorf("%+v, %v", got, err)
	}
	machines[4], err = st.Machine(t.Context(), machines[4].ID)
	must(t, err)
	got, err = p.Plan(t.Context(), api.PlanRequest{Wants: []api.RoleCount{{Role: "hypervisor", Count: 5}}, Machines: []string{"hv03", "hv04"}})
	if err != nil || fmt.Sprint(got.Chosen) != "[{hv03 hypervisor  1} {hv04 hypervisor  0}]" || fmt.Sprint(got.Short) != "[{hypervisor 3}]" {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err = p.Plan(t.Context(), api.PlanRequest{}); err != nil || fmt.Sprint(got.Ranges) != "[{hypervisor 4 hv[02-05]} {small 1 hv01}]" {
		t.Errorf("%+v, %v", got, err)
	}
	var problem *api.Problem
	if _, err := p.Plan(t.Context(), api.PlanRequest{Wants: []api.RoleCount{{Role: "nobody", Count: 1}}}); !errors.As(err, &problem) || problem.Status != 422 {
		t.Errorf("%v", err)
	}
	if _, err := p.Plan(t.Context(), api.PlanRequest{Machines: []string{"hv99"}}); !errors.Is(err, inventory.ErrNotFound) {
		t.Errorf("%v", err)
	}
	for _, m := range machines {
		if now, err := st.Machine(t.Context(), m.ID); err != nil || now.Version != m.Version {
			t.Errorf("%s was changed: %v", m.Name, err)
		}
	}
}
