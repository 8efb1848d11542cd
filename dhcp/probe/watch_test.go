package probe

import (
	"context"
	"log/slog"
	"net/netip"
	"strings"
	"testing"

	"socle/inventory"
)

// TestWatch finds a server at the start, and another's MAC when a machine took its offer.
func TestWatch(t *testing.T) {
	l := newLAN(t)
	mac := l.dnsmasq("198.18.0.66", "--dhcp-range=198.18.0.230,198.18.0.240")
	l.dnsmasq("198.18.0.67", "--dhcp-range=198.18.0.241,198.18.0.249")
	lines, events := make(chan inventory.Evidence, 16), make(chan inventory.Event, 16)
	w := NewWatch(WatchOptions{
		Subnets: []inventory.Subnet{{Interface: "p0", Mode: inventory.SubnetFull}, {Interface: "", Mode: inventory.SubnetFull}, {Interface: "gone0", Mode: inventory.SubnetOff}},
		Allowed: []netip.Addr{netip.MustParseAddr("198.18.0.67")}, Log: slog.New(slog.DiscardHandler),
		Record: func(e inventory.Evidence) { lines <- e }, Raise: func(e inventory.Event) { events <- e },
	})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	if e := <-events; e.Kind != "foreign-dhcp" || !strings.Contains(e.Reason, "198.18.0.66 (MAC "+mac+"), answers on p0: OFFER to a") {
		t.Errorf("the event is %+v", e)
	}
	if e := <-lines; e.Kind != inventory.SawForeign || e.PeerMAC != mac || e.Peer.String() != "198.18.0.66" {
		t.Errorf("the evidence is %+v", e)
	}
	took := inventory.Evidence{MAC: "52:54:00:00:00:0a", Machine: "m1", Kind: inventory.SawRequest, Outcome: inventory.OutElsewhere, Peer: netip.MustParseAddr("198.18.0.67"), Iface: "p0"}
	w.Record(took)
	if e := <-lines; e != took {
		t.Errorf("passed on was %+v", e)
	}
	if e := <-lines; e.Kind != inventory.SawForeign || e.PeerMAC == "" || e.PeerMAC == mac || e.Machine != "m1" || e.MAC != took.MAC {
		t.Errorf("the named server is %+v", e)
	}
	if e := <-events; !strings.Contains(e.Reason, "198.18.0.67 (MAC ") || !strings.Contains(e.Reason, "gave 52:54:00:00:00:0a its address on p0") {
		t.Errorf("the event is %+v", e)
	}
	w.Record(took)
	<-lines
	<-lines
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	select {
	case e := <-events:
		t.Errorf("told twice within an hour: %+v", e)
	default:
	}
}
