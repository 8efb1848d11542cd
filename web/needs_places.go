package web

import (
	"context"

	"socle/api"
	"socle/inventory"
)

// Places keeps racks and devices, and who was put where.
type Places interface {
	Fixtures(ctx context.Context) ([]inventory.Fixture, error)
	// ImportFixtures takes in a floor plan. Its errors, all of them at once, are an *api.Problem.
	ImportFixtures(ctx context.Context, actor string, file []byte, dryRun bool) (api.ImportReply, error)
	Rackings(ctx context.Context) (map[string]inventory.Racking, error) // by machine ID
	// SaveRacking of a server that stands there already is inventory.ErrRacked, with the earlier racking.
	SaveRacking(ctx context.Context, machineID, actor string) (inventory.Racking, error)
}
