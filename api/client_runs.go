package api

import (
	"context"
	"net/http"
)

// Measurements reads what tests measured.
func (c *Client) Measurements(ctx context.Context, want MeasurementQuery) ([]Measurement, error) {
	q := given(map[string]string{"machine": want.Machine, "run": want.Run, "metric": want.Metric})
	if want.History {
		q.Set("history", "true")
	}
	var out MeasurementList
	err := c.request(ctx, http.MethodGet, PathMeasurements, q, nil, &out)
	return out.Measurements, err
}
