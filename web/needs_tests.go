package web

import (
	"context"

	"socle/inventory"
)

// Measured reads what tests measured.
type Measured interface {
	Measurements(ctx context.Context, f inventory.MeasurementFilter) ([]inventory.Measurement, error)
}
