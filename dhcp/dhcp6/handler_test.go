package dhcp6

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"

	"socle/dhcp/dhcptest"
	"socle/inventory"
)

// bench is a handler with its clock.
type bench struct {
	t   *testing.T
	s   *Server
	now time.Time
	out answer
}

func newBench(t *testing.T, change func(*Options)) *bench {
	t.Helper()
	b := &bench{t: t, now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	opt := provOptions(&dhcptest.Leases{}, nil, hosts{})
	opt.Now = func() time.Time { return b.now }
	opt.Rate, opt.Burst = 1000, 100000
	if change != nil {
		change(&opt)
	}
	var err error
	if b.s, err = New(opt); err != nil {
		t.Fatal(err)
	}
	return b
}

// ask sends a message; nil when the answer is silence.
func (b *bench) ask(link Link, p *packet) *dhcpv6.Message {
	b.t.Helper()
	r, err := parse(p.b, link)
	if err != nil {
		b.t.Fatalf("reading the request: %v", err)
	}
	b.out, _ = b.s.decide(r, link)
	if b.out.why == "" {
		b.t.Error("the answer has no reason")
	}
	if b.out.reply == nil {
		return nil
	}
	m := decoded(b.t, b.out.reply)
	if m.TransactionID != (dhcpv6.TransactionID{1, 2, 3}) {
		b.t.Errorf("transaction %s", m.TransactionID)
	}
	return m
}

// lease is what an association of a client gets, after SOLICIT and REQUEST.
func (b *bench) lease(link Link, duid []byte, iaid uint32) string {
	b.t.Helper()
	offer, _ := assigned(b.t, b.ask(link, msg(kindSolicit, duid).ia(iaid)), iaid)
	if len(offer) != 1 {
		b.t.Fatalf("offered: %v (%s)", offer, b.out.why)
	}
	got, _ := assigned(b.t, b.ask(link, msg(kindRequest, duid).server(b.id()).ia(iaid, offer...)), iaid)
	if !slices.Equal(got, offer) {
		b.t.Fatalf("offered %v, given %v", offer, got)
	}
	if len(b.out.save) != 1 || b.out.save[0].Addr.String() != got[0] {
		b.t.Fatalf("to be stored: %+v", b.out.save)
	}
	return got[0]
}

func (b *bench) id() []byte { return b.s.opt.ServerID }

func TestAddressIsKept(t *testing.T) {
	b := newBench(t, nil)
	addr := b.lease(linkA, duidLLA, 1)
	if got := b.lease(linkA, duidLLA, 1); got != addr {
		t.Errorf("the same association got %s, then %s", addr, got)
	}
	if got := b.lease(linkB, duidLLB, 1); got == addr {
		t.Errorf("two clients have %s", addr)
	}
	m := b.ask(linkA, msg(kindRequest, duidLLA).server(b.id()).ia(1).ia(2))
	one, _ := assigned(t, m, 1)
	two, _ := assigned(t, m, 2)
	if len(one) != 1 || len(two) != 1 || one[0] != addr || two[0] == addr || len(b.out.save) != 2 {
		t.Errorf("two associations at once have %v and %v", one, two)
	}
	b.now = b.now.Add(24 * time.Hour)
	if got := b.lease(linkA, duidLLA, 1); got != addr {
		t.Errorf("after its end it got %s instead of %s", got, addr)
	}
}

// The firmware, iPXE and the ramdisk of one machine call themselves by a DUID each and share its MAC.
func TestStagesOfABootShareTheAddress(t *testing.T) {
	b := newBench(t, nil)
	addr := b.lease(linkA, duidEdk, 0xcafe)
	for _, stage := range [][]byte{duidEdk, duidUUIDA, duidLLA, {0, 1, 0, 1, 1, 2, 3, 4, 0x52, 0x54, 0, 0, 0, 0x0a}, {0, 2, 0, 0, 0, 9, 1}} {
		if got := b.lease(linkA, stage, 7); got != addr {
			t.Errorf("DUID %x got %s instead of %s", stage, got, addr)
		}
	}
	if mac, ok := b.s.Holder(ip(addr)); mac != macA || !ok {
		t.Errorf("it is held by %q", mac)
	}
	// Clients behind one address that name other MACs are other clients.
	if got := b.lease(linkA, duidLLB, 7); got == addr {
		t.Errorf("a client with another MAC in its DUID got %s too", got)
	}
}

// EDK2 asks once for its network stack and once for the program that boots, and gives the first one back while
// the second one works.
func TestSharedAddressIsHeldByTheRest(t *testing.T) {
	b := newBench(t, nil)
	addr := b.lease(linkA, duidEdk, 1)
	if got := b.lease(linkA, duidEdk, 2); got != addr {
		t.Fatalf("the second association got %s and not %s", got, addr)
	}
	release := func(id uint32) string {
		m := b.ask(linkA, msg(kindRelease, duidEdk).server(b.id()).ia(id, addr))
		return m.Options.Status().StatusCode.String()
	}
	if s := release(2); s != "Success" || b.out.save[0].ClientID != leaseID(string(duidEdk), 1) || !b.out.save[0].Expires.After(b.now) {
		t.Errorf("after one release, to be stored: %+v", b.out.save)
	}
	if mac, ok := b.s.Holder(ip(addr)); mac != macA || !ok {
		t.Error("the address is gone with the first of two releases")
	}
	release(1)
	if mac, ok := b.s.Holder(ip(addr)); mac != macA || !ok {
		t.Error("the address is gone with the last release, and a loader may go on with it")
	}
	b.now = b.now.Add(releaseGrace)
	if _, ok := b.s.Holder(ip(addr)); ok || b.out.save[0].Expires.After(b.now) {
		t.Error("the address stays long after the last release")
	}
	// The ones before do not hold what the next program has.
	b.lease(linkA, duidEdk, 1)
	b.lease(linkA, duidEdk, 2)
	b.lease(linkA, duidUUIDA, 9)
	if e := b.s.h.books[0].byAddr[ip(addr)]; len(e.owners) != 1 {
		t.Errorf("owners: %v", e.owners)
	}
	for i := range uint32(3 * maxOwners) {
		b.lease(linkA, duidUUIDA, i)
	}
	if e := b.s.h.books[0].byAddr[ip(addr)]; len(e.owners) != maxOwners || len(b.s.h.books[0].byOwner) != maxOwners {
		t.Errorf("%d owners, %d remembered", len(e.owners), len(b.s.h.books[0].byOwner))
	}
}

func TestReservations(t *testing.T) {
	for _, tc := range []struct {
		name string
		res  inventory.Reservation6
		link Link
		duid []byte
	}{
		{"by the MAC in the source address", inventory.Reservation6{MAC: macA}, linkA, []byte{0, 2, 0, 0, 0, 9, 1}},
		{"by the MAC in the DUID", inventory.Reservation6{MAC: macB}, linkA, duidLLB},
		{"by UUID", inventory.Reservation6{UUID: uuidA}, linkA, duidUUIDA},
		{"by UUID as EDK2 sends it", inventory.Reservation6{UUID: uuidA}, linkA, duidEdk},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.res.Addr = ip("2001:db8:1::1:7") // in the pool
			b := newBench(t, func(o *Options) {
				o.Subnets[0].Reservations = []inventory.Reservation6{tc.res}
				o.Subnets[0].PoolLast = ip("2001:db8:1::1:8")
			})
			for i := range 8 { // everything else of the pool goes to others
				b.lease(linkC, []byte{0, 3, 0, 1, 2, 0, 0, 0, 0, byte(i)}, 1)
			}
			m := b.ask(linkC, msg(kindSolicit, []byte{0, 3, 0, 1, 2, 0, 0, 0, 1, 0}).ia(1))
			if got, status := assigned(t, m, 1); len(got) != 0 || status != "NoAddrsAvail" {
				t.Errorf("the reserved address went to somebody else: %v %s", got, status)
			}
			if got := b.lease(tc.link, tc.duid, 9); got != "2001:db8:1::1:7" {
				t.Errorf("its owner got %s", got)
			}
		})
	}
}

