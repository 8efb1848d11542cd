package webtest

import (
	"context"
	"fmt"
	"strings"

	"socle/api"
	"socle/inventory/netbox"
)

// ImportNetBox implements web.NetBox: it reads and stores nothing.
func (w *World) ImportNetBox(_ context.Context, actor string, archive []byte, o api.NetBoxOptions) (api.NetBoxImport, error) {
	files, err := netbox.Unpack(archive)
	if err != nil {
		return api.NetBoxImport{}, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	out := api.NetBoxImport{DryRun: o.DryRun, Notes: []string{"nothing is kept here"}, Cables: api.CableImport{Changes: []api.CableChange{}}}
	out.Places.Changes, out.Machines.Changes = []api.NetBoxChange{}, []api.NetBoxChange{}
	var names []string
	for _, f := range files {
		names = append(names, f.Name)
		out.Machines.Changes = append(out.Machines.Changes, api.NetBoxChange{From: f.Name, Name: "m1", Fields: []api.FieldChange{{Field: "u", Before: "4", After: "7"}}})
	}
	w.calls = append(w.calls, fmt.Sprintf("%s imports %s of NetBox, dry run %v, roles %v", actor, strings.Join(names, " "), o.DryRun, o.Roles))
	return out, w.fail
}

// ExportNetBox implements web.NetBox.
func (w *World) ExportNetBox(_ context.Context, before42 bool) ([]byte, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	files, err := netbox.Export(netbox.Snapshot{Machines: w.machines, Fixtures: w.fixtures}, before42)
	if err != nil {
		return nil, err
	}
	return netbox.Pack(files)
}
