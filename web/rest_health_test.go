package web_test

import (
	"errors"
	"net/http"
	"slices"
	"testing"
	"time"

	"socle/api"
	"socle/inventory"
	"socle/web/webtest"
)

// ail makes hv01 one with a failed power supply, and st02 one whose BMC is silent.
func ail(w *webtest.World) {
	watts, inlet := 212.0, 24.5
	now := w.Now()
	c := inventory.Condition{
		Time: now.Add(-time.Minute), Health: inventory.HealthCritical, Locator: inventory.LocatorOff, Watts: &watts,
		Sensors: []inventory.Sensor{
			{Name: "Inlet", Kind: inventory.SensorTemperature, Value: &inlet, Unit: "Cel", Health: inventory.HealthOK},
			{Name: "PSU2", Kind: inventory.SensorSupply, Health: inventory.HealthCritical, State: "Failure detected"},
		},
	}
	alarms := []inventory.Alarm{{Name: "hv01", Key: "sensor:PSU2", Health: inventory.HealthCritical, Text: "PSU2 is critical (Failure detected)", Since: now.Add(-time.Hour)}}
	var samples []inventory.Sample
	for n := range 48 {
		v := 200.0 + float64(n%7)
		samples = append(samples, inventory.Sample{Time: now.Add(time.Duration(n-48) * 5 * time.Minute), Watts: &v, Inlet: &inlet, Health: inventory.HealthOK})
	}
	log := []inventory.LogEntry{
		{ID: "1", Time: now.Add(-time.Hour), Sensor: "PSU2", Text: "Failure detected", Health: inventory.HealthCritical}, {ID: "2", Text: "Log cleared"},
	}
	w.Ail("hv01", c, alarms, samples, log, false)
	w.Ail("st02", inventory.Condition{Failure: "the BMC does not answer", Failures: 4}, nil, nil, nil, true)
}

// TestHealth goes through the API with its own client.
func TestHealth(t *testing.T) {
	world, srv := start(t)
	ail(world)
	c := client(t, srv.URL, webtest.AdminToken)
	ctx := t.Context()
	h, err := c.Health(ctx, "hv01")
	if err != nil || h.Health != "critical" || *h.Watts != 212 || len(h.Sensors) != 2 || len(h.Samples) != 48 || len(h.Alarms) != 1 || h.Time == nil {
		t.Errorf("%+v, %v", h, err)
	}
	if h, err := c.Health(ctx, "st02"); err != nil || h.Failures != 4 || h.Failure == "" || h.Time != nil || h.Sensors == nil {
		t.Errorf("%+v, %v", h, err)
	}
	if h, err := c.Health(ctx, "hv02"); err != nil || h.Health != "" || h.Machine != "hv02" {
		t.Errorf("of one that nobody looked at: %+v, %v", h, err)
	}
	if all, err := c.Alarms(ctx); err != nil || len(all) != 1 || all[0].Machine != "hv01" {
		t.Errorf("%+v, %v", all, err)
	}
	if all, err := c.Sensors(ctx, "hv01"); err != nil || len(all) != 2 || *all[0].Value != 24.5 {
		t.Errorf("%+v, %v", all, err)
	}
	if all, err := c.Firmware(ctx, "hv01"); err != nil || len(all) != 2 {
		t.Errorf("%+v, %v", all, err)
	}
	if i, err := c.BMC(ctx, "hv01"); err != nil || i.Firmware != "1.73.06" {
		t.Errorf("%+v, %v", i, err)
	}
	log, err := c.EventLog(ctx, "hv01", "")
	if err != nil || len(log.Entries) != 2 || log.Entries[0].Time == nil || log.Entries[1].Time != nil {
		t.Errorf("%+v, %v", log, err)
	}
	if more, err := c.EventLog(ctx, "hv01", log.Next); err != nil || len(more.Entries) != 0 || more.Next != log.Next {
		t.Errorf("%+v, %v", more, err)
	}
	if l, err := c.Settings(ctx, "hv01"); err != nil || len(l.Settings) != 3 || l.Settings[0].Value != 60.0 || *l.Settings[0].Most != 240 || len(l.Differences) != 1 {
		t.Errorf("%+v, %v", l, err)
	}
	if r, err := c.Tune(ctx, "hv01", api.SettingsRequest{Values: map[string]any{"AcPwrRcvryDelay": 90}}); err != nil || len(r.Changes) != 1 || r.Changes[0].Want != 90.0 {
		t.Errorf("%+v, %v", r, err)
	}
	if r, err := c.SetSecureBoot(ctx, "hv01", api.SecureBootRequest{ResetKeys: "DeletePK"}); err != nil || len(r.Changes) != 1 {
		t.Errorf("%+v, %v", r, err)
	}
	if sb, err := c.SecureBoot(ctx, "hv01"); err != nil || len(sb.Databases) != 2 || sb.Databases[0].Certificates[0].NotAfter == nil {
		t.Errorf("%+v, %v", sb, err)
	}
	for _, err := range []error{c.ClearLog(ctx, "hv01"), c.ResetBMC(ctx, "hv01")} {
		if err != nil {
			t.Error(err)
		}
	}
	if l, err := c.Locate(ctx, "hv01", true, 10*time.Minute); err != nil || l != "on" {
		t.Errorf("%q, %v", l, err)
	}
	for _, want := range []string{"token:admin: clear the log of hv01", "token:admin: restart the BMC of hv01", "token:admin: light true for 10m0s at hv01"} {
		if !slices.Contains(world.Calls(), want) {
			t.Errorf("%q is not among %q", want, world.Calls())
		}
	}
	_, silent := c.Sensors(ctx, "st02")
	_, unknown := c.Firmware(ctx, "nobody")
	_, mark := c.EventLog(ctx, "hv01", "nonsense")
	_, long := c.Locate(ctx, "hv01", true, 1000*time.Hour)
	for _, tc := range []struct {
		err    error
		status int
	}{{silent, http.StatusBadGateway}, {unknown, http.StatusNotFound}, {mark, http.StatusUnprocessableEntity}, {long, http.StatusUnprocessableEntity}} {
		var p *api.Problem
		if !errors.As(tc.err, &p) || p.Status != tc.status {
			t.Errorf("%v; want %d", tc.err, tc.status)
		}
	}
}
