package web_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"socle/api"
	"socle/web/webtest"
)

// TestMediaAndBoot goes through the API with its own client.
func TestMediaAndBoot(t *testing.T) {
	world, srv := start(t)
	ail(world)
	c := client(t, srv.URL, webtest.AdminToken)
	ctx := t.Context()
	const image = "http://198.18.0.1/a.iso"
	if all, err := c.Media(ctx, "hv01"); err != nil || len(all) != 1 || all[0].Inserted {
		t.Errorf("%+v, %v", all, err)
	}
	if all, err := c.InsertMedia(ctx, "hv01", image); err != nil || all[0].Image != image {
		t.Errorf("%+v, %v", all, err)
	}
	if all, err := c.EjectMedia(ctx, "hv01"); err != nil || all[0].Inserted {
		t.Errorf("%+v, %v", all, err)
	}
	if o, err := c.BootOverride(ctx, "hv01"); err != nil || o.Device != "none" {
		t.Errorf("%+v, %v", o, err)
	}
	if o, err := c.SetBootOverride(ctx, "hv01", api.BootRequest{Device: "cd", Persistent: true}); err != nil || o.Device != "cd" || !o.Persistent {
		t.Errorf("%+v, %v", o, err)
	}
	for _, want := range []string{"token:admin: insert " + image + " into hv01", "token:admin: eject from hv01", "token:admin: boot cd (always: true) on hv01"} {
		if !slices.Contains(world.Calls(), want) {
			t.Errorf("%q is not among %q", want, world.Calls())
		}
	}
	_, silent := c.Media(ctx, "st02")
	_, unknown := c.EjectMedia(ctx, "nobody")
	_, long := c.InsertMedia(ctx, "hv01", image+strings.Repeat("a", 300))
	_, word := c.SetBootOverride(ctx, "hv01", api.BootRequest{Device: "tape"})
	for _, tc := range []struct {
		err    error
		status int
	}{{silent, http.StatusBadGateway}, {unknown, http.StatusNotFound}, {long, http.StatusUnprocessableEntity}, {word, http.StatusUnprocessableEntity}} {
		var p *api.Problem
		if !errors.As(tc.err, &p) || p.Status != tc.status {
			t.Errorf("%v; want %d", tc.err, tc.status)
		}
	}
}
