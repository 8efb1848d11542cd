package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"socle/api"
)

// TestCablingPage shows the plugs to move above, each once, the ports that are not right before those that are, and says of a
// BMC's port that it cannot be checked.
func TestCablingPage(t *testing.T) {
	world, srv := start(t)
	plan := func(server, port, at string) *api.Cable {
		return &api.Cable{Server: server, Port: port, Switch: "leaf-<a>", SwitchPort: at, Label: "C-" + at}
	}
	swap := "hv01 port 1 and st01 port 1 are swapped at leaf-<a>"
	since := time.Date(2026, 11, 26, 12, 31, 7, 0, time.UTC)
	world.Cable(api.CableReport{Unknown: []string{"ghost01"}, Ports: []api.CablePort{
		{Server: "hv01", State: "right", Plan: plan("hv01", "2", "Eth9"), NIC: "eth1", Link: true, Heard: &api.CableHeard{Switch: "leaf-<a>", Port: "Eth9"}},
		{Server: "hv01", State: "swapped", Bad: true, Plan: plan("hv01", "1", "Eth1"), NIC: "eth0", Link: true, Since: since, Heard: &api.CableHeard{Switch: "leaf-<a>", Port: "Eth2"}, Text: swap, Fix: "exchange the two plugs"},
		{Server: "st01", State: "swapped", Bad: true, Plan: plan("st01", "1", "Eth2"), NIC: "eth0", Link: true, Heard: &api.CableHeard{Switch: "leaf-<a>", Port: "Eth1"}, Text: swap, Fix: "exchange the two plugs"},
		{Server: "st01", State: "unseen", Blind: true, Plan: plan("st01", "BMC", "12")},
		{Server: "st01", State: "no-link", Bad: true, Plan: plan("st01", "2", "Eth4"), NIC: "eth1", Text: "no link", Fix: "plug it in"},
	}})
	c := login(t, srv)
	_, body := page(t, c, srv.URL+"/cabling")
	for _, want := range []string{"1 of 5 are right, 1 of BMCs cannot be checked", "hv01 port 1 and st01 port 1 are swapped at leaf-&lt;a&gt;", "exchange the two plugs",
		"leaf-&lt;a&gt; Eth1", "12:31:07", "no link", "cannot be heard", "ghost01", `<a href="/machines/hv01">hv01</a>`, `id="ports" data-live`, "C-Eth1"} {
		if !strings.Contains(body, want) {
			t.Errorf("no %q on the page", want)
		}
	}
	if n := strings.Count(body, "exchange the two plugs"); n != 1 {
		t.Errorf("the swap is told %d times", n)
	}
	if strings.Contains(body, "All right") || strings.Index(body, "<b>swapped</b>") > strings.Index(body, ">right<") {
		t.Error("what is right comes first, or all is said to be")
	}
	for _, rack := range []string{"r1", "ams1/hall 2/r1"} { // the rack's page links to it by the full name
		if _, body := page(t, c, srv.URL+"/cabling?rack="+url.QueryEscape(rack)); !strings.Contains(body, "exchange the two plugs") {
			t.Errorf("the rack %s has no cables", rack)
		}
	}
	if _, body := page(t, c, srv.URL+"/cabling?rack=nowhere"); strings.Contains(body, "swapped") || !strings.Contains(body, "no cables of these machines") {
		t.Error("a rack without machines has cables")
	}
	if res, _ := page(t, c, srv.URL+"/cabling?rack="+strings.Repeat("x", 301)); res.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("a long name: %d", res.StatusCode)
	}
	world.Cable(api.CableReport{Ports: []api.CablePort{{Server: "hv01", State: "right", Plan: plan("hv01", "2", "Eth9")}, {Server: "hv01", State: "unseen", Blind: true, Plan: plan("hv01", "BMC", "12")}}})
	if _, body := page(t, c, srv.URL+"/cabling"); !strings.Contains(body, "All right") || !strings.Contains(body, "1 of BMCs cannot be checked") {
		t.Error("a plan that is fulfilled is not said to be")
	}
}
