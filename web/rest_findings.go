package web

import (
	"cmp"
	"context"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"socle/api"
	"socle/inventory"
)

// Findings reads what comparisons and tests found of machines.
type Findings interface {
	Findings(ctx context.Context, machineID string) ([]inventory.Findings, error) // "": of all
}

type findingsInput struct {
	Machines string `query:"machines" maxLength:"10000" doc:"a range of names, r1u[1-40]; empty: all"`
	Source   string `query:"source" enum:"parts,cabling,burn-in,outlier,firmware" doc:"empty: all"`
	Kind     string `query:"kind" maxLength:"32" doc:"empty: all"`
	Rack     string `query:"rack" maxLength:"200" doc:"the rack's name, alone or with what it stands in: ams1/hall 2/r1; empty: all"`
}

func (s *Server) restFindings(a huma.API) {
	register(s, a, get("list-findings", api.PathFindings, "What comparisons and tests found of machines: by machine, what matters first", "findings"), s.listFindings)
	register(s, a, get("list-machine-findings", api.PathMachines+"/{ref}/findings", "What comparisons and tests found of one machine", "findings"),
		func(ctx context.Context, in *MachineRef) (*body[api.FindingList], error) {
			m, err := s.o.Inventory.Machine(ctx, in.Ref)
			if err != nil {
				return nil, err
			}
			list, err := s.findings(ctx, []inventory.Machine{m}, m.ID, nil)
			return &body[api.FindingList]{list}, err
		})
}

func (s *Server) listFindings(ctx context.Context, in *findingsInput) (*body[api.FindingList], error) {
	machines, err := s.o.Inventory.Roster(ctx)
	if err != nil {
		return nil, err
	}
	if in.Machines != "" {
		names, err := inventory.ExpandRange(in.Machines)
		if err != nil {
			return nil, newProblem(http.StatusUnprocessableEntity, err.Error())
		}
		named := map[string]bool{}
		for _, n := range names {
			named[n] = true
		}
		machines = slices.DeleteFunc(machines, func(m inventory.Machine) bool { return !named[m.Name] })
	}
	if in.Rack != "" {
		machines = slices.DeleteFunc(machines, func(m inventory.Machine) bool { return !m.Place.InRack(in.Rack) })
	}
	list, err := s.findings(ctx, machines, "", func(f inventory.Finding) bool {
		return (in.Source == "" || string(f.Source) == in.Source) && (in.Kind == "" || string(f.Kind) == in.Kind)
	})
	return &body[api.FindingList]{list}, err
}

// findings are those of some machines that keep, when not nil, wants.
func (s *Server) findings(ctx context.Context, machines []inventory.Machine, id string, keep func(inventory.Finding) bool) (api.FindingList, error) {
	out := api.FindingList{Findings: []api.Finding{}, Looked: []api.Look{}}
	all, err := s.o.Findings.Findings(ctx, id)
	if err != nil {
		return out, err
	}
	of := map[string][]inventory.Findings{}
	for _, f := range all {
		of[f.Machine] = append(of[f.Machine], f)
	}
	looks := map[string]*api.Look{}
	for _, m := range machines {
		var list []inventory.Finding
		for _, f := range of[m.ID] {
			l := looks[string(f.Source)]
			if l == nil {
				l = &api.Look{Source: string(f.Source)}
				looks[l.Source] = l
			}
			l.Machines++
			list = append(list, f.List...)
		}
		inventory.SortFindings(list)
		for _, f := range list {
			if keep == nil || keep(f) {
				out.Findings = append(out.Findings, FindingOut(m, f))
			}
		}
	}
	for _, l := range looks {
		out.Looked = append(out.Looked, *l)
	}
	slices.SortFunc(out.Looked, func(a, b api.Look) int { return cmp.Compare(a.Source, b.Source) })
	return out, nil
}

// FindingOut is what was found of a machine, on the wire.
func FindingOut(m inventory.Machine, f inventory.Finding) api.Finding {
	return api.Finding{
		Machine: m.Name, Rack: m.Place.RackName(), U: m.Place.U, Source: string(f.Source), Kind: string(f.Kind), Subject: f.Subject, Want: f.Want, Got: f.Got,
		Reason: f.Reason, Remedy: f.Remedy, Part: f.Part, Serial: f.Serial, Minor: f.Minor,
	}
}
