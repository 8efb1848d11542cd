package app

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"socle/api"
	"socle/internal/config"
	"socle/internal/secret"
	"socle/lab/redfish"
	"socle/lab/redfish/redfishtest"
)

// TestHearingBMCs: a power supply fails a moment after its server was looked at. The alarm comes at once, by a stream, by
// posts to the server, and by posts again after both have been restarted; a BMC's slots hold one subscription of ours. A
// stranger who posts makes nobody look.
func TestHearingBMCs(t *testing.T) {
	specs := redfishtest.Specs(2, nil, "root", secret.New("0ther-Pa55"))
	for i, name := range []string{"idrac9", "x11"} { // with a stream and without one
		shape, err := redfish.ShapeByName(name)
		must(t, err)
		specs[i].Shape, specs[i].On = shape, true
	}
	fleet, err := redfishtest.Start(specs)
	must(t, err)
	defer func() { must(t, fleet.Close()) }()
	manifest := "name,serial,rack,u,bmc_protocol,bmc_address,bmc_user,bmc_password\n"
	for i, m := range fleet.Members {
		manifest += fmt.Sprintf("%s,%s,r1,%d,redfish,%s,root,0ther-Pa55\n", m.Name, m.Serial, i+1, m.Address)
	}
	c := config.Default()
	c.DataDir, c.Listen, c.Health.Every = t.TempDir(), freeAddr(t), time.Hour
	c.Health.EventsURL = "https://" + c.Listen
	client, stop := serve(t, c)
	_, err = client.Import(t.Context(), strings.NewReader(manifest), false)
	must(t, err)
	stop() // what is there at the start is looked at soon
	client, stop = serve(t, c)
	streamed, posts := fleet.Members[0].BMC, fleet.Members[1].BMC
	heard := func() bool { return streamed.Streams() == 1 && len(posts.Subscriptions()) == 1 }
	awaited(t, "both are heard", heard)
	alarm := func(name, part string, b *redfish.BMC) {
		t.Helper()
		start := time.Now()
		must(t, b.SetHealth(part, redfish.Critical))
		awaited(t, name+": alarm about "+part, func() bool {
			h, err := client.Health(t.Context(), name)
			must(t, err)
			for _, a := range h.Alarms {
				if a.Key == "sensor:"+part {
					return true
				}
			}
			return false
		})
		t.Logf("%s: the alarm about %s came after %v, with an hour between looks", name, part, time.Since(start).Round(time.Millisecond))
	}
	alarm("n0001", "PSU1", streamed)
	alarm("n0002", "PSU1", posts)

	post := func(url, body string) int {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, bytes.NewReader([]byte(body)))
		must(t, err)
		anybody := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}} //nolint:gosec // as BMCs do
		res, err := anybody.Do(req)
		must(t, err)
		must(t, res.Body.Close())
		return res.StatusCode
	}
	to := posts.Subscriptions()[0].Destination
	for _, x := range []struct {
		url, body string
		want      int
	}{
		{to, `{"Events":[{"Message":"hello"}]}`, http.StatusNoContent}, {to, "no event", http.StatusBadRequest},
		{to[:len(to)-1] + "x", `{"Events":[{"Message":"hello"}]}`, http.StatusNotFound}, {"https://" + c.Listen + api.PathBMCEvents + "/n0001/x", "", http.StatusNotFound},
	} {
		if got := post(x.url, x.body); got != x.want {
			t.Errorf("posting %q to %s: %d", x.body, x.url, got)
		}
	}

	stop()
	_, stop = serve(t, c)
	defer stop()
	awaited(t, "the stream is there again, and still one subscription", heard)
}
