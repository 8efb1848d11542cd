package dhcp6

import (
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"

	"socle/dhcp/dhcptest"
	"socle/inventory"
)

// FuzzHandle: whatever comes in, nothing panics, little is remembered, and every answer is one that the library
// reads.
func FuzzHandle(f *testing.F) {
	id := []byte{0, 4, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16} // the server's
	for _, p := range []*packet{
		msg(kindSolicit, duidLLA).ia(1).oro(optDNS, optBootFile),
		msg(kindSolicit, duidEdk).ia(1, "2001:db8:1::1:7").class("HTTPClient:Arch:00016:UNDI:003001", 16),
		msg(kindSolicit, duidUUIDA).opt(optRapidCommit).ia(1).opt(optUserClass, 0, 4, 'i', 'P', 'X', 'E').opt(optClientArch, 0, 7),
		msg(kindRequest, duidLLB).server(id).ia(1, "2001:db8:1::1:7").ia(2).assoc(optIAPD, 3).assoc(optIATA, 4),
		msg(kindRenew, duidLLA).server(id).ia(1, "2001:db8:2::1", "2001:db8:1::1:7"),
		msg(kindRelease, duidLLA).server(id).ia(1, "2001:db8:1::1:7"),
		msg(kindDecline, duidLLA).server(id).ia(1, "2001:db8:1::1:7"),
		msg(kindConfirm, duidLLA).ia(1, "2001:db8:1::1:7"),
		msg(kindInformationRequest, nil).oro(optNTP),
		msg(kindSolicit, duidLLA).ia(1).relayed("::", "fe80::1", appendOption(nil, optInterfaceID, []byte("port"))...).relayed("2001:db8:1::2", "fe80::2"),
	} {
		f.Add(p.b, false)
	}
	opt := provOptions(&dhcptest.Leases{}, nil, hosts{macA: {Machine: "m1", Boot: inventory.BootRamdisk}})
	opt.Now = func() time.Time { return time.Unix(1e9, 0) }
	opt.Rate, opt.Burst, opt.MaxLeases = 1<<30, 1<<30, 50
	s, err := New(opt)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte, unicast bool) {
		link := linkA
		link.Unicast = unicast
		r, err := parse(b, link)
		if err != nil {
			return
		}
		if r.String() == "" {
			t.Error("no words for the request")
		}
		out, _ := s.decide(r, link)
		if out.why == "" {
			t.Errorf("no reason for the answer to %s", r)
		}
		if n := len(s.h.books[0].byAddr); n > 50 {
			t.Errorf("%d addresses are remembered", n)
		}
		if out.reply != nil {
			_, strange := dhcpv6.FromBytes(b) // the answer repeats what the client calls itself
			if _, err := dhcpv6.FromBytes(out.reply); err != nil && strange == nil {
				t.Errorf("the library does not read the answer to %s: %v\n%x", r, err, out.reply)
			}
		}
	})
}

// FuzzDUID: every DUID that is read says only what can be.
func FuzzDUID(f *testing.F) {
	for _, b := range [][]byte{duidLLA, duidEdk, {0, 1, 0, 1, 9, 9, 9, 9, 2, 0, 0, 0, 0, 1}, {0, 2, 0, 0, 0, 9, 1}} {
		f.Add(b, uint32(7))
	}
	f.Fuzz(func(t *testing.T, b []byte, iaid uint32) {
		id, err := parseDUID(b)
		if err != nil {
			return
		}
		if id.mac != "" && inventory.NormalizeMAC(id.mac) != id.mac {
			t.Errorf("MAC %q", id.mac)
		}
		if duid, n, ok := parseLeaseID(leaseID(id.raw, iaid)); !ok || duid != id.raw || n != iaid {
			t.Errorf("%x and %d are written and read as %x and %d", id.raw, iaid, duid, n)
		}
	})
}
