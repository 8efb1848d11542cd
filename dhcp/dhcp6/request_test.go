package dhcp6

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/insomniacslk/dhcp/dhcpv6"

	"socle/inventory"
)

func TestBoot(t *testing.T) {
	const start, file = "http://[2001:db8:1::1]:8080/boot/start.ipxe", "http://[2001:db8:1::1]:8080/boot/files/snponly.efi"
	for _, tc := range []struct {
		name  string
		p     *packet
		boot  inventory.Boot
		url   string
		class string
		why   string
	}{
		{"UEFI by TFTP", msg(kindSolicit, duidEdk).ia(1).class("PXEClient:Arch:00007:UNDI:003016", 7), "", "tftp://[2001:db8:1::1]/snponly.efi", "", "UEFI"},
		{"UEFI by HTTP", msg(kindSolicit, duidEdk).ia(1).class("HTTPClient:Arch:00016:UNDI:003001", 16), "", file, "HTTPClient", "UEFI"},
		{"iPXE", msg(kindSolicit, duidUUIDA).ia(1).class("PXEClient:Arch:00007:UNDI:003010", 7).opt(optUserClass, append([]byte{0, 4}, "iPXE"...)...), "", start, "", "iPXE"},
		{"its disk", msg(kindSolicit, duidEdk).ia(1).class("PXEClient:Arch:00007", 7), inventory.BootDisk, "", "", "no boot file (boots its own disk)"},
		{"an architecture without a loader", msg(kindSolicit, duidEdk).ia(1).class("PXEClient:Arch:00006", 6), "", "", "", "no boot file"},
		{"asks for the URL and names its architecture only", msg(kindSolicit, duidEdk).ia(1).oro(optBootFile).opt(optClientArch, 0, 7), "", "tftp://[2001:db8:1::1]/snponly.efi", "", "UEFI"},
		{"an operating system that asks for everything", msg(kindSolicit, duidLLA).ia(1).oro(optBootFile), "", "", "", "ADVERTISE"},
		{"an operating system", msg(kindSolicit, duidLLA).ia(1), "", "", "", "ADVERTISE"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := newBench(t, func(o *Options) { o.View = hosts{macA: {Machine: "m1", Boot: tc.boot}} })
			m := b.ask(linkA, tc.p)
			if got := m.Options.BootFileURL(); got != tc.url {
				t.Errorf("boot file URL %q", got)
			}
			class := ""
			if v := m.Options.VendorClass(343); len(v) > 0 {
				class = string(v[0])
			}
			if class != tc.class {
				t.Errorf("vendor class %q", class)
			}
			if !strings.Contains(b.out.why, tc.why) {
				t.Errorf("evidence %q", b.out.why)
			}
		})
	}
}