func TestMachineIsFound(t *testing.T) {
	for name, view := range map[string]hosts{"MAC": {macA: {Machine: "m1"}}, "UUID": {uuidA: {Machine: "m1"}}} {
		b := newBench(t, func(o *Options) { o.View = view })
		for _, duid := range [][]byte{duidUUIDA, duidEdk} {
			b.lease(linkA, duid, 1)
			if b.out.host.Machine != "m1" || b.out.save[0].Machine != "m1" {
				t.Errorf("by %s, DUID %x: %+v", name, duid, b.out)
			}
		}
	}
}

// Others rely on finding an active machine where it is.
func TestActiveMachineKeepsItsAddress(t *testing.T) {
	b := newBench(t, func(o *Options) {
		o.View = hosts{macA: {Machine: "m1", Addr: ip("2001:db8:1::1:2")}}
		o.Subnets[0].PoolLast = ip("2001:db8:1::1:2")
	})
	for i := range 2 {
		b.lease(linkC, []byte{0, 3, 0, 1, 2, 0, 0, 0, 0, byte(i)}, 1)
	}
	if got := b.lease(linkA, duidLLA, 1); got != "2001:db8:1::1:2" {
		t.Errorf("it got %s", got)
	}
}

func TestRapidCommit(t *testing.T) {
	b := newBench(t, nil)
	m := b.ask(linkA, msg(kindSolicit, duidLLA).opt(optRapidCommit).ia(1))
	if m.Type() != dhcpv6.MessageTypeReply || m.GetOneOption(dhcpv6.OptionRapidCommit) == nil || len(b.out.save) != 1 {
		t.Errorf("answer %s, to be stored %+v", m.Summary(), b.out.save)
	}
}

