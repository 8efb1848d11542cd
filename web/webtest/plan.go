package webtest

import (
	"context"
	"fmt"

	"socle/api"
)

// Plan implements web.Planner: the first machine gets the first role, and the second is spare.
func (w *World) Plan(_ context.Context, r api.PlanRequest) (api.Plan, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = append(w.calls, fmt.Sprintf("plan %v of %v over %v", r.Wants, r.Machines, r.Spread))
	p := api.Plan{Chosen: []api.PlanChoice{{Machine: "hv01", Role: "hypervisor", Place: "r1", Findings: 2}}, Short: []api.RoleCount{}, Spare: []api.PlanLeft{{Machine: "hv02", Fits: []string{"hypervisor"}}},
		Unfit: []api.PlanLeft{{Machine: "hv03", Why: []string{"it is held: fan"}}}, Ranges: []api.PlanMembers{{Role: "hypervisor", Count: 1, Machines: "hv01"}},
		Spread: []api.PlanPlace{{Role: "hypervisor", Place: "r1", Count: 1}}}
	if len(r.Wants) > 0 && r.Wants[0].Count > 1 {
		p.Short = []api.RoleCount{{Role: r.Wants[0].Role, Count: r.Wants[0].Count - 1}}
	}
	return p, w.fail
}
