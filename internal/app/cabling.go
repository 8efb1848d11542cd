package app

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"socle/api"
	"socle/inventory"
	"socle/inventory/cabling"
	"socle/inventory/sheet/xlsx"
	"socle/inventory/store"
	"socle/web"
)

// cables compares the cabling plan of the store with what its machines heard.
type cables struct {
	store *store.Store

	mu   sync.Mutex // held while a fleet is compared: who comes meanwhile gets the same answer
	last cabling.Report
	of   [sha256.Size]byte // the plan and the fleet that last compares
}

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
		p := api.NewProblem(http.StatusConflict, api.ErrConflict, fmt.Sprintf("the cabling plan contradicts what is known in %s; nothing was imported", inventory.Plural(len(conflicts), "place")))
		for _, x := range conflicts {
			p.Errors = append(p.Errors, api.ErrorDetail{Location: fmt.Sprintf("line %d", x.Line), Message: x.Problem})
		}
		return api.CableImport{}, p
	}
	out := api.CableImport{DryRun: dryRun, Changes: []api.CableChange{}, Same: same}
	for _, x := range changes {
		out.Changes = append(out.Changes, api.CableChange{Line: x.Line, Before: cableOut(x.Before), After: cableOut(x.After)})
	}
	return out, err
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
			out.Cables = append(out.Cables, web.CableOut(x))
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

// report compares the plan with the fleet, unless that was done and nothing has changed since: who looks at the page and the
// check share one comparison. The roster tells whether something has; facts are most of a fleet, and read only then.
func (c *cables) report(ctx context.Context) (cabling.Report, error) {
	plan, err := c.store.Cables(ctx)
	if err != nil {
		return cabling.Report{}, err
	}
	roster, err := c.store.Roster(ctx)
	if err != nil {
		return cabling.Report{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.of == comparedOf(plan, roster) {
		return c.last, nil
	}
	machines, err := c.store.Machines(ctx)
	if err != nil {
		return cabling.Report{}, err
	}
	return c.compare(plan, machines), nil
}

// compare is called with mu held.
func (c *cables) compare(plan []cabling.Cable, machines []inventory.Machine) cabling.Report {
	if of := comparedOf(plan, machines); c.of != of {
		c.last, c.of = cabling.Compare(plan, machines), of
	}
	return c.last
}

// comparedOf tells a plan and a state of the fleet from others: every change of a machine counts its version.
func comparedOf(plan []cabling.Cable, machines []inventory.Machine) (sum [sha256.Size]byte) {
	h := sha256.New()
	for _, x := range plan {
		_, _ = fmt.Fprintf(h, "%q\n", []string{x.Server, x.Port, x.Switch, x.SwitchPort, x.Group, x.Label, x.Colour, x.Length})
	}
	for _, m := range machines {
		_, _ = fmt.Fprintln(h, m.ID, m.Version)
	}
	h.Sum(sum[:0])
	return sum
}

// Source implements assess.Check.
func (*cables) Source() inventory.FindingSource { return inventory.FromCabling }

// Find implements assess.Check. A machine that has left the plan has nothing wrong with its cables any more.
func (c *cables) Find(ctx context.Context, machines []inventory.Machine) (map[string][]inventory.Finding, error) {
	plan, err := c.store.Cables(ctx)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	all := c.compare(plan, machines).Findings()
	c.mu.Unlock()
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
	out := web.CableOut(*c)
	return &out
}

func portOut(p cabling.Port) api.CablePort {
	out := api.CablePort{Server: p.Server, State: string(p.State), Plan: cableOut(p.Plan), NIC: p.NIC, MAC: p.MAC, Link: p.Link, Since: p.Since, Blind: p.Blind(), Bad: p.State.Bad(), Text: p.Text, Fix: p.Fix}
	if p.Heard != nil {
		out.Heard = (*api.CableHeard)(p.Heard)
	}
	return out
}
