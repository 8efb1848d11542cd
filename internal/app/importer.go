package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"socle/api"
	"socle/inventory"
	"socle/inventory/manifest"
	"socle/inventory/sheet"
	"socle/inventory/sheet/xlsx"
	"socle/inventory/store"
)

// importer reads manifests into the store.
type importer struct{ store *store.Store }

// Import implements web.Importer.
func (i importer) Import(ctx context.Context, actor string, file []byte, dryRun bool) (api.ImportReply, error) {
	src, err := xlsx.Open("manifest", file)
	if err != nil {
		return api.ImportReply{}, tableProblem(err)
	}
	rows, err := manifest.Read(src, nil)
	if err != nil {
		return api.ImportReply{}, tableProblem(err)
	}
	result, err := i.store.Import(ctx, rows, actor, dryRun)
	var conflicts store.Conflicts
	if errors.As(err, &conflicts) {
		p := api.NewProblem(http.StatusConflict, api.ErrConflict, fmt.Sprintf("the manifest contradicts the inventory in %d places; nothing was imported", len(conflicts)))
		for _, c := range conflicts {
			p.Errors = append(p.Errors, api.ErrorDetail{Location: fmt.Sprintf("line %d, %s", c.Line, c.Name), Message: c.Problem})
		}
		return api.ImportReply{}, p
	}
	return importReply(result, dryRun), err
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
	p := api.NewProblem(http.StatusUnprocessableEntity, api.ErrInvalid, fmt.Sprintf("the %s has %d errors; nothing was imported", bad.What, bad.Count()))
	for _, e := range bad.List {
		p.Errors = append(p.Errors, api.ErrorDetail{Location: e.Location(), Message: e.Message})
	}
	return p
}
