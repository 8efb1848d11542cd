package web

import (
	"context"

	"socle/api"
	"socle/inventory"
)

// Acceptance judges machines, and keeps criteria and what people let pass. Of what is not there the error is
// inventory.ErrNotFound; what people did wrong is an *api.Problem, with all errors at once.
type Acceptance interface {
	Judge(ctx context.Context, scope api.AcceptanceScope) (api.Acceptance, error)
	Waive(ctx context.Context, actor, ref string, r api.WaiveRequest) (api.Waiver, error)
	WithdrawWaiver(ctx context.Context, actor, id string) (api.Waiver, error)
	Waivers(ctx context.Context) ([]api.Waiver, error)
	PutCriteria(ctx context.Context, actor string, text []byte) (inventory.Document, error)
	Criteria(ctx context.Context, name string, version int) (inventory.Document, error) // 0: the newest
	AllCriteria(ctx context.Context) ([]inventory.Document, error)                      // all versions
}
