package app

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"socle/api"
	"socle/internal/config"
	"socle/internal/secret"
	"socle/lab/redfish/redfishtest"
)

// TestDrivesOfServers: media and boot devices through the whole server, on a controller. What people do is in the history,
// without what gives access to an image, and nobody is shown the secret in the URL of a medium of ours.
func TestDrivesOfServers(t *testing.T) {
	fleet, err := redfishtest.Start(redfishtest.Specs(1, nil, "root", secret.New("0ther-Pa55")))
	must(t, err)
	defer func() { must(t, fleet.Close()) }()
	one := fleet.Members[0]
	c := config.Default()
	c.DataDir, c.Listen = t.TempDir(), freeAddr(t)
	client, stop := serve(t, c)
	defer stop()
	ctx := t.Context()
	_, err = client.Import(ctx, strings.NewReader(fmt.Sprintf("name,serial,rack,u,bmc_protocol,bmc_address,bmc_user,bmc_password\n%s,%s,r1,1,redfish,%s,root,0ther-Pa55\n", one.Name, one.Serial, one.Address)), false)
	must(t, err)

	const ours = "http://198.18.0.1:8080/boot/medium/m-1/the-secret-of-it/socle-boot.iso"
	all, err := client.InsertMedia(ctx, one.Name, ours+"?key=another")
	if err != nil || !all[0].Inserted || strings.Contains(all[0].Image, "secret") || one.BMC.Medium("CD") != ours+"?key=another" {
		t.Errorf("%+v, %v", all, err)
	}
	if all, err = client.EjectMedia(ctx, one.Name); err != nil || all[0].Inserted || one.BMC.Medium("CD") != "" {
		t.Errorf("%+v, %v", all, err)
	}
	for _, want := range []api.BootRequest{{Device: "cd"}, {Device: "http", Persistent: true}, {Device: "none"}} {
		o, err := client.SetBootOverride(ctx, one.Name, want)
		if err != nil || o.Device != want.Device || o.Persistent != want.Persistent || !o.UEFI {
			t.Errorf("%+v: %+v, %v", want, o, err)
		}
		if again, err := client.BootOverride(ctx, one.Name); err != nil || again != o {
			t.Errorf("%+v: read again %+v, %v", want, again, err)
		}
	}
	_, err = client.InsertMedia(ctx, one.Name, "http://someone:Pa55@198.18.0.1/a.iso")
	var p *api.Problem
	if !errors.As(err, &p) || p.Status != http.StatusUnprocessableEntity || strings.Contains(p.Detail, "Pa55") {
		t.Errorf("a URL with a password: %v", err)
	}
	events, err := client.Events(ctx, api.EventQuery{Limit: 200})
	must(t, err)
	for _, want := range []string{"inserting a medium was ordered", "ejecting the medium was ordered", "the virtual drives for CDs are empty", `every boot from "uefi_http"`} {
		if !slices.ContainsFunc(events.Events, func(e api.Event) bool { return strings.Contains(e.Reason, want) }) {
			t.Errorf("%q is not in the history", want)
		}
	}
	if slices.ContainsFunc(events.Events, func(e api.Event) bool {
		return strings.Contains(e.Reason, "another") || strings.Contains(e.Reason, "the-secret")
	}) {
		t.Error("the history tells how to get at an image")
	}
}
