package dhcp6

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"socle/dhcp/dhcptest"
	"socle/inventory"
)

func TestFloodOfInventedClients(t *testing.T) {
	b := newBench(t, func(o *Options) { o.MaxLeases = 100 })
	given := 0
	for i := range 1000 {
		m := b.ask(linkB, msg(kindRequest, []byte{0, 3, 0, 1, 2, 0, 0, 0, byte(i >> 8), byte(i)}).server(b.id()).ia(1))
		if got, _ := assigned(t, m, 1); len(got) > 0 {
			given++
		}
	}
	if given != 100 || len(b.s.h.books[0].byAddr) != 100 {
		t.Errorf("%d addresses were given, %d are remembered", given, len(b.s.h.books[0].byAddr))
	}
	b.now = b.now.Add(2 * time.Hour)
	b.lease(linkA, duidLLA, 1)
	if n := len(b.s.h.books[0].byAddr); n != 1 {
		t.Errorf("after their end %d are remembered", n)
	}
}

func TestRateOfOneClient(t *testing.T) {
	b := newBench(t, func(o *Options) { o.Rate, o.Burst = 2, 5 })
	r, _ := parse(msg(kindSolicit, duidLLA).ia(1).b, linkA)
	passed := func() (n int) {
		for range 20 {
			if _, ok := b.s.decide(r, linkA); ok {
				n++
			}
		}
		return n
	}
	if n := passed(); n != 5 {
		t.Errorf("%d pass at once", n)
	}
	b.now = b.now.Add(time.Second)
	if n := passed(); n != 2 {
		t.Errorf("%d pass after a second", n)
	}
	other, _ := parse(msg(kindSolicit, duidLLB).ia(1).b, linkB)
	if _, ok := b.s.decide(other, linkB); !ok {
		t.Error("another client suffers")
	}
}

func TestLeasesAreLoaded(t *testing.T) {
	l := &dhcptest.Leases{}
	b := newBench(t, nil)
	addr := b.lease(linkA, duidEdk, 1)
	if _, err := l.SaveLeases(t.Context(), append(b.out.save, inventory.Lease{Addr: ip("198.18.0.7"), MAC: macB, Expires: b.now.Add(time.Hour)},
		inventory.Lease{Addr: ip("2001:db8:1::1:5"), Expires: b.now.Add(time.Hour)})); err != nil {
		t.Fatal(err)
	}
	b = newBench(t, func(o *Options) { o.Leases = l })
	b.s.replica.Load(t.Context())
	if st := b.s.Stats(); st.Leases != 1 {
		t.Errorf("%d leases", st.Leases)
	}
	if mac, ok := b.s.Holder(ip(addr)); mac != macA || !ok {
		t.Errorf("held by %q", mac)
	}
	if got := b.lease(linkA, duidUUIDA, 2); got != addr {
		t.Errorf("the next stage gets %s instead of %s", got, addr)
	}
}

