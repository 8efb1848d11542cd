package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"

	"socle/api"
	"socle/inventory"
	"socle/inventory/netbox"
	"socle/inventory/store"
)

// exchange brings the store and NetBox together.
type exchange struct {
	store *store.Store
	roles []inventory.Role
}

// ImportNetBox implements web.NetBox.
func (x *exchange) ImportNetBox(ctx context.Context, actor string, archive []byte, o api.NetBoxOptions) (api.NetBoxImport, error) {
	plan, err := x.plan(ctx, archive, o)
	if err != nil {
		return api.NetBoxImport{}, netboxProblem(err)
	}
	result, err := x.store.ImportWhole(ctx, store.Whole{Fixtures: plan.Fixtures, Machines: plan.Machines, Cables: plan.Cables}, actor, o.DryRun)
	var conflicts store.WholeConflicts
	switch {
	case errors.As(err, &conflicts):
		return api.NetBoxImport{}, wholeProblem(plan, conflicts)
	case err != nil:
		return api.NetBoxImport{}, err
	}
	out := api.NetBoxImport{DryRun: o.DryRun, Notes: plan.Notes, Cables: api.CableImport{DryRun: o.DryRun, Changes: []api.CableChange{}, Same: result.SameCables}}
	out.Places, out.Machines = changesOut(result.Fixtures, plan.FixtureAt), changesOut(result.Machines, plan.MachineAt)
	for _, c := range result.Cables {
		out.Cables.Changes = append(out.Cables.Changes, api.CableChange{Before: cableOut(c.Before), After: cableOut(c.After)})
	}
	return out, nil
}

// plan reads an archive beside what is known.
func (x *exchange) plan(ctx context.Context, archive []byte, o api.NetBoxOptions) (netbox.Plan, error) {
	meaning, err := netbox.ParseMeaning(o.Roles)
	if err != nil {
		return netbox.Plan{}, api.NewProblem(http.StatusUnprocessableEntity, api.ErrInvalid, "role: "+err.Error())
	}
	files, err := netbox.Unpack(archive)
	if err != nil {
		return netbox.Plan{}, err
	}
	data, err := netbox.Read(files)
	if err != nil {
		return netbox.Plan{}, err
	}
	known := netbox.Options{Meaning: meaning}
	if known.Machines, err = x.store.Machines(ctx); err != nil {
		return netbox.Plan{}, err
	}
	if known.Fixtures, err = x.store.Fixtures(ctx); err != nil {
		return netbox.Plan{}, err
	}
	for _, r := range x.roles {
		known.Roles = append(known.Roles, r.Name)
	}
	for _, m := range known.Machines {
		if m.Role != "" && !slices.Contains(known.Roles, m.Role) {
			known.Roles = append(known.Roles, m.Role)
		}
	}
	return netbox.Translate(data, known)
}

// ExportNetBox implements web.NetBox.
func (x *exchange) ExportNetBox(ctx context.Context, before42 bool) ([]byte, error) {
	var s netbox.Snapshot
	var err error
	if s.Machines, err = x.store.Machines(ctx); err != nil {
		return nil, err
	}
	if s.Fixtures, err = x.store.Fixtures(ctx); err != nil {
		return nil, err
	}
	if s.Cables, err = x.store.Cables(ctx); err != nil {
		return nil, err
	}
	files, err := netbox.Export(s, before42)
	if err != nil {
		return nil, err
	}
	return netbox.Pack(files)
}

func changesOut(r inventory.ImportResult, at func(int) string) api.NetBoxChanges {
	out := api.NetBoxChanges{Added: len(r.Added), Changed: len(r.Changed), Same: len(r.Same), Changes: []api.NetBoxChange{}}
	for _, c := range r.Changes {
		one := api.NetBoxChange{From: at(c.Line), Name: c.Name, Added: c.Added, Fields: []api.FieldChange{}}
		for _, f := range c.Fields {
			one.Fields = append(one.Fields, api.FieldChange(f))
		}
		out.Changes = append(out.Changes, one)
	}
	return out
}

// netboxProblem is all that is wrong with what was read, for people; any other error stays what it is.
func netboxProblem(err error) error {
	var bad netbox.Problems
	if !errors.As(err, &bad) {
		return err
	}
	p := api.NewProblem(http.StatusUnprocessableEntity, api.ErrInvalid, "NetBox's objects have "+inventory.Plural(len(bad), "error")+"; nothing was imported")
	for _, e := range bad {
		p.Errors = append(p.Errors, api.ErrorDetail{Location: e.Where, Message: e.Message})
	}
	return p
}

// inLine is how a conflict names another line, which nobody sees.
var inLine = regexp.MustCompile(`\b(?:in )?line ([0-9]+)`)

// wholeProblem is all that contradicts the inventory, with where it comes from.
func wholeProblem(plan netbox.Plan, c store.WholeConflicts) error {
	p := api.NewProblem(http.StatusConflict, api.ErrConflict, fmt.Sprintf("NetBox's objects contradict the inventory in %s; nothing was imported", inventory.Plural(c.Count(), "place")))
	add := func(at func(int) string, line int, name, problem string) {
		problem = inLine.ReplaceAllStringFunc(problem, func(found string) string {
			n, _ := strconv.Atoi(inLine.FindStringSubmatch(found)[1]) // the pattern lets only numbers pass
			if where := at(n); where != "" {
				return "(" + where + ")"
			}
			return found
		})
		where := at(line)
		if name != "" {
			where += ", " + name
		}
		p.Errors = append(p.Errors, api.ErrorDetail{Location: where, Message: problem})
	}
	for _, x := range c.Fixtures {
		add(plan.FixtureAt, x.Line, x.Name, x.Problem)
	}
	for _, x := range c.Machines {
		add(plan.MachineAt, x.Line, x.Name, x.Problem)
	}
	for _, x := range c.Cables {
		add(plan.CableAt, x.Line, "", x.Problem)
	}
	return p
}
