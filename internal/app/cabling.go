package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"socle/api"
	"socle/inventory"
	"socle/inventory/cabling"
	"socle/inventory/sheet/xlsx"
	"socle/inventory/store"
)

// cables compares the cabling plan of the store with what its machines heard.
type cables struct {
	store *store.Store
	now   func() time.Time

	mu   sync.Mutex // held while a fleet is compared: who comes meanwhile gets the same answer
	last cabling.Report
	at   time.Time
}

// cablesKept is how long a comparison of the fleet is shown before it is made anew: technicians wait for it.
const cablesKept = time.Second

// ImportCabling implements web.Cabling.
func (c *cables) ImportCabling(ctx context.Context, actor string, file []byte, whole, dryRun bool) (api.CableImport, error) {
	src, err := xlsx.Open("cabling plan", file)
	if err != nil {
		return api.CableImport{}, tableProblem(err)
	}
	plan, err := cabling.Read(src)
	if err != nil {
		return api.CableImport{}, tableProblem(err)
	}
	changes, same, err := c.store.ImportCables(ctx, plan, whole, dryRun, actor)
	var conflicts cabling.Conflicts
	if errors.As(err, &conflicts) {
		p := api.NewProblem(http.StatusConflict, api.ErrConflict, fmt.Sprintf("the cabling plan contradicts what is known in %d places; nothing was imported", len(conflicts)))
		for _, x := range conflicts {
			p.Errors = append(p.Errors, api.ErrorDetail{Location: fmt.Sprintf("line %d", x.Line), Message: x.Problem})
		}
		return api.CableImport{}, p
	}
	out := api.CableImport{DryRun: dryRun, Changes: []api.CableChange{}, Same: same}
	for _, x := range changes {
		out.Changes = append(out.Changes, api.CableChange{Line: x.Line, Before: cableOut(x.Before), After: cableOut(x.After)})
	}
	c.forget()
	return out, err
}

// forget makes the next comparison a new one.
func (c *cables) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = time.Time{}
}

// CablePlan implements web.Cabling.
func (c *cables) CablePlan(ctx context.Context, machines string) (api.CablePlan, error) {
	out := api.CablePlan{Cables: []api.Cable{}}
	wanted, err := named(machines)
	if err != nil {
		return out, err
	}
	all, err := c.store.Cables(ctx)
	for _, x := range all {
		if wanted(x.Server) {
			out.Cables = append(out.Cables, *cableOut(&x))
		}
	}
	return out, err
}

// CheckCabling implements web.Cabling.
func (c *cables) CheckCabling(ctx context.Context, machines string) (api.CableReport, error) {
	out := api.CableReport{Ports: []api.CablePort{}}
	wanted, err := named(machines)
	if err != nil {
		return out, err
	}
	r, err := c.report(ctx)
	for _, p := range r.Ports {
		if wanted(p.Server) {
			out.Ports = append(out.Ports, portOut(p))
		}
	}
	for _, name := range r.Unknown {
		if wanted(name) {
			out.Unknown = append(out.Unknown, name)
		}
	}
	return out, err
}

func (c *cables) report(ctx context.Context) (cabling.Report, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := c.now(); c.at.IsZero() || now.Sub(c.at) > cablesKept {
		machines, err := c.store.Machines(ctx)
		if err != nil {
			return cabling.Report{}, err
		}
		plan, err := c.store.Cables(ctx)
		if err != nil {
			return cabling.Report{}, err
		}
		c.last, c.at = cabling.Compare(plan, machines), now
	}
	return c.last, nil
}

// Source implements assess.Check.
func (*cables) Source() inventory.FindingSource { return inventory.FromCabling }

// Find implements assess.Check. A machine that has left the plan has nothing wrong with its cables any more.
func (c *cables) Find(ctx context.Context, machines []inventory.Machine) (map[string][]inventory.Finding, error) {
	plan, err := c.store.Cables(ctx)
	if err != nil {
		return nil, err
	}
	all := cabling.Compare(plan, machines).Findings()
	stored, err := c.store.Findings(ctx, "")
	for _, f := range stored {
		if _, looked := all[f.Machine]; f.Source == inventory.FromCabling && len(f.List) > 0 && !looked {
			all[f.Machine] = []inventory.Finding{}
		}
	}
	return all, err
}

// named tells which names are of a range; all when it is empty.
func named(machines string) (func(string) bool, error) {
	if machines == "" {
		return func(string) bool { return true }, nil
	}
	names, err := inventory.ExpandRange(machines)
	if err != nil {
		return nil, api.NewProblem(http.StatusUnprocessableEntity, api.ErrInvalid, err.Error())
	}
	in := make(map[string]bool, len(names))
	for _, n := range names {
		in[n] = true
	}
	return func(name string) bool { return in[strings.ToLower(name)] || in[name] }, nil
}

func cableOut(c *cabling.Cable) *api.Cable {
	if c == nil {
		return nil
	}
	return &api.Cable{Server: c.Server, Port: c.Port, Switch: c.Switch, SwitchPort: c.SwitchPort, Group: c.Group, Label: c.Label, Colour: c.Colour, Length: c.Length}
}

func portOut(p cabling.Port) api.CablePort {
	out := api.CablePort{Server: p.Server, State: string(p.State), Plan: cableOut(p.Plan), NIC: p.NIC, MAC: p.MAC, Link: p.Link, Bad: p.State.Bad(), Text: p.Text, Fix: p.Fix}
	if p.Heard != nil {
		out.Heard = (*api.CableHeard)(p.Heard)
	}
	return out
}
