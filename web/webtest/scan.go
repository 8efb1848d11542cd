package webtest

import (
	"context"
	"net/http"

	"socle/api"
)

// Scan implements web.Finder: it finds one controller, by which it can be seen that somebody looked.
func (w *World) Scan(_ context.Context, actor string, r api.ScanRequest) (func(context.Context, func(api.Controller)) (int, error), error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fail != nil {
		return nil, w.fail
	}
	w.calls = append(w.calls, actor+": scan "+r.Addresses+" as "+r.User)
	return func(_ context.Context, each func(api.Controller)) (int, error) {
		each(api.Controller{Address: "198.18.1.11", IPMI: true, Redfish: "1.15.0", Vendor: "Socle", Machine: "hv01", MatchedBy: "address"})
		return 254, nil
	}, nil
}

// Told implements web.Told: the proof of every machine is "proof".
func (w *World) Told(_ context.Context, machineID, proof string, text []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if proof != "proof" {
		return api.NewProblem(http.StatusNotFound, api.ErrNotFound, "nobody is waiting for events here")
	}
	w.calls = append(w.calls, "BMC of "+machineID+": "+string(text))
	return w.fail
}
