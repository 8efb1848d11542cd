package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"socle/api"
	"socle/hardware"
	"socle/inventory"
	"socle/inventory/acceptance"
	"socle/inventory/store"
	"socle/web"
)

// acceptances judges the machines of the store.
type acceptances struct {
	store *store.Store
	plans []inventory.BurnInPlan
	now   func() time.Time
}

// Judge implements web.Acceptance.
func (a acceptances) Judge(ctx context.Context, scope api.AcceptanceScope) (api.Acceptance, error) {
	r, err := a.report(ctx, scope)
	return web.AcceptanceOut(r), err
}

// report judges the machines of a scope. One that names nothing that is known is an *api.Problem.
func (a acceptances) report(ctx context.Context, in api.AcceptanceScope) (acceptance.Report, error) {
	scope, err := scopeOf(in)
	if err != nil {
		return acceptance.Report{}, err
	}
	named, err := names(scope)
	if err != nil {
		return acceptance.Report{}, err
	}
	all, err := a.candidates(ctx, named)
	if err != nil {
		return acceptance.Report{}, err
	}
	machines, err := within(scope, named, all)
	if err != nil {
		return acceptance.Report{}, err
	}
	missing, err := a.missing(ctx, scope, all)
	if err != nil {
		return acceptance.Report{}, err
	}
	if len(machines)+len(missing) == 0 {
		return acceptance.Report{}, api.NewProblem(http.StatusNotFound, api.ErrNotFound, fmt.Sprintf("no machine is of the %s %q", scope.Kind, scope.Name))
	}
	k, err := a.know(ctx, machines)
	if err != nil {
		return acceptance.Report{}, err
	}
	if machines, err = a.products(ctx, k, machines); err != nil {
		return acceptance.Report{}, err
	}
	now := a.now()
	units := make([]acceptance.Unit, 0, len(machines))
	for _, m := range machines {
		units = append(units, acceptance.Judge(acceptance.For(k.criteria, &m), k.of(m, now), now))
	}
	return acceptance.NewReport(scope, now, units, missing), nil
}

// scopeOf is what a request asks for; it may say one thing.
func scopeOf(in api.AcceptanceScope) (scope acceptance.Scope, err error) {
	scope.Kind = acceptance.OfAll
	said := 0
	for _, s := range []acceptance.Scope{{Kind: acceptance.OfMachines, Name: in.Machines}, {Kind: acceptance.OfRack, Name: in.Rack}, {Kind: acceptance.OfDelivery, Name: in.Delivery}, {Kind: acceptance.OfSite, Name: in.Site}} {
		if s.Name != "" {
			scope = s
			said++
		}
	}
	if said > 1 {
		err = api.NewProblem(http.StatusUnprocessableEntity, api.ErrInvalid, "name machines, a rack, a delivery or a site, and only one of them")
	}
	return scope, err
}

// names are those that a scope of machines names.
func names(scope acceptance.Scope) (map[string]bool, error) {
	if scope.Kind != acceptance.OfMachines {
		return nil, nil
	}
	list, err := inventory.ExpandRange(scope.Name)
	if err != nil {
		return nil, api.NewProblem(http.StatusUnprocessableEntity, api.ErrInvalid, err.Error())
	}
	named := map[string]bool{}
	for _, n := range list {
		named[n] = true
	}
	return named, nil
}

// candidates are the machines among which those of a scope are: of a few names only these, else all.
func (a acceptances) candidates(ctx context.Context, named map[string]bool) ([]inventory.Machine, error) {
	if len(named) == 0 || len(named) > few {
		return a.store.Roster(ctx)
	}
	return a.store.Named(ctx, slices.Collect(maps.Keys(named))...)
}

// within are the machines of a scope, but those that are gone for good. A name that no machine has is an error.
func within(scope acceptance.Scope, named map[string]bool, all []inventory.Machine) (machines []inventory.Machine, err error) {
	for _, m := range all {
		in := scope.Kind == acceptance.OfAll && m.InPlan
		switch scope.Kind {
		case acceptance.OfMachines:
			in = named[m.Name]
			delete(named, m.Name)
		case acceptance.OfRack:
			in = m.Place.InRack(scope.Name)
		case acceptance.OfDelivery:
			in = strings.EqualFold(m.Delivery, scope.Name)
		case acceptance.OfSite:
			in = strings.EqualFold(m.Place.Site, scope.Name)
		}
		if in && m.State != inventory.Retired {
			machines = append(machines, m)
		}
	}
	if len(named) > 0 {
		unknown := make([]string, 0, len(named))
		for n := range named {
			unknown = append(unknown, n)
		}
		return nil, api.NewProblem(http.StatusNotFound, api.ErrNotFound, "no machine is called "+inventory.FoldNames(unknown))
	}
	return machines, nil
}

// missing is what was ordered and has no serial number yet; only of a delivery, or of everything.
func (a acceptances) missing(ctx context.Context, scope acceptance.Scope, machines []inventory.Machine) (out []acceptance.Missing, err error) {
	if scope.Kind != acceptance.OfDelivery && scope.Kind != acceptance.OfAll {
		return nil, nil
	}
	deliveries, err := a.store.Deliveries(ctx)
	if err != nil {
		return nil, err
	}
	followed, _ := inventory.Follow(deliveries, machines)
	for _, p := range followed {
		if scope.Kind == acceptance.OfDelivery && !strings.EqualFold(p.Number, scope.Name) {
			continue
		}
		for _, l := range p.Lines {
			if l.Missing() > 0 {
				out = append(out, acceptance.Missing{Delivery: p.Number, Line: l.Line, Model: l.Model, Part: l.PartNumber, Count: l.Missing()})
			}
		}
	}
	return out, nil
}

