package web_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"socle/api"
	"socle/web/webtest"
)

// TestScan: what is found comes line by line, bad input before any of it, and nothing tells the password.
func TestScan(t *testing.T) {
	world, srv := start(t)
	c := client(t, srv.URL, webtest.AdminToken)
	var got []api.Controller
	r := api.ScanRequest{Addresses: "198.18.1.0/24", User: "admin", Password: "s3cret-Pa55"}
	looked, err := c.Scan(t.Context(), r, func(at api.Controller) { got = append(got, at) })
	if err != nil || looked != 254 {
		t.Fatalf("%d addresses, %v", looked, err)
	}
	want := []api.Controller{{Address: "198.18.1.11", IPMI: true, Redfish: "1.15.0", Vendor: "Socle", Machine: "hv01", MatchedBy: "address"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if calls := world.Calls(); !slices.ContainsFunc(calls, func(s string) bool { return strings.Contains(s, "scan 198.18.1.0/24 as admin") }) {
		t.Errorf("calls %q", calls)
	}
	world.Fail(api.NewProblem(422, api.ErrInvalid, "no addresses"))
	var p *api.Problem
	if _, err := c.Scan(t.Context(), r, func(api.Controller) { t.Error("found something") }); !errors.As(err, &p) || p.Code != api.ErrInvalid {
		t.Errorf("bad input: %v", err)
	}
}
