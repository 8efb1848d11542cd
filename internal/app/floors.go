package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"socle/api"
	"socle/inventory"
	"socle/inventory/floor"
	"socle/inventory/sheet/xlsx"
	"socle/inventory/store"
)

// floors keeps racks and devices, and reads floor plans.
type floors struct{ *store.Store }

// ImportFixtures implements web.Places.
func (f floors) ImportFixtures(ctx context.Context, actor string, file []byte, dryRun bool) (api.ImportReply, error) {
	src, err := xlsx.Open("floor plan", file)
	if err != nil {
		return api.ImportReply{}, tableProblem(err)
	}
	planned, err := floor.Read(src)
	if err != nil {
		return api.ImportReply{}, tableProblem(err)
	}
	result, err := f.Store.ImportFixtures(ctx, planned, actor, dryRun)
	return importReply(result, dryRun), conflictProblem("floor plan", err)
}

// conflictProblem makes a problem of all that contradicts the inventory; any other error stays what it is.
func conflictProblem(what string, err error) error {
	var conflicts store.Conflicts
	if !errors.As(err, &conflicts) {
		return err
	}
	p := api.NewProblem(http.StatusConflict, api.ErrConflict, fmt.Sprintf("the %s contradicts the inventory in %s; nothing was imported", what, inventory.Plural(len(conflicts), "place")))
	for _, c := range conflicts {
		p.Errors = append(p.Errors, api.ErrorDetail{Location: fmt.Sprintf("line %d, %s", c.Line, c.Name), Message: c.Problem})
	}
	return p
}
