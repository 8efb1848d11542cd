package app

import (
	"context"
	"net/http"
	"slices"

	"socle/api"
	"socle/inventory"
	fleetplan "socle/inventory/planner"
	"socle/inventory/store"
)

// plans says what would become of the machines of the store.
type plans struct {
	store *store.Store
	roles []inventory.Role
}

// Plan implements web.Planner.
func (p plans) Plan(ctx context.Context, r api.PlanRequest) (api.Plan, error) {
	candidates, err := p.candidates(ctx, r.Machines)
	if err != nil {
		return api.Plan{}, err
	}
	if len(r.Wants) == 0 {
		return planOut(fleetplan.Sort(p.roles, candidates)), nil
	}
	var wants []fleetplan.Want
	for _, w := range r.Wants {
		wants = append(wants, fleetplan.Want(w))
	}
	var spread []fleetplan.Level
	for _, l := range r.Spread {
		spread = append(spread, fleetplan.Level(l))
	}
	plan, err := fleetplan.Make(wants, p.roles, candidates, spread)
	if err != nil {
		return api.Plan{}, api.NewProblem(http.StatusUnprocessableEntity, api.ErrInvalid, err.Error()+": socle image and the configuration (roles) say which there are")
	}
	return planOut(plan), nil
}

// candidates are the named machines, or all, in the order of their names.
func (p plans) candidates(ctx context.Context, named []string) ([]fleetplan.Candidate, error) {
	machines, err := p.store.Machines(ctx)
	if err != nil {
		return nil, err
	}
	all, err := p.store.Findings(ctx, "")
	if err != nil {
		return nil, err
	}
	count := map[string]int{}
	for _, f := range all {
		for _, x := range f.List {
			if !x.Minor {
				count[f.Machine]++
			}
		}
	}
	known := map[string]string{}
	for _, m := range machines {
		known[m.ID], known[m.Name] = m.ID, m.ID
	}
	wanted := map[string]bool{}
	for _, ref := range named {
		if id, there := known[ref]; there { // without a question for each of thousands
			wanted[id] = true
			continue
		}
		m, err := p.store.Machine(ctx, ref)
		if err != nil {
			return nil, err
		}
		wanted[m.ID] = true
	}
	fixtures, err := p.store.Fixtures(ctx)
	if err != nil {
		return nil, err
	}
	racks := inventory.RacksByKey(fixtures)
	var out []fleetplan.Candidate
	for i := range machines {
		if m := &machines[i]; len(named) == 0 && m.State != inventory.Retired || wanted[m.ID] {
			rack, _ := inventory.RackOf(racks, m.Place) // one that is not known has no feeds
			out = append(out, fleetplan.Candidate{Machine: m, Findings: count[m.ID], Feeds: rack.Feeds})
		}
	}
	return out, nil
}

func planOut(p fleetplan.Plan) api.Plan {
	out := api.Plan{Chosen: []api.PlanChoice{}, Short: []api.RoleCount{}, Spare: []api.PlanLeft{}, Unfit: []api.PlanLeft{}, Spread: []api.PlanPlace{}, Ranges: []api.PlanMembers{}}
	names := map[string][]string{}
	var order []string
	for _, c := range p.Chosen {
		out.Chosen = append(out.Chosen, api.PlanChoice{Machine: c.Machine.Name, Role: c.Role, Place: c.Place, Findings: c.Findings})
		if names[c.Role] == nil {
			order = append(order, c.Role)
		}
		names[c.Role] = append(names[c.Role], c.Machine.Name)
		at := slices.IndexFunc(out.Spread, func(s api.PlanPlace) bool { return s.Role == c.Role && s.Place == c.Place })
		switch {
		case c.Place == "":
		case at < 0:
			out.Spread = append(out.Spread, api.PlanPlace{Role: c.Role, Place: c.Place, Count: 1})
		default:
			out.Spread[at].Count++
		}
	}
	for _, role := range order {
		out.Ranges = append(out.Ranges, api.PlanMembers{Role: role, Count: len(names[role]), Machines: inventory.FoldNames(names[role])})
	}
	for _, s := range p.Short {
		out.Short = append(out.Short, api.RoleCount(s))
	}
	for _, l := range p.Left {
		left := api.PlanLeft{Machine: l.Machine.Name, Fits: l.Fits, Why: l.Why}
		if len(l.Fits) > 0 {
			out.Spare = append(out.Spare, left)
		} else {
			out.Unfit = append(out.Unfit, left)
		}
	}
	return out
}