func TestOptionsAreChecked(t *testing.T) {
	for name, change := range map[string]func(*Options){
		"no subnet":              func(o *Options) { o.Subnets = nil },
		"a view":                 func(o *Options) { o.View = nil },
		"server identifier":      func(o *Options) { o.ServerID = nil },
		"boot URL":               func(o *Options) { o.BootURL = func(netip.Addr) string { return "ftp://x" } },
		"give an IPv6 prefix":    func(o *Options) { o.Subnets[0].Prefix = netip.MustParsePrefix("198.18.0.0/24") },
		"lease time":             func(o *Options) { o.Subnets[0].LeaseTime = time.Second },
		"nowhere to listen":      func(o *Options) { o.Subnets[0].Interface = "" },
		"server invalid IP":      func(o *Options) { o.Subnets[0].Server = netip.Addr{} },
		"198.18.0.1 is not IPv6": func(o *Options) { o.Subnets[0].DNS = []netip.Addr{ip("198.18.0.1")} },
		"is not a range":         func(o *Options) { o.Subnets[0].PoolLast = ip("2001:db8:2::1") },
		"in one /64": func(o *Options) {
			o.Subnets[0].Prefix, o.Subnets[0].PoolLast = netip.MustParsePrefix("2001:db8::/32"), ip("2001:db8:2::1")
		},
		"reserved address": func(o *Options) {
			o.Subnets[0].Reservations = []inventory.Reservation6{{MAC: macA, Addr: ip("2001:db8:2::1")}}
		},
		"overlaps": func(o *Options) { o.Subnets = append(o.Subnets, o.Subnets[0]) },
	} {
		opt := provOptions(&dhcptest.Leases{}, nil, hosts{})
		change(&opt)
		if _, err := New(opt); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPoolOfAWholeNetwork(t *testing.T) {
	b := newBench(t, func(o *Options) {
		o.Subnets[0].PoolFirst, o.Subnets[0].PoolLast = ip("2001:db8:1::"), ip("2001:db8:1:0:ffff:ffff:ffff:ffff")
	})
	seen := map[string]bool{}
	for i := range 100 {
		addr := b.lease(linkB, []byte{0, 3, 0, 1, 2, 0, 0, 0, 0, byte(i)}, 1)
		if seen[addr] || addr == "2001:db8:1::" {
			t.Errorf("%s is given twice, or not for hosts", addr)
		}
		seen[addr] = true
	}
}

// Another server has given the address to somebody else, and this one does not know it yet.
func TestAddressIsLostToAnotherServer(t *testing.T) {
	l, e := &dhcptest.Leases{}, dhcptest.NewEvidence(t)
	b := newBench(t, func(o *Options) { o.Leases, o.Recorder = l, e })
	m := b.ask(linkA, msg(kindSolicit, duidLLA).ia(1))
	offer, _ := assigned(t, m, 1)
	held := inventory.Lease{Addr: ip(offer[0]), MAC: macB, ClientID: leaseID(string(duidLLB), 1), Starts: b.now, Expires: b.now.Add(time.Hour)}
	l.Put(held)
	m = b.ask(linkA, msg(kindRequest, duidLLA).server(b.id()).ia(1, offer...))
	batch := []ack{{b.out, job{from: linkA.Source, port: &port{}}, &request{message: message{kind: kindRequest}}}}
	lost, err := b.s.save(t.Context(), leasesOf(batch))
	if err != nil {
		t.Fatal(err)
	}
	if b.s.settle(batch, lost); batch[0].reply != nil || batch[0].saw.outcome != inventory.OutUnstored {
		t.Fatalf("the answer still promises %s", m.Summary())
	}
	b.s.send(batch[0])
	e.Await(time.Second, "another server has just given the address")
	if got := b.lease(linkA, duidLLA, 1); got == offer[0] {
		t.Error("the client is promised the address again")
	}
}

func TestOtherServersAreFollowed(t *testing.T) {
	l := &dhcptest.Leases{}
	b := newBench(t, func(o *Options) { o.Leases = l })
	l.Tell(inventory.Lease{Addr: ip("2001:db8:1::1:99"), MAC: macA, ClientID: leaseID(string(duidEdk), 1), Starts: b.now, Expires: b.now.Add(time.Hour)})
	if n, err := b.s.replica.Sync(t.Context()); n != 1 || err != nil {
		t.Fatalf("%d leases, %v", n, err)
	}
	if got := b.lease(linkA, duidUUIDA, 7); got != "2001:db8:1::1:99" {
		t.Errorf("the machine got %s", got)
	}
}

func TestEvidence(t *testing.T) {
	var seen []inventory.Evidence
	b := newBench(t, func(o *Options) {
		o.View, o.Recorder = hosts{macA: {Machine: "m1"}}, recorderFunc(func(e inventory.Evidence) { seen = append(seen, e) })
	})
	for _, tc := range []struct {
		p    *packet
		want inventory.Evidence
	}{
		{msg(kindSolicit, duidEdk).ia(1, "2001:db8:1::1:7").class("PXEClient:Arch:00007", 7), inventory.Evidence{Kind: inventory.SawDiscover, Outcome: inventory.OutOffered,
			Client: inventory.StageFirmware, Arch: "7", File: "tftp://[2001:db8:1::1]/snponly.efi", Addr: ip("2001:db8:1::1:7")}},
		{msg(kindSolicit, duidEdk).ia(1, "2001:db8:1::1:7").class("PXEClient:Arch:00006", 6), inventory.Evidence{Kind: inventory.SawDiscover, Outcome: inventory.OutNoFile,
			Client: inventory.StageFirmware, Arch: "6", Addr: ip("2001:db8:1::1:7")}},
		{msg(kindRequest, duidEdk).server(b.id()).ia(1, "2001:db8:2::7"), inventory.Evidence{Kind: inventory.SawRequest, Outcome: inventory.OutNoAddress, Client: inventory.StageSystem}},
		{msg(kindRequest, duidEdk).server([]byte{0, 4, 1}).ia(1), inventory.Evidence{Kind: inventory.SawRequest, Outcome: inventory.OutElsewhere, Client: inventory.StageSystem}},
		{msg(kindRebind, duidLLA).ia(1, "2001:db8:1::1:7").opt(optVendorClass, append([]byte{0, 0, 1, 2, 0, 11}, agentClass...)...), inventory.Evidence{
			Kind: inventory.SawRequest, Outcome: inventory.OutAcked, Client: inventory.StageAgent, Addr: ip("2001:db8:1::1:7")}},
		{msg(kindInformationRequest, nil), inventory.Evidence{Kind: inventory.SawInform, Outcome: inventory.OutAcked, Client: inventory.StageSystem}},
	} {
		r, err := parse(tc.p.b, linkA)
		if err != nil {
			t.Fatal(err)
		}
		out, _ := b.s.decide(r, linkA)
		b.s.record(ack{out, job{port: &port{name: "prov0"}}, r}, out.why)
		tc.want.Time, tc.want.MAC, tc.want.Machine, tc.want.Source, tc.want.Iface = b.now, macA, "m1", "dhcp", "prov0"
		got := seen[len(seen)-1]
		if got.Asked == "" || got.Reply == "" {
			t.Errorf("no words for people: %+v", got)
		}
		got.Asked, got.Reply = "", ""
		if diff := cmp.Diff(tc.want, got, cmpopts.EquateComparable(netip.Addr{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", r, diff)
		}
	}
}

type recorderFunc func(inventory.Evidence)

func (f recorderFunc) Record(e inventory.Evidence) { f(e) }