func TestSolicitPromisesNothing(t *testing.T) {
	b := newBench(t, nil)
	m := b.ask(linkA, msg(kindSolicit, duidLLA).ia(1, "2001:db8:1::1:77"))
	if got, _ := assigned(t, m, 1); !slices.Equal(got, []string{"2001:db8:1::1:77"}) {
		t.Errorf("the client's wish is not heard: %v", got)
	}
	if m.Type() != dhcpv6.MessageTypeAdvertise || len(b.out.save) != 0 || len(b.s.h.books[0].byAddr) != 0 {
		t.Errorf("a SOLICIT left something behind: %s", m.Summary())
	}
	if p := m.GetOneOption(dhcpv6.OptionPreference); p == nil {
		t.Error("the ADVERTISE has no preference")
	}
}

func TestRenewAndRebind(t *testing.T) {
	b := newBench(t, nil)
	addr := b.lease(linkA, duidLLA, 1)
	renew := func(k kind, addrs ...string) (got []string, status string) {
		p := msg(k, duidLLA)
		if k == kindRenew {
			p.server(b.id())
		}
		return assigned(t, b.ask(linkA, p.ia(1, addrs...)), 1)
	}
	b.now = b.now.Add(30 * time.Minute)
	for _, k := range []kind{kindRenew, kindRebind} {
		if got, _ := renew(k, addr); !slices.Equal(got, []string{addr}) {
			t.Errorf("%s: %v", k, got)
		}
		if want := b.now.Add(time.Hour); !b.out.save[0].Expires.Equal(want) {
			t.Errorf("%s: until %s", k, b.out.save[0].Expires)
		}
	}
	// An address of another network is taken back, and one of this network given.
	if got, _ := renew(kindRebind, "2001:db8:2::5"); !slices.Equal(got, []string{addr, "2001:db8:2::5 gone"}) {
		t.Errorf("after moving: %v", got)
	}
	// A server that lost its memory lets a client keep what is free.
	b = newBench(t, nil)
	if got, _ := renew(kindRenew, "2001:db8:1::1:99"); !slices.Equal(got, []string{"2001:db8:1::1:99"}) {
		t.Errorf("without a binding: %v", got)
	}
	// What belongs to somebody else is taken back.
	other := b.lease(linkB, duidLLB, 1)
	if got, _ := renew(kindRenew, other); !slices.Contains(got, other+" gone") {
		t.Errorf("somebody else's: %v", got)
	}
	// Nothing bound, nothing free, nothing named.
	b = newBench(t, func(o *Options) { o.Subnets[0].PoolFirst, o.Subnets[0].PoolLast = netip.Addr{}, netip.Addr{} })
	if got, status := renew(kindRenew); len(got) != 0 || status != "NoBinding" {
		t.Errorf("no binding: %v %s", got, status)
	}
	if got, _ := renew(kindRebind, "2001:db8:1::1:1"); !slices.Equal(got, []string{"2001:db8:1::1:1 gone"}) {
		t.Errorf("an address that nobody may have: %v", got)
	}
}

func TestRequestFromElsewhere(t *testing.T) {
	b := newBench(t, nil)
	m := b.ask(linkA, msg(kindRequest, duidLLA).server(b.id()).ia(1, "2001:db8:2::5"))
	if got, status := assigned(t, m, 1); len(got) != 0 || status != "NotOnLink" || len(b.out.save) != 0 {
		t.Errorf("%v %s", got, status)
	}
	if m := b.ask(linkA, msg(kindRequest, duidLLA).server([]byte{0, 4, 9, 9, 9}).ia(1)); m != nil {
		t.Errorf("answers for another server: %s", m.Summary())
	}
}

