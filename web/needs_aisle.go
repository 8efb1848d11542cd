package web

import (
	"context"

	"socle/inventory"
	"socle/inventory/offline"
)

// Aisle keeps what was done without a network, and signs what is taken along.
type Aisle interface {
	SealSnapshot(ctx context.Context, s offline.Snapshot) (offline.File, error)
	// OpenSnapshot opens a file that this installation signed; any other is an *api.Problem.
	OpenSnapshot(ctx context.Context, f offline.File) (offline.Snapshot, error)
	Acts(ctx context.Context, f inventory.ActFilter) ([]offline.Act, error) // the newest first
	SyncActs(ctx context.Context, b offline.Batch, dryRun bool) ([]offline.Act, error)
	// DecideAct has the errors offline.ErrDecided, ErrMoved and ErrImpossible, and inventory.ErrNotFound.
	DecideAct(ctx context.Context, id, actor, reason string, mine bool) (offline.Act, error)
}
