package webtest

import (
	"context"
	"fmt"
	"net/http"

	"socle/api"
)

// Labels implements web.Papers: the file says what was asked for.
func (w *World) Labels(_ context.Context, q api.LabelQuery) (api.File, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return api.File{Name: "labels." + q.Format, ContentType: "application/octet-stream", Body: fmt.Appendf(nil, "%+v", q)}, w.fail
}

// RMA implements web.Papers.
func (w *World) RMA(_ context.Context, q api.RMAQuery) (api.ClaimList, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := api.ClaimList{Vendors: []string{}, Claims: []api.Claim{}}
	for _, vendor := range []string{"Boxes GmbH", "HP"} {
		if q.Vendor == "" || q.Vendor == vendor {
			out.Vendors = append(out.Vendors, vendor)
			out.Claims = append(out.Claims, api.Claim{Vendor: vendor, Order: "PO-1", Server: "m1", Part: "DIMM A1", PartNumber: "M393", Problem: "missing", Reason: "the slot is empty"})
		}
	}
	return out, w.fail
}

// RMAFile implements web.Papers.
func (w *World) RMAFile(ctx context.Context, q api.RMAQuery, format string) (api.File, error) {
	list, err := w.RMA(ctx, q)
	if err == nil && len(list.Vendors) != 1 {
		err = api.NewProblem(http.StatusUnprocessableEntity, api.ErrInvalid, "a file is for one vendor")
	}
	return api.File{Name: "rma." + format, ContentType: "text/csv", Body: []byte("the list of " + q.Vendor)}, err
}