// known is what the store knows of the machines that are judged.
type known struct {
	criteria []acceptance.Criteria
	plans    []inventory.BurnInPlan
	profiles map[string]bool // models that have one
	cabled   map[string]bool // names of machines of which cables are planned
	racked   map[string]inventory.Racking
	findings map[string][]inventory.Findings
	measured map[string][]inventory.Measurement
	tested   map[string]map[string]time.Time // by test and machine
	waivers  map[string][]acceptance.Waiver
}

// know reads what the verdicts need, in few questions however many machines there are.
func (a acceptances) know(ctx context.Context, machines []inventory.Machine) (k known, err error) {
	k = known{plans: a.plans, profiles: map[string]bool{}, cabled: map[string]bool{}, findings: map[string][]inventory.Findings{},
		measured: map[string][]inventory.Measurement{}, tested: map[string]map[string]time.Time{}, waivers: map[string][]acceptance.Waiver{}}
	if k.criteria, err = a.criteria(ctx); err != nil {
		return k, err
	}
	models, err := a.store.NewestModels(ctx)
	for _, m := range models {
		k.profiles[m.Name] = true
	}
	only, servers := "", []string(nil) // of all
	if len(machines) == 1 {
		only, servers = machines[0].ID, []string{machines[0].Name}
	}
	cables, cerr := a.store.Cables(ctx, servers...)
	for _, c := range cables {
		k.cabled[c.Server] = true
	}
	findings, ferr := a.store.Findings(ctx, only)
	for _, f := range findings {
		k.findings[f.Machine] = append(k.findings[f.Machine], f)
	}
	waivers, werr := a.store.Waivers(ctx, only)
	for _, w := range waivers {
		k.waivers[w.MachineID] = append(k.waivers[w.MachineID], w)
	}
	var rerr error
	k.racked, rerr = a.store.Rackings(ctx)
	if err := errors.Join(err, cerr, ferr, werr, rerr); err != nil {
		return k, err
	}
	return k, a.measure(ctx, only, k)
}

// measure reads of what was measured only what the criteria ask for.
func (a acceptances) measure(ctx context.Context, only string, k known) (err error) {
	bounded := map[string]bool{}
	for _, c := range k.criteria {
		for _, t := range c.Tests {
			if k.tested[t] == nil {
				if k.tested[t], err = a.store.LastMeasured(ctx, t); err != nil {
					return err
				}
			}
		}
		for _, b := range c.Metrics {
			bounded[b.Metric] = true
		}
	}
	for metric := range bounded {
		all, err := a.store.Measurements(ctx, inventory.MeasurementFilter{Newest: true, Metric: metric, Machine: only})
		if err != nil {
			return err
		}
		for _, x := range all {
			k.measured[x.Machine] = append(k.measured[x.Machine], x)
		}
	}
	return nil
}

func (a acceptances) criteria(ctx context.Context) (all []acceptance.Criteria, err error) {
	documents, err := a.store.AllCriteria(ctx, true)
	if err != nil {
		return nil, err
	}
	for _, d := range documents {
		c, err := acceptance.Parse([]byte(d.Text))
		if err != nil {
			return nil, fmt.Errorf("criteria %s, version %d: %w", d.Name, d.Version, err)
		}
		all = append(all, c)
	}
	return all, nil
}

// products reads what the firmware says of machines whose model nobody named, where criteria or plans go by models.
func (a acceptances) products(ctx context.Context, k known, machines []inventory.Machine) ([]inventory.Machine, error) {
	nameless := func(m inventory.Machine) bool { return m.Model == "" && !m.FactsAt.IsZero() }
	if len(k.criteria)+len(k.plans) == 0 || !slices.ContainsFunc(machines, nameless) {
		return machines, nil
	}
	var ids []string
	if len(machines) <= 100 {
		for _, m := range machines {
			ids = append(ids, m.ID)
		}
	}
	products, err := a.store.Products(ctx, ids...)
	if err != nil {
		return nil, err
	}
	for i, m := range machines {
		if p := products[m.ID]; p != "" {
			machines[i].Facts = &hardware.Facts{System: hardware.System{Product: p}}
		}
	}
	return machines, nil
}

// of puts together what is known of one machine.
func (k known) of(m inventory.Machine, now time.Time) acceptance.Case {
	c := acceptance.Case{Machine: m, Findings: k.findings[m.ID], Measured: k.measured[m.ID]}
	c.Tested = map[string]time.Time{}
	for test, last := range k.tested {
		c.Tested[test] = last[m.ID]
	}
	for _, w := range k.waivers[m.ID] {
		if w.Holds(now) {
			c.Waivers = append(c.Waivers, w)
		}
	}
	if k.profiles[m.Model] {
		c.Planned = append(c.Planned, inventory.FromParts)
	}
	if k.cabled[m.Name] {
		c.Planned = append(c.Planned, inventory.FromCabling)
	}
	if _, planned := inventory.BurnInFor(k.plans, &m); planned {
		c.Planned = append(c.Planned, inventory.FromBurnIn)
	}
	if m.State != inventory.Expected && !m.FactsAt.IsZero() {
		c.Planned = append(c.Planned, inventory.FromOutlier)
	}
	r, racked := k.racked[m.ID]
	c.Racked = racked && r.Place == m.Place
	return c
}
