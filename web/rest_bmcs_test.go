package web_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"socle/api"
	"socle/web/webtest"
)

// TestBMCs: the list of all controllers, and the adoption of one, by the API's own client. No password is told to anybody.
func TestBMCs(t *testing.T) {
	world, srv := start(t)
	c := client(t, srv.URL, webtest.AdminToken)
	all, err := c.BMCs(t.Context())
	if err != nil || !slices.ContainsFunc(all, func(e api.BMCEntry) bool { return e.Machine == "hv01" && e.Protocol != "" && e.Address != "" }) {
		t.Errorf("%+v, %v", all, err)
	}
	for _, tc := range []struct {
		r    api.AdoptRequest
		want api.AdoptReply
	}{
		{api.AdoptRequest{}, api.AdoptReply{Machine: "hv01", How: api.AdoptInBand, User: "socle-a"}},
		{api.AdoptRequest{User: "root", Password: "s3cret-Pa55"}, api.AdoptReply{Machine: "hv01", How: api.AdoptTaken, User: "root"}},
	} {
		if got, err := c.AdoptBMC(t.Context(), "hv01", tc.r); err != nil || got != tc.want {
			t.Errorf("%+v, %v; want %+v", got, err, tc.want)
		}
	}
	if calls := strings.Join(world.Calls(), "\n"); !strings.Contains(calls, "token:admin adopt as root hv01") || strings.Contains(calls, "s3cret") {
		t.Errorf("calls:\n%s", calls)
	}
	var p *api.Problem
	if _, err := c.AdoptBMC(t.Context(), "nobody", api.AdoptRequest{}); !errors.As(err, &p) || p.Status != 404 {
		t.Errorf("nobody: %v", err)
	}
}
