package app

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"socle/api"
	"socle/hardware"
	"socle/internal/secret"
	"socle/inventory"
	"socle/inventory/store"
)

const cablingPlan = "server,port,switch,switch_port\nhv01,1,leaf-a,Ethernet1/1\nhv02,1,leaf-a,Ethernet1/2\nhv03,1,leaf-a,Ethernet1/3\n"

// openStore is an empty store that ends with the test.
func openStore(t testing.TB) *store.Store {
	t.Helper()
	keys, err := secret.Open(filepath.Join(t.TempDir(), "keys"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(t.Context(), store.Options{URL: filepath.Join(t.TempDir(), "db"), Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// TestCablesOfTheStore imports a plan, compares it with what the machines heard, and sees it put right. A machine that
// leaves the plan has no findings any more.
func TestCablesOfTheStore(t *testing.T) {
	s := openStore(t)
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	c := &cables{store: s}
	hears := func(name, port string) {
		t.Helper()
		m, err := s.Machine(t.Context(), name)
		must(t, err)
		_, err = s.Change(t.Context(), m.ID, "test", func(m *inventory.Machine) (inventory.Note, error) {
			m.Facts = &hardware.Facts{NICs: []hardware.NIC{{Name: "eth0", Link: true, LLDP: []hardware.Neighbor{{ChassisID: "44:38:39:00:00:01", SystemName: "leaf-a", PortID: port}}}}}
			return inventory.Note{Kind: "test"}, nil
		})
		must(t, err)
	}
	for i, name := range []string{"hv01", "hv02"} {
		_, err := s.Import(t.Context(), []store.Planned{{Planned: inventory.Planned{Line: 2, Name: name, Identity: inventory.Identity{Serial: "S" + name}}}}, "test", false)
		must(t, err)
		hears(name, []string{"Eth1/2", "Eth1/1"}[i])
	}
	states := func(machines string) string {
		t.Helper()
		r, err := c.CheckCabling(t.Context(), machines)
		must(t, err)
		var all []string
		for _, p := range r.Ports {
			all = append(all, p.Server+" "+p.State)
		}
		return strings.Join(append(all, r.Unknown...), ", ")
	}
	var p *api.Problem
	if _, err := c.ImportCabling(t.Context(), "me", []byte("server,port\nhv01,\n"), false, false); !errors.As(err, &p) || p.Status != 422 || len(p.Errors) != 3 {
		t.Fatalf("a bad plan: %v", err)
	}
	if r, err := c.ImportCabling(t.Context(), "me", []byte(cablingPlan), false, true); err != nil || len(r.Changes) != 3 || r.Changes[0].Line != 2 || states("") != "" {
		t.Fatalf("dry run: %+v, %v", r, err)
	}
	_, err := c.ImportCabling(t.Context(), "me", []byte(cablingPlan), false, false)
	must(t, err)
	if got := states(""); got != "hv01 swapped, hv02 swapped, hv03 unseen, hv03" {
		t.Errorf("states are %s", got)
	}
	if got := states("hv[02-03]"); got != "hv02 swapped, hv03 unseen, hv03" {
		t.Errorf("states of two are %s", got)
	}
	if _, err := c.CheckCabling(t.Context(), "hv["); !errors.As(err, &p) || p.Status != 422 {
		t.Errorf("a bad range: %v", err)
	}
	if plan, err := c.CablePlan(t.Context(), "hv02"); err != nil || len(plan.Cables) != 1 || plan.Cables[0].SwitchPort != "Ethernet1/2" {
		t.Errorf("plan of one: %+v, %v", plan, err)
	}
	if _, err := c.ImportCabling(t.Context(), "me", []byte("server,port,switch,switch_port\nhv04,1,leaf-a,Eth1/1\n"), false, false); !errors.As(err, &p) || p.Status != 409 {
		t.Errorf("a port that is taken: %v", err)
	}
	found := func() map[string][]inventory.Finding {
		t.Helper()
		machines, err := s.Machines(t.Context())
		must(t, err)
		all, err := c.Find(t.Context(), machines)
		must(t, err)
		for id, list := range all {
			must(t, s.SetFindings(t.Context(), inventory.Findings{Machine: id, Source: c.Source(), Time: now, List: list}, "test"))
		}
		return all
	}
	first, err := s.Machine(t.Context(), "hv01")
	must(t, err)
	if all := found(); len(all) != 2 || len(all[first.ID]) != 1 || all[first.ID][0].Kind != inventory.FindSwapped {
		t.Errorf("findings are %+v", all)
	}
	compared := &c.last.Ports[0]
	if states(""); compared != &c.last.Ports[0] {
		t.Error("what the check compared is compared again for a page")
	}
	hears("hv02", "Eth1/2")
	if got := states(""); got != "hv01 wrong-port, hv02 right, hv03 unseen, hv03" {
		t.Errorf("half way: %s", got)
	}
	_, err = c.ImportCabling(t.Context(), "me", []byte("server,port,switch,switch_port\nhv02,1,leaf-a,Eth1/2\n"), true, false)
	must(t, err)
	if all := found(); len(all) != 2 || len(all[first.ID]) != 0 {
		t.Errorf("after it left the plan: %+v", all)
	}
	if all := found(); len(all) != 1 {
		t.Errorf("it is not looked at: %+v", all)
	}
}