func TestConfirm(t *testing.T) {
	b := newBench(t, nil)
	for _, tc := range []struct {
		addrs []string
		want  string
	}{{[]string{"2001:db8:1::1:5"}, "Success"}, {[]string{"2001:db8:1::1:5", "2001:db8:2::1"}, "NotOnLink"}, {nil, ""}} {
		m := b.ask(linkA, msg(kindConfirm, duidLLA).ia(1, tc.addrs...))
		got := ""
		if m != nil {
			got = m.Options.Status().StatusCode.String()
		}
		if got != tc.want {
			t.Errorf("%v: %q", tc.addrs, got)
		}
	}
}

func TestReleaseAndDecline(t *testing.T) {
	b := newBench(t, nil)
	addr := b.lease(linkA, duidLLA, 1)
	// Somebody else cannot give it back.
	m := b.ask(linkB, msg(kindRelease, duidLLB).server(b.id()).ia(1, addr))
	if _, status := assigned(t, m, 1); status != "NoBinding" || len(b.out.save) != 0 {
		t.Errorf("somebody else's release: %s", status)
	}
	if _, ok := b.s.Holder(ip(addr)); !ok {
		t.Fatal("it is gone")
	}
	m = b.ask(linkA, msg(kindRelease, duidLLA).server(b.id()).ia(1, addr))
	if m.Options.Status().StatusCode.String() != "Success" || len(b.out.save) != 1 || !b.out.save[0].Expires.Equal(b.now.Add(releaseGrace)) {
		t.Errorf("release: %s, to be stored %+v", m.Summary(), b.out.save)
	}
	// For a while it stays the machine's: for its scripts, and against being given to another.
	if mac, ok := b.s.Holder(ip(addr)); mac != macA || !ok {
		t.Errorf("it is held by %q", mac)
	}
	if got := b.lease(linkB, duidLLB, 1); got == addr {
		t.Errorf("another machine gets %s at once", got)
	}
	b.now = b.now.Add(releaseGrace)
	if _, ok := b.s.Holder(ip(addr)); ok {
		t.Error("it is still held")
	}
	if got := b.lease(linkA, duidLLA, 1); got != addr {
		t.Errorf("it gets %s instead of %s again", got, addr)
	}
	m = b.ask(linkA, msg(kindDecline, duidLLA).server(b.id()).ia(1, addr))
	if m.Options.Status().StatusCode.String() != "Success" || len(b.out.save) != 2 || b.out.save[0].MAC != macA || b.out.save[1].MAC != "" {
		t.Errorf("decline: %s, to be stored %+v", m.Summary(), b.out.save)
	}
	if got := b.lease(linkA, duidLLA, 1); got == addr {
		t.Errorf("it gets the declined %s again", got)
	}
	if mac, ok := b.s.Holder(ip(addr)); ok {
		t.Errorf("the declined one is held by %q", mac)
	}
}

func TestInformationRequest(t *testing.T) {
	b := newBench(t, nil)
	m := b.ask(linkA, msg(kindInformationRequest, nil).oro(optDNS, optDomainList, optNTP))
	if m.Type() != dhcpv6.MessageTypeReply || m.Options.ClientID() != nil || len(m.Options.DNS()) != 1 || m.Options.DNS()[0].String() != "2001:db8:1::53" ||
		m.Options.DomainSearchList().Labels[0] != "rack.example" || len(m.Options.NTPServers()) != 1 {
		t.Errorf("answer %s", m.Summary())
	}
	if m := b.ask(linkA, msg(kindInformationRequest, duidLLA)); len(m.Options.DNS()) != 0 {
		t.Errorf("what was not asked for: %s", m.Summary())
	}
}

func TestOtherAssociationsAreRefused(t *testing.T) {
	b := newBench(t, nil)
	m := b.ask(linkA, msg(kindSolicit, duidLLA).assoc(optIAPD, 3).assoc(optIATA, 4).ia(5))
	if got, _ := assigned(t, m, 5); len(got) != 1 {
		t.Errorf("the address beside them: %v", got)
	}
	pd := m.Options.OneIAPD()
	if pd == nil || pd.Options.Status().StatusCode.String() != "NoPrefixAvail" {
		t.Errorf("the prefix: %s", m.Summary())
	}
	if ta := m.GetOneOption(dhcpv6.OptionIATA); ta == nil {
		t.Errorf("the temporary address is not spoken of: %s", m.Summary())
	}
}
