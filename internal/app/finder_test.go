package app

import (
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"socle/api"
	"socle/bmc"
	"socle/bmc/find"
	"socle/internal/secret"
	"socle/inventory"
	"socle/inventory/store"
	"socle/lab/redfish/redfishtest"
)

// TestFinder looks for three controllers: one that the manifest has at this address, one whose server the manifest has
// elsewhere, and one that refuses the login. It needs port 443 of addresses of its own on loopback.
func TestFinder(t *testing.T) {
	keys, err := secret.Open(filepath.Join(t.TempDir(), "keys"))
	must(t, err)
	s, err := store.Open(t.Context(), store.Options{URL: filepath.Join(t.TempDir(), "socle.db"), Keys: keys})
	must(t, err)
	defer func() { must(t, s.Close()) }()
	specs := redfishtest.Specs(3, nil, "admin", secret.New("s3cret-Pa55"))
	for i := range specs {
		specs[i].Address = redfishtest.Loopback(61_000+i, 443) // 127.1.244.1 and on
	}
	specs[2].Password = secret.New("another")
	fleet, err := redfishtest.Start(specs)
	must(t, err)
	defer func() { must(t, fleet.Close()) }()
	addr := func(i int) string { return specs[i].Address.Addr().String() }
	for i, at := range []string{net.JoinHostPort(addr(0), strconv.Itoa(443)), "198.18.1.2"} {
		_, err = s.Import(t.Context(), []store.Planned{{Planned: inventory.Planned{Line: i + 2, Name: "hv0" + strconv.Itoa(i+1), Identity: inventory.Identity{Serial: specs[i].Serial},
			BMC: inventory.BMC{Protocol: inventory.Redfish, Address: at, User: "admin"}, Place: inventory.Place{Rack: "r01", U: i + 1}}, Password: secret.New("s3cret-Pa55")}}, "test", false)
		must(t, err)
	}
	f := &finder{store: s, driver: bmc.New(bmc.Options{}), bounds: find.Options{PingWait: 50 * time.Millisecond}}
	scan := func(r api.ScanRequest) map[string]api.Controller {
		t.Helper()
		r.Addresses = addr(0) + "-" + specs[2].Address.Addr().Next().String()
		run, err := f.Scan(t.Context(), "token:admin", r)
		must(t, err)
		got := map[string]api.Controller{}
		n, err := run(t.Context(), func(c api.Controller) { got[c.Address] = c })
		if err != nil || n != 4 || len(got) != 3 {
			t.Fatalf("%d addresses, %d controllers, %v", n, len(got), err)
		}
		return got
	}
	got := scan(api.ScanRequest{})
	if c := got[addr(0)]; c.Machine != "hv01" || c.MatchedBy != "address" || c.Serial != "" || c.Vendor != "Socle" || len(c.Fingerprint) != 64 {
		t.Errorf("first: %+v", c)
	}
	if c := got[addr(1)]; c.Machine != "" {
		t.Errorf("second, of which only the serial is known: %+v", c)
	}
	for _, m := range fleet.Members {
		if m.BMC.Sessions() != 0 || len(m.BMC.Requests()) != 1 {
			t.Errorf("%s was asked %d times", m.Name, len(m.BMC.Requests()))
		}
	}
	got = scan(api.ScanRequest{User: "admin", Password: "s3cret-Pa55"})
	for i, name := range []string{"hv01", "hv02"} {
		if c := got[addr(i)]; c.Machine != name || c.MatchedBy != "serial" || c.Serial != specs[i].Serial || c.Problem != "" {
			t.Errorf("%s: %+v", name, c)
		}
	}
	if c := got[addr(2)]; c.Machine != "" || !strings.Contains(c.Problem, "refuses the login") || strings.Contains(c.Problem, "s3cret") {
		t.Errorf("the one that refuses: %+v", c)
	}
	for _, r := range []api.ScanRequest{{Addresses: "10.0.0.0/8"}, {Addresses: "198.18.1.1", User: "admin"}} {
		if _, err := f.Scan(t.Context(), "token:admin", r); err == nil {
			t.Errorf("%+v was accepted", r)
		}
	}
	wantLeased(t, s, f, specs)
	events, err := s.Events(t.Context(), inventory.EventFilter{Limit: 100})
	must(t, err)
	told := 0
	for _, e := range events {
		if strings.Contains(e.Reason, "looks for BMCs at 4 addresses") && e.Actor == "token:admin" && !strings.Contains(e.Reason, "s3cret") {
			told++
		}
	}
	if told != 2 {
		t.Errorf("the history tells of %d scans", told)
	}
}

// wantLeased looks at leases: those of known servers' network cards and those that are over are left out.
func wantLeased(t *testing.T, s *store.Store, f *finder, specs []redfishtest.Spec) {
	t.Helper()
	const card = "02:53:00:00:00:01"
	_, err := s.Import(t.Context(), []store.Planned{{Planned: inventory.Planned{Line: 2, Name: "hv03", Identity: inventory.Identity{Serial: "SN-3", NICMACs: []string{card}},
		BMC: inventory.BMC{Protocol: inventory.IPMI, Address: "198.18.1.3", MAC: "02:53:00:00:01:03", User: "admin"}, Place: inventory.Place{Rack: "r01", U: 3}}, Password: secret.New("s3cret-Pa55")}}, "test", false)
	must(t, err)
	soon := time.Now().Add(time.Hour)
	_, err = s.SaveLeases(t.Context(), []inventory.Lease{
		{Addr: specs[0].Address.Addr(), MAC: "02:53:00:00:01:03", Expires: soon}, {Addr: specs[1].Address.Addr(), MAC: card, Expires: soon},
		{Addr: specs[2].Address.Addr(), MAC: "02:53:00:00:01:04", Expires: time.Now().Add(-time.Hour)},
	})
	must(t, err)
	run, err := f.Scan(t.Context(), "token:admin", api.ScanRequest{Leases: true})
	must(t, err)
	var got []api.Controller
	n, err := run(t.Context(), func(c api.Controller) { got = append(got, c) })
	if err != nil || n != 1 || len(got) != 1 || got[0].FoundBy != "lease" || got[0].MatchedBy != "address" || got[0].Machine != "hv01" {
		t.Errorf("%d leases, %+v, %v", n, got, err)
	}
}
