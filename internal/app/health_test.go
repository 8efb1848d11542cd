package app

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"socle/api"
	"socle/internal/config"
	"socle/internal/secret"
	"socle/lab/redfish"
	"socle/lab/redfish/redfishtest"
)

// awaited asks until it is so, or fails.
func awaited(t *testing.T, what string, so func() bool) {
	t.Helper()
	end := time.Now().Add(time.Minute)
	for tick := time.NewTicker(100 * time.Millisecond); ; {
		if so() {
			tick.Stop()
			return
		}
		if time.Now().After(end) {
			t.Fatalf("not in a minute: %s", what)
		}
		<-tick.C
	}
}

// TestLookingAfterServers is the whole of it: a server with controllers, of which one has a failed power supply; alarms,
// history, metrics, a restart of a controller, and a light that goes out although the server was restarted meanwhile.
func TestLookingAfterServers(t *testing.T) {
	specs := redfishtest.Specs(2, nil, "root", secret.New("0ther-Pa55"))
	specs[0].On, specs[1].On = true, true
	specs[0].Health = map[string]string{"PSU1": redfish.Critical}
	fleet, err := redfishtest.Start(specs)
	must(t, err)
	defer func() { must(t, fleet.Close()) }()
	manifest := "name,serial,rack,u,bmc_protocol,bmc_address,bmc_user,bmc_password\n"
	for i, m := range fleet.Members {
		manifest += fmt.Sprintf("%s,%s,r1,%d,redfish,%s,root,0ther-Pa55\n", m.Name, m.Serial, i+1, m.Address)
	}
	c := config.Default()
	c.DataDir, c.Listen = t.TempDir(), freeAddr(t)
	client, stop := serve(t, c)
	ctx := t.Context()
	_, err = client.Import(ctx, strings.NewReader(manifest), false)
	must(t, err)
	stop() // what is there at the start is looked at soon
	client, stop = serve(t, c)
	var h api.Health
	awaited(t, "n0001 was looked at", func() bool {
		h, err = client.Health(ctx, "n0001")
		must(t, err)
		return h.Time != nil
	})
	if h.Health != "critical" || len(h.Alarms) != 1 || h.Alarms[0].Key != "sensor:PSU1" || len(h.Samples) == 0 || h.Watts == nil || len(h.Sensors) < 10 {
		t.Errorf("%+v", h)
	}
	events, err := client.Events(ctx, api.EventQuery{Machine: "n0001", Limit: 100})
	must(t, err)
	if !slices.ContainsFunc(events.Events, func(e api.Event) bool { return e.Kind == "alarm" && strings.Contains(e.Reason, "PSU1 is critical") }) {
		t.Errorf("no alarm in the history: %+v", events.Events)
	}
	awaited(t, "the metrics show both", func() bool {
		text := metricsOf(t, c)
		return strings.Contains(text, `socle_machine_health{machine="n0001"} 3`) && strings.Contains(text, `socle_machine_health{machine="n0002"} 1`) &&
			strings.Contains(text, `socle_alarms{health="critical"} 1`) && strings.Contains(text, `socle_machine_power_watts{machine="n0002"} 1`)
	})
	if firmware, err := client.Firmware(ctx, "n0002"); err != nil || len(firmware) != 3 {
		t.Errorf("%+v, %v", firmware, err)
	}
	if light, err := client.Locate(ctx, "n0002", true, 3*time.Second); err != nil || light != "on" || !fleet.Members[1].BMC.Located() {
		t.Errorf("light %q, %v", light, err)
	}
	stop()
	client, stop = serve(t, c)
	defer stop()
	awaited(t, "the light went out", func() bool { return !fleet.Members[1].BMC.Located() })
	if log, err := client.EventLog(ctx, "n0001", ""); err != nil || len(log.Entries) != 1 || !strings.Contains(log.Entries[0].Text, "PSU1") {
		t.Errorf("%+v, %v", log, err)
	}
	must(t, client.ResetBMC(ctx, "n0001"))
	must(t, client.ClearLog(ctx, "n0001"))
	events, err = client.Events(ctx, api.EventQuery{Limit: 200})
	must(t, err)
	for _, want := range []string{"the locator light is off: its time is over", "a restart of the BMC was ordered", "the BMC answers again after", "clearing the event log"} {
		if !slices.ContainsFunc(events.Events, func(e api.Event) bool { return strings.Contains(e.Reason, want) }) {
			t.Errorf("%q is not in the history", want)
		}
	}
	alarms := 0
	for _, e := range events.Events {
		if e.Kind == "alarm" && e.Machine == "n0001" {
			alarms++
		}
	}
	if alarms != 1 {
		t.Errorf("the alarm was raised %d times", alarms)
	}
}

// metricsOf scrapes the server as Prometheus does.
func metricsOf(t *testing.T, c config.Config) string {
	t.Helper()
	ca, err := os.ReadFile(filepath.Join(c.DataDir, "ca.crt"))
	must(t, err)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, DisableKeepAlives: true}}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+c.Listen+"/metrics", nil)
	must(t, err)
	token, err := os.ReadFile(filepath.Join(c.DataDir, "admin-token"))
	must(t, err)
	req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	res, err := client.Do(req)
	must(t, err)
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	must(t, err)
	return string(text)
}
