package web

import (
	"context"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"socle/api"
	"socle/inventory"
)

// MachineRef names a machine. It is exported because huma does not fill embedded types that are not.
type MachineRef struct {
	Ref string `path:"ref" maxLength:"200" doc:"name, ID or serial number of the machine"`
}

// machineFilter chooses machines of the list.
type machineFilter struct {
	State string `query:"state" enum:"expected,discovered,inspecting,testing,ready,deploying,active,rescuing,erasing,retired" doc:"only machines in this state"`
	Role  string `query:"role" maxLength:"200" doc:"only machines with this role"`
}

func (s *Server) restMachines(a huma.API) {
	register(s, a, get("list-machines", api.PathMachines, "List machines by name", "machines"), s.listMachines)
	register(s, a, get("get-machine", api.PathMachines+"/{ref}", "Show one machine with its facts and timing", "machines"),
		func(ctx context.Context, in *MachineRef) (*body[api.Machine], error) {
			return s.getMachine(ctx, in.Ref)
		})
	register(s, a, get("list-orders", api.PathMachines+"/{ref}/orders", "List the orders of a machine's agent, newest first", "machines"), s.listOrders)
	register(s, a, get("list-evidence", api.PathMachines+"/{ref}/evidence", "List what a machine asked for when it booted, and what it got", "machines"), s.listEvidence)
	register(s, a, get("why", api.PathMachines+"/{ref}/why", "Say why a machine does not boot: the story of its last boot, and the verdict", "machines"), s.why)
}

func (s *Server) listMachines(ctx context.Context, in *machineFilter) (*body[api.MachineList], error) {
	all, err := s.o.Inventory.Roster(ctx)
	if err != nil {
		return nil, err
	}
	orders, err := s.o.Inventory.OrdersInProgress(ctx)
	if err != nil {
		return nil, err
	}
	list := api.MachineList{Machines: []api.Machine{}}
	for _, m := range all {
		if in.State != "" && string(m.State) != in.State || in.Role != "" && m.Role != in.Role {
			continue
		}
		var order *inventory.Order
		if o, ok := orders[m.ID]; ok && !m.State.Stable() {
			order = &o
		}
		list.Machines = append(list.Machines, machineOut(m, order))
	}
	return &body[api.MachineList]{list}, nil
}

// getMachine is the full picture of one machine.
func (s *Server) getMachine(ctx context.Context, ref string) (*body[api.Machine], error) {
	m, err := s.o.Inventory.Machine(ctx, ref)
	if err != nil {
		return nil, err
	}
	orders, err := s.o.Inventory.Orders(ctx, m.ID)
	if err != nil {
		return nil, err
	}
	events, err := s.latest(ctx, m.ID, timingEvents)
	if err != nil {
		return nil, err
	}
	out := machineOut(m, unfinished(orders))
	out.Timing = phases(events, orders, s.o.Now())
	return &body[api.Machine]{out}, nil
}

// unfinished is the newest order that is not over, or nil.
func unfinished(orders []inventory.Order) *inventory.Order {
	var newest *inventory.Order
	for i, o := range orders {
		if !o.State.Final() && (newest == nil || o.IssuedAt.After(newest.IssuedAt)) {
			newest = &orders[i]
		}
	}
	return newest
}

func (s *Server) listOrders(ctx context.Context, in *MachineRef) (*body[api.OrderList], error) {
	m, err := s.o.Inventory.Machine(ctx, in.Ref)
	if err != nil {
		return nil, err
	}
	orders, err := s.o.Inventory.Orders(ctx, m.ID)
	if err != nil {
		return nil, err
	}
	list := api.OrderList{Orders: []api.OrderStatus{}}
	for _, o := range orders {
		list.Orders = append(list.Orders, orderOut(o))
	}
	return &body[api.OrderList]{list}, nil
}

// evidenceQuery is a machine and how much of its evidence is wanted.
type evidenceQuery struct {
	MachineRef
	Limit int `query:"limit" minimum:"1" maximum:"1000" default:"200" doc:"at most this many, the newest"`
}

func (s *Server) listEvidence(ctx context.Context, in *evidenceQuery) (*body[api.EvidenceList], error) {
	m, err := s.o.Inventory.Machine(ctx, in.Ref)
	if err != nil {
		return nil, err
	}
	seen, err := s.evidence(ctx, m.ID, in.Limit)
	if err != nil {
		return nil, err
	}
	list := api.EvidenceList{Evidence: []api.Evidence{}}
	for _, e := range seen {
		list.Evidence = append(list.Evidence, evidenceOut(e))
	}
	return &body[api.EvidenceList]{list}, nil
}

// evidence is the newest evidence of a machine, oldest first.
func (s *Server) evidence(ctx context.Context, id string, limit int) ([]inventory.Evidence, error) {
	seen, err := s.o.History.Evidence(ctx, id, limit)
	if err != nil {
		return nil, err
	}
	seen = slices.Clone(seen)
	slices.SortStableFunc(seen, func(a, b inventory.Evidence) int { return a.Time.Compare(b.Time) })
	return seen, nil
}
