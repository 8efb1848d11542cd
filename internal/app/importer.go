package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"socle/api"
	"socle/inventory"
	"socle/inventory/delivery"
	"socle/inventory/manifest"
	"socle/inventory/mapping"
	"socle/inventory/sheet"
	"socle/inventory/sheet/xlsx"
	"socle/inventory/store"
)

// layouts are what mappings can be for.
func layouts() map[string]sheet.Layout {
	return map[string]sheet.Layout{mapping.Manifest: manifest.Layout(), mapping.Delivery: delivery.Layout()}
}

// importer reads lists into the store.
type importer struct{ *store.Store }

// source opens a file, and finds the mapping that it is read by; none is nil.
func (i importer) source(ctx context.Context, what, of string, file []byte, name string) (sheet.Source, *sheet.Mapping, error) {
	src, err := xlsx.Open(what, file)
	if err != nil || name == "" {
		return src, nil, tableProblem(err)
	}
	kept, err := i.Mapping(ctx, name)
	if err != nil {
		return nil, nil, err
	}
	doc, err := mapping.Parse([]byte(kept.Text), layouts())
	if err != nil {
		return nil, nil, fmt.Errorf("the mapping %s: %w", name, err)
	}
	if doc.Of != of {
		return nil, nil, api.NewProblem(http.StatusUnprocessableEntity, api.ErrInvalid, fmt.Sprintf("the mapping %s is for lists of kind %s, and this is a %s", name, doc.Of, of))
	}
	return src, &doc.Mapping, nil
}

// Import implements web.Importer.
func (i importer) Import(ctx context.Context, actor string, file []byte, o api.ImportOptions) (api.ImportReply, error) {
	src, by, err := i.source(ctx, "manifest", mapping.Manifest, file, o.Mapping)
	if err != nil {
		return api.ImportReply{}, err
	}
	rows, err := manifest.Read(src, by)
	if err != nil {
		return api.ImportReply{}, tableProblem(err)
	}
	result, err := i.Store.Import(ctx, rows, actor, o.DryRun)
	return importReply(result, o.DryRun), conflictProblem("manifest", err)
}

func importReply(r inventory.ImportResult, dryRun bool) api.ImportReply {
	out := api.ImportReply{DryRun: dryRun, Added: r.Added, Changed: r.Changed, Same: r.Same}
	for _, c := range r.Changes {
		one := api.ImportChange{Line: c.Line, Machine: c.Name, Added: c.Added}
		for _, f := range c.Fields {
			one.Fields = append(one.Fields, api.FieldChange(f))
		}
		out.Changes = append(out.Changes, one)
	}
	return out
}

// tableProblem is all that is wrong with a file, for people; any other error stays what it is.
func tableProblem(err error) error {
	var bad sheet.Errors
	if !errors.As(err, &bad) {
		return err
	}
	p := api.NewProblem(http.StatusUnprocessableEntity, api.ErrInvalid, "the "+bad.What+" has "+inventory.Plural(bad.Count(), "error")+"; nothing was imported")
	for _, e := range bad.List {
		p.Errors = append(p.Errors, api.ErrorDetail{Location: e.Location(), Message: e.Message})
	}
	return p
}

// ImportOrders implements web.Deliveries.
func (i importer) ImportOrders(ctx context.Context, actor string, file []byte, o api.OrderImport) (api.ImportReply, error) {
	src, by, err := i.source(ctx, "order", mapping.Delivery, file, o.Mapping)
	if err != nil {
		return api.ImportReply{}, err
	}
	said := inventory.Delivery{Number: o.Number, Vendor: o.Vendor}
	for _, d := range []struct {
		name, text string
		to         *time.Time
	}{{"ordered", o.Ordered, &said.Ordered}, {"expected", o.Expected, &said.Expected}} {
		if d.text == "" {
			continue
		}
		if *d.to, err = delivery.Day(d.text); err != nil {
			return api.ImportReply{}, api.NewProblem(http.StatusUnprocessableEntity, api.ErrInvalid, fmt.Sprintf("%s: %q is no date: write it as 2026-11-26", d.name, d.text))
		}
	}
	orders, err := delivery.Read(src, by, said)
	if err != nil {
		return api.ImportReply{}, tableProblem(err)
	}
	result, err := i.ImportDeliveries(ctx, orders, actor, o.DryRun)
	return importReply(result, o.DryRun), err
}

// PutMapping implements web.Mappings.
func (i importer) PutMapping(ctx context.Context, actor string, text []byte) (inventory.Mapping, error) {
	doc, err := mapping.Parse(text, layouts())
	var bad mapping.Errors
	if errors.As(err, &bad) {
		p := api.NewProblem(http.StatusUnprocessableEntity, api.ErrInvalid, "the mapping has "+inventory.Plural(len(bad), "error")+"; nothing was stored")
		for _, e := range bad {
			p.Errors = append(p.Errors, api.ErrorDetail{Message: e})
		}
		return inventory.Mapping{}, p
	}
	if err != nil {
		return inventory.Mapping{}, err
	}
	return i.Store.PutMapping(ctx, inventory.Mapping{Name: doc.Name, Text: string(text), Actor: actor})
}

// DeleteMapping implements web.Mappings.
func (i importer) DeleteMapping(ctx context.Context, actor, name string) error {
	return i.Store.DeleteMapping(ctx, name, actor)
}
