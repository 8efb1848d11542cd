package dhcp

import (
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"socle/dhcp/dhcptest"
	"socle/inventory"
)

// TestALostClaimIsRefused: the store says that somebody else has the address, of which the book knew nothing or
// had doubts; the client gets a NAK, and the book the truth. The truth of that moment: when the other server gives
// the address to the client a moment later, the client can renew.
func TestALostClaimIsRefused(t *testing.T) {
	theirs := inventory.Lease{Addr: ip("198.18.0.101"), MAC: macB, Subnet: "prov", Starts: t0, Expires: t0.Add(time.Hour)}
	for name, known := range map[string][]inventory.Lease{
		"unknown":  nil,
		"doubtful": {{Addr: theirs.Addr, MAC: "52:54:00:00:00:0c", Starts: t0.Add(-time.Hour), Expires: t0.Add(time.Hour)}},
	} {
		t.Run(name, func(t *testing.T) {
			store := &dhcptest.Leases{}
			store.Put(theirs)
			s, err := New(Options{Subnets: testSubnets(), View: hosts{}, Leases: store, BootURL: "http://198.18.0.1:8080", Now: func() time.Time { return t0.Add(time.Minute) }})
			if err != nil {
				t.Fatal(err)
			}
			s.h.book.learn(known, s.opt.Subnets)
			renew := func() (answer answer, lost int) {
				x := &exchange{port: &port{link: onProv}, req: packet(t, req, macA, ciaddr("198.18.0.101"))}
				x.out = s.decide(x.req, onProv)
				batch := []*exchange{x}
				leases := leasesOf(batch)
				gone, err := s.save(t.Context(), leases)
				if err != nil || len(leases) != 1 {
					t.Fatalf("the store is asked for %d leases, %v", len(leases), err)
				}
				s.settle(batch, leases, gone)
				return x.out, len(gone)
			}
			if out, lost := renew(); lost != 1 || out.reply == nil || out.reply.MessageType() != dhcpv4.MessageTypeNak {
				t.Fatalf("%d claims were lost; answer: %s", lost, say(out))
			}
			if mac, ok := s.Holder(theirs.Addr); !ok || mac != macB {
				t.Errorf("%s holds it, %t", mac, ok)
			}
			if st := s.Stats(); st.Lost != 1 {
				t.Errorf("%d claims were lost", st.Lost)
			}
			store.Put(inventory.Lease{Addr: theirs.Addr, MAC: macA, Subnet: "prov", Starts: t0, Expires: t0.Add(time.Hour)})
			if out, lost := renew(); lost != 0 || out.reply == nil || out.reply.MessageType() != dhcpv4.MessageTypeAck {
				t.Errorf("once it is the client's, %d claims are lost; answer: %s", lost, say(out))
			}
		})
	}
}

// TestARepeatedAckIsNotStoredAgain: within a quarter of the lease the client is told the rest of it, unless its
// lease is not known to be stored, or the news of other servers are old.
func TestARepeatedAckIsNotStoredAgain(t *testing.T) {
	h := newHandler(t, hosts{})
	first := h.handle(packet(t, req, macA, wants("198.18.0.101"), server("198.18.0.1")), onProv, t0)
	again := func(after time.Duration, mods ...dhcpv4.Modifier) (saved bool, told time.Duration) {
		out := h.handle(packet(t, req, macA, append(mods, wants("198.18.0.101"), server("198.18.0.1"))...), onProv, t0.Add(after))
		return len(out.save) > 0, out.reply.IPAddressLeaseTime(0)
	}
	h.book.synced = t0
	if saved, _ := again(time.Second); !saved {
		t.Error("a lease that is not stored yet was trusted")
	}
	l := h.handle(packet(t, req, macA, wants("198.18.0.101"), server("198.18.0.1")), onProv, t0).save[0]
	h.book.confirm(first.save[0]) // an older one of the same address
	h.book.confirm(l)
	if saved, told := again(4 * time.Second); saved || told != time.Hour-4*time.Second {
		t.Errorf("after 4 s: saved %t, told %s", saved, told)
	}
	if saved, _ := again(5 * time.Second); !saved {
		t.Error("news of 5 s ago were trusted")
	}
	for _, tc := range []struct {
		name  string
		after time.Duration
		mods  []dhcpv4.Modifier
		saved bool
	}{
		{"the first quarter", 14 * time.Minute, nil, false},
		{"after it", 15 * time.Minute, nil, true},
		{"another name", time.Minute, []dhcpv4.Modifier{dhcpv4.WithOption(dhcpv4.OptHostName("other"))}, true},
	} {
		l := h.handle(packet(t, req, macA, wants("198.18.0.101"), server("198.18.0.1"), dhcpv4.WithOption(dhcpv4.OptClassIdentifier("x"))), onProv, t0.Add(-time.Hour))
		if len(l.save) == 0 {
			t.Fatal("nothing to begin with")
		}
		l = h.handle(packet(t, req, macA, wants("198.18.0.101"), server("198.18.0.1")), onProv, t0)
		h.book.confirm(l.save[0])
		h.book.synced = t0.Add(tc.after)
		if saved, told := again(tc.after, tc.mods...); saved != tc.saved || !saved && told != time.Hour-tc.after {
			t.Errorf("%s: saved %t, told %s", tc.name, saved, told)
		}
	}
}
