package webtest

import (
	"context"
	"fmt"

	"socle/api"
)

// FindOdd sets what the comparison of machines with their peers finds.
func (w *World) FindOdd(r api.OutlierReport) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.outliers = r
}

// Outliers implements web.Outliers. What was asked for is written down, and the answer is the same in any case.
func (w *World) Outliers(_ context.Context, q api.OutlierQuery) (api.OutlierReport, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = append(w.calls, fmt.Sprintf("outliers of %q in %q", q.Machines, q.Metric))
	return w.outliers, w.fail
}
