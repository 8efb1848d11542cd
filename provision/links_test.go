package provision_test

import (
	"errors"
	"testing"

	"socle/api"
	"socle/hardware"
	"socle/inventory"
	"socle/inventory/store"
)

// TestPostLinks: what is plugged in goes into the facts, and into the history once; before the facts there is nothing to add it to.
func TestPostLinks(t *testing.T) {
	onBoth(t, func(t *testing.T, r *rack) {
		ctx := t.Context()
		r.add("hv01", 1)
		reply, err := r.engine.OpenSession(ctx, api.SessionRequest{Token: r.bootToken(r.engine), BootID: "b", Serial: "SN-hv01"}, here)
		must(t, err)
		s, err := r.engine.Session(ctx, reply.Token)
		must(t, err)
		post := func(links ...hardware.Link) inventory.Machine {
			t.Helper()
			must(t, r.engine.PostLinks(ctx, s, api.LinksPost{Links: links}))
			m, err := r.store.Machine(ctx, "hv01")
			must(t, err)
			return m
		}
		link := hardware.Link{NIC: "eth0", MAC: "52:54:00:00:00:01", Up: true, LLDP: []hardware.Neighbor{{ChassisID: "c", SystemName: "leaf-a", PortID: "Eth1", TTL: 120}}}
		if got := post(link); got.Facts != nil {
			t.Errorf("before its facts it has %+v", got.Facts)
		}
		must(t, r.engine.PostFacts(ctx, s, api.FactsPost{Facts: hardware.Facts{System: hardware.System{Serial: "SN-hv01"}, NICs: []hardware.NIC{{Name: "eth0", MAC: link.MAC}}}}))
		first := post(link)
		if n := first.Facts.NICs[0]; !n.Link || len(n.LLDP) != 1 || n.HeardAt.IsZero() {
			t.Errorf("%+v", n)
		}
		if again := post(link); again.Version != first.Version {
			t.Error("the same said again changed the machine")
		}
		link.Up, link.LLDP = false, nil
		if gone := post(link); gone.Facts.NICs[0].Link || !gone.FactsAt.Equal(first.FactsAt) {
			t.Errorf("pulled: %+v", gone.Facts.NICs[0])
		}
		events, err := r.store.Events(ctx, store.EventFilter{Machine: first.ID, Limit: 100})
		must(t, err)
		var said []string
		for _, e := range events {
			if e.Kind == "cables" {
				said = append(said, e.Reason)
			}
		}
		if len(said) != 2 || said[0] != "eth0 hears leaf-a Eth1" || said[1] != "eth0 has no link" {
			t.Errorf("the history says %q", said)
		}
		var p *api.Problem
		if err := r.engine.PostLinks(ctx, s, api.LinksPost{Links: make([]hardware.Link, 300)}); !errors.As(err, &p) || p.Status != 422 {
			t.Errorf("300 links: %v", err)
		}
	})
}