func TestRelays(t *testing.T) {
	b := newBench(t, func(o *Options) {
		far := o.Subnets[0]
		far.Name, far.Interface, far.Prefix = "far", "far0", netip.MustParsePrefix("2001:db8:9::/64")
		far.PoolFirst, far.PoolLast = ip("2001:db8:9::100"), ip("2001:db8:9::1ff")
		o.Subnets = append(o.Subnets, far)
	})
	id := appendOption(nil, optInterfaceID, []byte("port 7"))
	ll := appendOption(nil, optLinkLayer, []byte{0, 1, 0x52, 0x54, 0, 0, 0, 0x0b})
	// A light relay on the switch (RFC 6221) that only names the port, and a real one behind it.
	p := msg(kindSolicit, []byte{0, 2, 0, 0, 0, 9, 1}).ia(1).relayed("::", "fe80::1", append(id, ll...)...).relayed("2001:db8:9::2", "2001:db8:9::3")
	link := Link{Interface: "prov0", Source: netip.MustParseAddrPort("[2001:db8:1::2]:547"), Unicast: true}
	r, err := parse(p.b, link)
	if err != nil {
		t.Fatal(err)
	}
	out, _ := b.s.decide(r, link)
	outer, err := dhcpv6.RelayMessageFromBytes(out.reply)
	if err != nil {
		t.Fatal(err)
	}
	inner, ok := outer.Options.RelayMessage().(*dhcpv6.RelayMessage)
	if !ok || outer.MessageType != dhcpv6.MessageTypeRelayReply || outer.LinkAddr.String() != "2001:db8:9::2" || outer.PeerAddr.String() != "2001:db8:9::3" {
		t.Fatalf("outer envelope %s", outer.Summary())
	}
	if string(inner.Options.InterfaceID()) != "port 7" || inner.PeerAddr.String() != "fe80::1" {
		t.Errorf("inner envelope %s", inner.Summary())
	}
	m := inner.Options.RelayMessage().(*dhcpv6.Message)
	if got, _ := assigned(t, m, 1); len(got) != 1 || !strings.HasPrefix(got[0], "2001:db8:9::1") {
		t.Errorf("given %v", got)
	}
	if r.mac() != macB {
		t.Errorf("the relay's word on the MAC: %q", r.mac())
	}
	if to := destination(ack{out, job{from: link.Source}, r}); to.String() != "[2001:db8:1::2]:547" {
		t.Errorf("goes to %s", to)
	}
	// A relay that sends from a port of its own says so (RFC 8357), and gets its answer there.
	p = msg(kindSolicit, duidLLA).ia(1).relayed("2001:db8:9::2", "fe80::1", appendOption(nil, optRelayPort, []byte{0, 0})...)
	link.Source = netip.MustParseAddrPort("[2001:db8:1::2]:40000")
	if r, err = parse(p.b, link); err != nil {
		t.Fatal(err)
	}
	if out, _ = b.s.decide(r, link); !strings.Contains(fmt.Sprintf("%x", out.reply), "00870002") {
		t.Errorf("the relay's port is not repeated: %x", out.reply)
	}
	if to := destination(ack{out, job{from: link.Source}, r}); to.Port() != 40000 {
		t.Errorf("goes to %s", to)
	}
	// From a network that is not ours.
	r, _ = parse(msg(kindSolicit, duidLLA).ia(1).relayed("2001:db8:77::2", "fe80::1").b, link)
	if out, _ = b.s.decide(r, link); out.reply != nil || !strings.Contains(out.why, "relay 2001:db8:77::2") {
		t.Errorf("answer for a strange network: %+v", out)
	}
}

func TestUnicastIsSentToTheGroup(t *testing.T) {
	b := newBench(t, nil)
	link := linkA
	link.Unicast = true
	m := b.ask(link, msg(kindRenew, duidLLA).server(b.id()).ia(1))
	if m.Options.Status().StatusCode.String() != "UseMulticast" {
		t.Errorf("answer %s", m.Summary())
	}
}

func TestInvalidMessages(t *testing.T) {
	id := []byte{0, 4, 1, 2}
	unicast := linkA
	unicast.Unicast = true
	deep := msg(kindSolicit, duidLLA)
	for range maxHops + 1 {
		deep = deep.relayed("2001:db8:9::2", "fe80::1")
	}
	many := msg(kindSolicit, duidLLA)
	for range maxIAs + 1 {
		many.ia(1)
	}
	for name, tc := range map[string]struct {
		link Link
		b    []byte
	}{
		"empty":                                {linkA, nil},
		"short":                                {linkA, []byte{1, 2, 3}},
		"truncated option":                     {linkA, append(msg(kindSolicit, duidLLA).b, 0, 3, 0, 40, 1)},
		"short association":                    {linkA, msg(kindSolicit, duidLLA).opt(optIANA, 1, 2, 3).b},
		"no DUID":                              {linkA, msg(kindSolicit, []byte{1}).b},
		"SOLICIT without client":               {linkA, msg(kindSolicit, nil).b},
		"SOLICIT to a server":                  {linkA, msg(kindSolicit, duidLLA).server(id).b},
		"REBIND to a server":                   {linkA, msg(kindRebind, duidLLA).server(id).b},
		"REQUEST to nobody":                    {linkA, msg(kindRequest, duidLLA).b},
		"INFORMATION-REQUEST with association": {linkA, msg(kindInformationRequest, duidLLA).ia(1).b},
		"SOLICIT by unicast":                   {unicast, msg(kindSolicit, duidLLA).b},
		"a server's message":                   {linkA, msg(kindReply, duidLLA).b},
		"an unknown message":                   {linkA, msg(99, duidLLA).b},
		"too many relays":                      {linkA, deep.b},
		"too many associations":                {linkA, many.b},
		"relay without a message":              {linkA, make([]byte, 34)},
	} {
		if name == "relay without a message" {
			tc.b[0] = byte(kindRelayForward)
		}
		if r, err := parse(tc.b, tc.link); err == nil {
			t.Errorf("%s: read as %s", name, r)
		} else if !errors.Is(err, errMalformed) && !errors.Is(err, errNotForUs) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
