package dhcp

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"socle/dhcp/dhcptest"
	"socle/internal/nettest"
	"socle/inventory"
)

// TestSquatters: hosts with fixed addresses in the pools, on the link and behind a router, are found before
// anybody is offered their addresses; this is in the store, in the evidence, and told to an operator.
func TestSquatters(t *testing.T) {
	client := peer(t, "prov0", "cli0", "198.18.0.1/24")
	const mac = "52:54:00:00:0f:0f"
	client("ip", "link", "set", "cli0", "address", mac)
	for _, a := range []string{"198.18.0.100/24", "198.18.0.102/24", "198.19.0.2/32"} {
		client("ip", "addr", "add", a, "dev", "cli0")
	}
	nettest.Run(t, "ip", "route", "add", "198.19.0.0/24", "via", "198.18.0.100", "dev", "prov0")
	store, seen := &dhcptest.Leases{}, dhcptest.NewEvidence(t)
	alarms := make(chan inventory.Event, 10)
	s := serve(t, Options{Subnets: []inventory.Subnet{
		{Name: "prov", Interface: "prov0", Prefix: netip.MustParsePrefix("198.18.0.0/24"), PoolFirst: ip("198.18.0.100"), PoolLast: ip("198.18.0.103")},
		{Name: "far", Prefix: netip.MustParsePrefix("198.19.0.0/24"), PoolFirst: ip("198.19.0.2"), PoolLast: ip("198.19.0.3")},
	}, View: hosts{}, Leases: store, Recorder: seen, BootURL: "http://198.18.0.1:8080", Alarm: func(e inventory.Event) { alarms <- e }})
	seen.Await(10*time.Second, "who has 198.18.0.100, before", "in use by "+mac)
	seen.Await(10*time.Second, "who has 198.18.0.102, before", "in use by "+mac)
	seen.Await(10*time.Second, "who has 198.19.0.2, before", "in use by somebody")
	for range 3 {
		select {
		case e := <-alarms:
			if e.Kind != "address" {
				t.Errorf("alarm %+v", e)
			}
		case <-time.After(10 * time.Second):
			t.Fatal("no alarm")
		}
	}
	for _, a := range []string{"198.18.0.100", "198.18.0.102", "198.19.0.2"} {
		if l, ok := store.Lease(a); !ok || l.MAC != "" || !l.Expires.After(time.Now()) {
			t.Errorf("%s is not in quarantine: %+v", a, l)
		}
	}
	got := map[string]string{}
	for _, m := range []string{macA, macB, "52:54:00:00:00:0c"} {
		if out := s.decide(packet(t, discover, m), onProv); out.reply != nil {
			got[out.reply.YourIPAddr.String()] = m
		}
	}
	if len(got) != 2 || got["198.18.0.101"] == "" || got["198.18.0.103"] == "" {
		t.Errorf("offered: %v", got)
	}
	if st := s.Stats(); st.Squatters != 3 || st.Probed < 6 {
		t.Errorf("%+v", st)
	}
}

// TestProbedAddressesComeFirst, and what is offered without is asked for next.
func TestProbedAddressesComeFirst(t *testing.T) {
	b, s := newBook(), wide(24)
	b.probing = true
	x := b.index(span{s.PoolFirst, s.PoolLast})
	barred := func(a netip.Addr) bool { return number(a)%2 == 0 }
	list := b.lacking(x, t0, barred)
	if len(list) != fewestSpares || slices.ContainsFunc(list, barred) {
		t.Fatalf("to be asked for: %v", list)
	}
	for _, a := range list[:2] {
		x.spares = append(x.spares, spare{number(a) - x.first, t0})
	}
	pick := func(now time.Time, mac string) netip.Addr {
		a, ok := b.pick(s.PoolFirst, s.PoolLast, mac, now, nobody)
		if !ok {
			t.Fatal("no address")
		}
		b.put(inventory.Lease{Addr: a, MAC: mac, Expires: now.Add(time.Minute)}, s, true)
		return a
	}
	if a := pick(t0, "a"); a != list[0] {
		t.Errorf("%s, not the first spare", a)
	}
	late := pick(t0.Add(spareLife), "b") // the second spare is too old now
	if list := b.lacking(x, t0.Add(spareLife), barred); !slices.Contains(list, late) || len(list) != fewestSpares+1 {
		t.Errorf("%s was offered unprobed, asked for is %v", late, list)
	}
}

func TestARPSender(t *testing.T) {
	b := arpProbe([]byte{2, 0, 0, 0, 0, 1}, ip("198.18.0.9"))
	if mac, addr, ok := arpSender(b); !ok || mac != "02:00:00:00:00:01" || addr != ip("0.0.0.0") {
		t.Errorf("%s %s %t", mac, addr, ok)
	}
	for _, bad := range [][]byte{nil, b[:27], append([]byte{0, 2}, b[2:]...)} {
		if _, _, ok := arpSender(bad); ok {
			t.Errorf("%x was taken", bad)
		}
	}
}
