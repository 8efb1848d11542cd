package web

import (
	"context"

	"socle/api"
	"socle/inventory"
)

// Mappings keeps how the lists of vendors become manifests and orders. One that is not there is inventory.ErrNotFound.
type Mappings interface {
	// PutMapping stores a mapping. Its errors, all of them at once, are an *api.Problem.
	PutMapping(ctx context.Context, actor string, text []byte) (inventory.Mapping, error)
	Mapping(ctx context.Context, name string) (inventory.Mapping, error)
	Mappings(ctx context.Context) ([]inventory.Mapping, error) // by name
	DeleteMapping(ctx context.Context, actor, name string) error
}

// Deliveries keeps what was ordered.
type Deliveries interface {
	// ImportOrders reads orders from a file. Its errors, all of them at once, are an *api.Problem.
	ImportOrders(ctx context.Context, actor string, file []byte, o api.OrderImport) (api.ImportReply, error)
	Deliveries(ctx context.Context) ([]inventory.Delivery, error) // by number
}
