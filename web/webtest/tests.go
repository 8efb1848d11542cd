package webtest

import (
	"context"

	"socle/inventory"
)

// Measure adds what a test measured.
func (w *World) Measure(all ...inventory.Measurement) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.measured = append(w.measured, all...)
}

// Measurements implements web.Measured. Every run is the newest.
func (w *World) Measurements(_ context.Context, f inventory.MeasurementFilter) (all []inventory.Measurement, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, m := range w.measured {
		if (f.Machine == "" || m.Machine == f.Machine) && (f.Run == "" || m.Run == f.Run) && (f.Metric == "" || m.Metric == f.Metric) {
			all = append(all, m)
		}
	}
	return all, w.fail
}
