package webtest

import (
	"context"

	"socle/api"
)

// Compare implements web.Compared: of a server with one DIMM too few, in a delivery of which one has not come. What is right is
// told only when it is asked for.
func (w *World) Compare(_ context.Context, q api.CompareQuery) (api.Comparison, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	rows := []api.ComparedRow{
		{Subject: "place", Ordered: "ams1/r1, U 4", Racked: "ams1/r1, U 4", Detected: "ams1/r1, U 5", Verdict: "wrong-place", Reason: "all its cables are those of hv02: it stands in that one's place, or all its cables are in wrong ports"},
		{Subject: "DIMM A1", Ordered: "16.0 GiB M393", Verdict: "missing", Reason: "DIMM A1: 16.0 GiB M393 ordered, the slot is empty"},
	}
	if q.All {
		rows = append(rows, api.ComparedRow{Subject: "DIMM A2", Ordered: "16.0 GiB M393", Detected: "16.0 GiB M393", Serial: "D2", Verdict: "right"})
	}
	out := api.Comparison{Compared: 3, Right: 2, Wrong: 1, Servers: []api.ComparedServer{{Machine: "hv01", Model: "r650", Delivery: "PO-1", Rows: rows}}, Orders: []api.ComparedOrder{}}
	if q.Machines == "" && q.Rack == "" {
		out.Orders = append(out.Orders, api.ComparedOrder{Delivery: "PO-1", Line: 1, Model: "r650", Ordered: 4, Announced: 4, Racked: 3, Detected: 3})
	}
	return out, w.fail
}
