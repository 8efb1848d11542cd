package web

import (
	"socle/api"
	"socle/inventory/acceptance"
)

// AcceptanceOut is a report as the wire has it.
func AcceptanceOut(r acceptance.Report) api.Acceptance {
	out := api.Acceptance{
		Scope: string(r.Scope.Kind), Name: r.Scope.Name, At: r.At, Verdict: string(r.Verdict), Units: []api.AcceptanceUnit{},
		Accepted: r.Count(acceptance.Accepted), Waived: r.Count(acceptance.Waived), Open: r.Count(acceptance.Open), Rejected: r.Count(acceptance.Rejected),
	}
	for _, u := range r.Units {
		x := api.AcceptanceUnit{
			Machine: u.Name, Serial: u.Serial, Model: u.Model, Delivery: u.Delivery, Site: u.Site, Rack: u.Rack, U: u.U, State: string(u.State), Verdict: string(u.Verdict),
			Criteria: u.Criteria, Digest: u.Digest, Checks: []api.AcceptanceCheck{},
		}
		for _, k := range u.Checks {
			c := api.AcceptanceCheck{Name: k.Name, Verdict: string(k.Verdict), Detail: k.Detail, Finding: k.Finding}
			if k.Waiver != nil {
				c.Waiver = k.Waiver.ID
			}
			x.Checks = append(x.Checks, c)
		}
		out.Units = append(out.Units, x)
	}
	for _, m := range r.Missing {
		out.Missing = append(out.Missing, api.AcceptanceMissing(m))
	}
	return out
}
