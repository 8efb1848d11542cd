package app

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"socle/api"
	"socle/inventory"
	"socle/inventory/bom"
	"socle/inventory/compare"
	"socle/inventory/store"
)

// comparisons puts beside each other what was ordered, racked and detected.
type comparisons struct {
	store  *store.Store
	cables *cables
}

// Compare implements web.Compared.
func (c comparisons) Compare(ctx context.Context, q api.CompareQuery) (api.Comparison, error) {
	out := api.Comparison{Servers: []api.ComparedServer{}, Orders: []api.ComparedOrder{}}
	wanted, err := named(q.Machines)
	if err != nil {
		return out, err
	}
	roster, err := c.store.Roster(ctx)
	if err != nil {
		return out, err
	}
	if q.Machines == "" && q.Rack == "" {
		if out.Orders, err = c.orders(ctx, roster, q); err != nil {
			return out, err
		}
	}
	inputs, err := c.inputs(ctx, roster)
	if err != nil {
		return out, err
	}
	machines, err := c.withFacts(ctx, slices.DeleteFunc(slices.Clone(roster), func(m inventory.Machine) bool {
		return m.State == inventory.Retired || !wanted(m.Name) || q.Rack != "" && !m.Place.InRack(q.Rack) || q.Delivery != "" && !strings.EqualFold(m.Delivery, q.Delivery)
	}))
	if err != nil {
		return out, err
	}
	for _, m := range machines {
		one := comparedServer(inputs(m), &out)
		if !q.All {
			one.Rows = slices.DeleteFunc(one.Rows, func(r api.ComparedRow) bool { return r.Verdict == string(compare.Right) })
		}
		if len(one.Rows) > 0 {
			out.Servers = append(out.Servers, one)
		}
	}
	if q.Machines != "" && out.Compared == 0 {
		return out, api.NewProblem(http.StatusNotFound, api.ErrNotFound, "no machine is called "+q.Machines)
	}
	return out, nil
}

// fewMachines are read one by one; more than those are faster read with all others.
const fewMachines = 100

// withFacts reads again, with their facts, some machines of the roster.
func (c comparisons) withFacts(ctx context.Context, chosen []inventory.Machine) ([]inventory.Machine, error) {
	if len(chosen) <= fewMachines {
		for i, m := range chosen {
			var err error
			if chosen[i], err = c.store.Machine(ctx, m.ID); err != nil {
				return nil, err
			}
		}
		return chosen, nil
	}
	wanted := make(map[string]bool, len(chosen))
	for _, m := range chosen {
		wanted[m.ID] = true
	}
	all, err := c.store.Machines(ctx)
	return slices.DeleteFunc(all, func(m inventory.Machine) bool { return !wanted[m.ID] }), err
}

// inputs reads once what is known beside the machines.
func (c comparisons) inputs(ctx context.Context, machines []inventory.Machine) (func(inventory.Machine) compare.Input, error) {
	profiles, err := models{c.store}.profiles(ctx)
	if err != nil {
		return nil, err
	}
	rackings, err := c.store.Rackings(ctx)
	if err != nil {
		return nil, err
	}
	cabled, err := c.cables.report(ctx)
	if err != nil {
		return nil, err
	}
	standing, byName := cabled.Standing(), make(map[string]*inventory.Machine, len(machines))
	for i := range machines {
		byName[strings.ToLower(machines[i].Name)] = &machines[i]
	}
	return func(m inventory.Machine) compare.Input {
		in := compare.Input{Machine: m, Model: profileOf(profiles, m.Model), Stands: byName[strings.ToLower(standing[m.Name])]}
		if r, racked := rackings[m.ID]; racked {
			in.Racked = &r
		}
		return in
	}, nil
}

func profileOf(profiles map[string]bom.Profile, model string) *bom.Profile {
	if p, known := profiles[model]; known {
		return &p
	}
	return nil
}

// comparedServer compares one, and counts it.
func comparedServer(in compare.Input, out *api.Comparison) api.ComparedServer {
	one := api.ComparedServer{Machine: in.Machine.Name, Model: in.Machine.Model, Delivery: in.Machine.Delivery}
	right, wrong := true, false
	for _, r := range compare.Rows(in) {
		right, wrong = right && r.Verdict == compare.Right, wrong || r.Wrong()
		one.Rows = append(one.Rows, api.ComparedRow{Subject: r.Subject, Ordered: r.Ordered, Racked: r.Racked, Detected: r.Detected, Serial: r.Serial,
			Verdict: string(r.Verdict), Reason: r.Reason})
	}
	out.Compared++
	if right {
		out.Right++
	}
	if wrong {
		out.Wrong++
	}
	return one
}

// orders are the lines of deliveries, or of one.
func (c comparisons) orders(ctx context.Context, machines []inventory.Machine, q api.CompareQuery) ([]api.ComparedOrder, error) {
	deliveries, err := c.store.Deliveries(ctx)
	if err != nil {
		return nil, err
	}
	all := []api.ComparedOrder{}
	known := q.Delivery == ""
	followed, _ := inventory.Follow(deliveries, machines)
	for _, p := range followed {
		if q.Delivery != "" && !strings.EqualFold(p.Number, q.Delivery) {
			continue
		}
		known = true
		for _, l := range p.Lines {
			if q.All || l.NotSeen() > 0 {
				all = append(all, api.ComparedOrder{Delivery: p.Number, Line: l.Line, Model: l.Model, Ordered: l.Quantity, Announced: l.Announced, Racked: l.Racked, Detected: l.Detected})
			}
		}
	}
	if !known && !slices.ContainsFunc(machines, func(m inventory.Machine) bool { return strings.EqualFold(m.Delivery, q.Delivery) }) {
		return nil, api.NewProblem(http.StatusNotFound, api.ErrNotFound, "there is no delivery "+q.Delivery+", and no machine is of it")
	}
	return all, nil
}
