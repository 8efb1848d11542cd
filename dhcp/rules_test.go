package dhcp

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"socle/dhcp/dhcptest"
	"socle/inventory"
)

const uuidA = "11223344-5566-7788-99aa-bbccddeeff00"

// guidA is uuidA as firmware sends it (option 97).
var guidA = []byte{0, 0x44, 0x33, 0x22, 0x11, 0x66, 0x55, 0x88, 0x77, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff, 0x00}

func cidr(s string) netip.Prefix { return netip.MustParsePrefix(s) }

// with makes a handler for subnets of its own.
func with(t testing.TB, view View, subnets ...inventory.Subnet) *handler {
	t.Helper()
	s, err := New(Options{Subnets: subnets, View: view, Leases: &dhcptest.Leases{}, BootURL: "http://198.18.0.1:8080"})
	if err != nil {
		t.Fatal(err)
	}
	return &s.h
}

// byUUID is a View that knows machines by their UUID.
type byUUID struct {
	hosts
	uuids map[string]Host
}

func (v byUUID) HostByUUID(u string) (Host, bool) { h, ok := v.uuids[u]; return h, ok }

type line struct {
	kind dhcpv4.MessageType
	mac  string
	mods []dhcpv4.Modifier
	want string
}

func talk(t *testing.T, h *handler, lines ...line) {
	t.Helper()
	for i, l := range lines {
		if got := say(h.handle(packet(t, l.kind, l.mac, l.mods...), onProv, t0)); got != l.want {
			t.Errorf("line %d, %s of %s:\n got %s\nwant %s", i+1, l.kind, l.mac, got, l.want)
		}
	}
}

func mods(m ...dhcpv4.Modifier) []dhcpv4.Modifier { return m }

const bc = " to 255.255.255.255:68"

// behind makes an option 82 with circuit and remote identifiers.
func behind(circuit, remote string) dhcpv4.Modifier {
	var b []byte
	if circuit != "" {
		b = append(append(b, 1, byte(len(circuit))), circuit...)
	}
	if remote != "" {
		b = append(append(b, 2, byte(len(remote))), remote...)
	}
	return opt(82, b...)
}

func TestReservations(t *testing.T) {
	s := inventory.Subnet{Name: "prov", Interface: "prov0", Prefix: cidr("198.18.0.0/24"), PoolFirst: ip("198.18.0.100"), PoolLast: ip("198.18.0.199"),
		Reservations: []inventory.Reservation{
			{Address: ip("198.18.0.10"), MAC: "52-54-00-00-00-0A", Hostname: "first"},
			{Address: ip("198.18.0.11"), ClientID: "0x01:02:03"},
			{Address: ip("198.18.0.12"), ClientID: "rack7"},
			{Address: ip("198.18.0.13"), UUID: "11223344-5566-7788-99AA-BBCCDDEEFF00"},
			{Address: ip("198.18.0.20"), CircuitID: "eth1/7", RemoteID: "0x00ff"},
			{Address: ip("198.18.0.21"), CircuitID: "eth1/7"},
			{Address: ip("198.18.0.22"), RemoteID: "0x00ff"},
			{Address: ip("198.18.0.150"), CircuitID: "eth1/9", Hostname: "slot9"},
		}}
	inv := hosts{"52:54:00:00:00:0c": {Machine: "m3", Name: "hv03", Addr: ip("198.18.0.30")}}
	offer := func(addr string, mac string, m ...dhcpv4.Modifier) line {
		return line{discover, mac, m, "OFFER " + addr + bc}
	}
	for _, l := range []line{
		offer("198.18.0.10", macA, opt(61, 1, 2, 3), opt(97, guidA...), behind("eth1/7", "")), // the MAC comes first
		offer("198.18.0.11", macB, opt(61, 1, 2, 3), opt(97, guidA...)),                       // then the client identifier
		offer("198.18.0.12", macB, opt(61, []byte("rack7")...)),
		offer("198.18.0.13", macB, opt(97, guidA...), behind("eth1/7", "")), // then the UUID
		offer("198.18.0.30", "52:54:00:00:00:0c", behind("eth1/7", "")),     // then the inventory
		offer("198.18.0.13", "52:54:00:00:00:0c", opt(97, guidA...)),
		offer("198.18.0.20", macB, behind("eth1/7", "\x00\xff")), // then the port, the closest rule of it
		offer("198.18.0.21", macB, behind("eth1/7", "other")),
		offer("198.18.0.22", macB, behind("eth1/8", "\x00\xff")),
	} {
		talk(t, with(t, inv, s), l)
	}
	// An address that is reserved is for nobody else, also inside the pool.
	s.PoolFirst, s.PoolLast = ip("198.18.0.150"), ip("198.18.0.151")
	talk(t, with(t, inv, s),
		line{discover, macB, mods(wants("198.18.0.150")), "OFFER 198.18.0.151" + bc},
		line{req, macB, mods(wants("198.18.0.150"), server("198.18.0.1")), "NAK 0.0.0.0" + bc},
		line{req, macB, mods(ciaddr("198.18.0.10")), "NAK 0.0.0.0" + bc},
		line{req, macB, mods(wants("198.18.0.150"), server("198.18.0.1"), behind("eth1/9", "")), "ACK 198.18.0.150" + bc + " saves 198.18.0.150"})
	a := with(t, inv, s).handle(packet(t, discover, macB, behind("eth1/9", ""), dhcpv4.WithRequestedOptions(dhcpv4.OptionHostName)), onProv, t0)
	if got := a.reply.HostName(); got != "slot9" {
		t.Errorf("host name %q", got)
	}
	a = with(t, inv, s).handle(packet(t, discover, macA, dhcpv4.WithRequestedOptions(dhcpv4.OptionHostName)), onProv, t0)
	if got := a.reply.HostName(); got != "first" {
		t.Errorf("host name %q", got)
	}
}

func TestHostByUUID(t *testing.T) {
	h := newHandler(t, byUUID{hosts{}, map[string]Host{uuidA: {Machine: "m1", Name: "hv01", Addr: ip("198.18.0.77"), Boot: inventory.BootDisk}}})
	a := h.handle(packet(t, discover, macA, opt(97, guidA...), opt(93, 0, 7), dhcpv4.WithOption(dhcpv4.OptClassIdentifier("PXEClient"))), onProv, t0)
	if got := say(a); got != "OFFER 198.18.0.77"+bc || a.host.Machine != "m1" || a.reply.BootFileName != "" {
		t.Errorf("%s, machine %q, file %q", got, a.host.Machine, a.reply.BootFileName)
	}
}

func TestPoolsOfClasses(t *testing.T) {
	pool := func(n byte, m inventory.ClientRule) inventory.Pool {
		return inventory.Pool{First: netip.AddrFrom4([4]byte{198, 18, 0, n}), Last: netip.AddrFrom4([4]byte{198, 18, 0, n}), Match: m}
	}
	s := inventory.Subnet{Name: "prov", Interface: "prov0", Prefix: cidr("198.18.0.0/24"), Pools: []inventory.Pool{
		pool(11, inventory.ClientRule{Arch: []uint16{7, 9}, VendorClass: "PXEClient"}),
		pool(12, inventory.ClientRule{UserClass: "iPXE"}),
		pool(13, inventory.ClientRule{Machine: "known"}),
		pool(14, inventory.ClientRule{CircuitID: "0x0102"}),
		pool(15, inventory.ClientRule{RemoteID: "sw1", Machine: "unknown"}),
	}}
	class := dhcpv4.WithOption(dhcpv4.OptClassIdentifier("PXEClient:Arch:00007"))
	inv := hosts{macA: {Machine: "m1"}, "52:54:00:00:00:0c": {Machine: "m2", Stray: true}}
	none := "nothing: no pool of subnet prov is for this client; look at its match rules"
	for name, l := range map[string]line{
		"architecture":              {discover, macB, mods(opt(93, 0, 7), class), "OFFER 198.18.0.11" + bc},
		"other architecture":        {discover, macB, mods(opt(93, 0, 0), class), none},
		"no class":                  {discover, macB, mods(opt(93, 0, 7)), none},
		"user class":                {discover, macB, mods(opt(77, []byte("iPXE")...)), "OFFER 198.18.0.12" + bc},
		"user class in a list":      {discover, macB, mods(opt(77, []byte("\x03abc\x04iPXE")...)), "OFFER 198.18.0.12" + bc},
		"known":                     {discover, macA, nil, "OFFER 198.18.0.13" + bc},
		"a stray is unknown":        {discover, "52:54:00:00:00:0c", mods(behind("", "sw1")), "OFFER 198.18.0.15" + bc},
		"circuit":                   {discover, macB, mods(behind("\x01\x02", "")), "OFFER 198.18.0.14" + bc},
		"remote, unknown":           {discover, macB, mods(behind("x", "sw1")), "OFFER 198.18.0.15" + bc},
		"not that remote":           {discover, macB, mods(behind("x", "sw2")), none},
		"address of another's pool": {req, macB, mods(wants("198.18.0.13"), server("198.18.0.1")), "NAK 0.0.0.0" + bc},
	} {
		t.Run(name, func(t *testing.T) { talk(t, with(t, inv, s), l) })
	}
}

func TestSharedNetwork(t *testing.T) {
	nets := []inventory.Subnet{
		{Name: "a", Interface: "prov0", Prefix: cidr("198.18.0.0/24"), Server: ip("198.18.0.1"), PoolFirst: ip("198.18.0.100"), PoolLast: ip("198.18.0.100")},
		{Name: "b", Interface: "prov0", Prefix: cidr("198.18.1.0/24"), Server: ip("198.18.1.1"), Pools: []inventory.Pool{{First: ip("198.18.1.100"), Last: ip("198.18.1.100")}}},
		{Name: "far1", Shared: "far", Prefix: cidr("198.19.1.0/24"), PoolFirst: ip("198.19.1.100"), PoolLast: ip("198.19.1.100")},
		{Name: "far2", Shared: "far", Prefix: cidr("198.19.2.0/24"), PoolFirst: ip("198.19.2.100"), PoolLast: ip("198.19.2.100"),
			Reservations: []inventory.Reservation{{Address: ip("198.19.2.9"), MAC: macA}}},
	}
	const c, d = "52:54:00:00:00:0c", "52:54:00:00:00:0d"
	talk(t, with(t, hosts{}, nets...),
		line{discover, macB, nil, "OFFER 198.18.0.100" + bc},
		line{discover, c, nil, "OFFER 198.18.1.100" + bc}, // the first is full
		line{discover, d, nil, "nothing: subnet a has no free address; enlarge its pool or shorten its lease time"},
		line{req, c, mods(wants("198.18.1.100"), server("198.18.1.1")), "ACK 198.18.1.100" + bc + " saves 198.18.1.100"},
		line{req, c, mods(wants("198.18.1.100")), "ACK 198.18.1.100" + bc + " saves 198.18.1.100"},           // init-reboot in the second
		line{req, c, mods(ciaddr("198.18.1.100")), "ACK 198.18.1.100 to 198.18.1.100:68 saves 198.18.1.100"}, // renewal
		line{discover, c, nil, "OFFER 198.18.1.100" + bc},                                                    // it keeps what it has
		line{discover, macB, mods(giaddr("198.19.1.1")), "OFFER 198.19.1.100 to 198.19.1.1:67"},              // behind a relay the same
		line{discover, c, mods(giaddr("198.19.1.1")), "OFFER 198.19.2.100 to 198.19.1.1:67"},                 //
		line{discover, macA, mods(giaddr("198.19.1.1")), "OFFER 198.19.2.9 to 198.19.1.1:67"},                // a reservation in the other
		line{req, d, mods(giaddr("198.19.1.1"), wants("198.18.0.100")), "NAK 0.0.0.0 to 198.19.1.1:67"},      // of another link
		line{dhcpv4.MessageTypeRelease, c, mods(ciaddr("198.18.1.100")), "nothing to say: 198.18.1.100 is free again"},
	)
}

func TestModes(t *testing.T) {
	net := func(m inventory.SubnetMode, more ...inventory.Reservation) inventory.Subnet {
		return inventory.Subnet{Name: "prov", Interface: "prov0", Prefix: cidr("198.18.0.0/24"), Mode: m, Reservations: more}
	}
	const only = "nothing: subnet prov serves only clients with a reservation"
	talk(t, with(t, hosts{}, net(inventory.SubnetReservations, inventory.Reservation{Address: ip("198.18.0.10"), MAC: macA})),
		line{discover, macA, nil, "OFFER 198.18.0.10" + bc},
		line{discover, macB, nil, only},
		line{req, macB, mods(wants("198.18.0.99")), only},
		line{req, macB, mods(wants("10.0.0.1")), only}, // another server's client is not told NAK
		line{req, macB, mods(ciaddr("198.18.0.99")), only},
		line{dhcpv4.MessageTypeInform, macB, mods(ciaddr("198.18.0.99")), only},
		line{req, macA, mods(wants("198.18.0.99")), "NAK 0.0.0.0" + bc},
		line{req, macA, mods(wants("198.18.0.10"), server("198.18.0.1")), "ACK 198.18.0.10" + bc + " saves 198.18.0.10"})
	talk(t, with(t, hosts{}, net(inventory.SubnetOff)),
		line{discover, macA, nil, "nothing: DHCP is off for this subnet"},
		line{discover, macA, mods(giaddr("198.18.0.5")), "nothing: DHCP is off for this subnet"})
	s, err := New(Options{Subnets: []inventory.Subnet{net(inventory.SubnetOff)}, View: hosts{}, Leases: &dhcptest.Leases{}, BootURL: "http://a:1"})
	if err != nil || len(s.listens()) != 0 {
		t.Errorf("listens at %v, %v", s.listens(), err)
	}
}

func TestRelaySaysMore(t *testing.T) {
	far := inventory.Subnet{Name: "far", Interface: "prov0", Prefix: cidr("198.19.0.0/24"), PoolFirst: ip("198.19.0.10"), PoolLast: ip("198.19.0.10")}
	override := func(flags byte) dhcpv4.Modifier {
		return opt(82, 11, 4, 198, 19, 0, 1, 10, 1, flags, 5, 4, 198, 19, 0, 0)
	}
	h := with(t, hosts{}, far)
	at := mods(giaddr("10.9.9.1"), override(0))
	a := h.handle(packet(t, discover, macA, append(at, dhcpv4.WithOption(dhcpv4.OptClassIdentifier("PXEClient")))...), onProv, t0)
	if got := say(a); got != "OFFER 198.19.0.10 to 10.9.9.1:67" {
		t.Fatal(got)
	}
	if id, si := a.reply.ServerIdentifier().String(), a.reply.ServerIPAddr.String(); id != "198.19.0.1" || si != "198.18.0.1" {
		t.Errorf("server identifier %s, boot server %s", id, si)
	}
	talk(t, h,
		line{req, macA, append(mods(wants("198.19.0.10"), server("198.18.0.1")), at...), "nothing: the client took the offer of another server, 198.18.0.1"},
		line{req, macA, append(mods(wants("198.19.0.10"), server("198.19.0.1")), at...), "ACK 198.19.0.10 to 10.9.9.1:67 saves 198.19.0.10"},
		line{req, macA, mods(ciaddr("198.19.0.10"), giaddr("10.9.9.1"), override(0x80)), "ACK 198.19.0.10 to 10.9.9.1:67 saves 198.19.0.10"},
		// A stranger's address that is not ours to give: silence to who asks all servers, NAK to who asks us.
		line{req, macB, mods(ciaddr("198.19.0.77"), giaddr("10.9.9.1"), override(0)), "nothing: no lease of this client is known, and 198.19.0.77 is not in the pool of far"},
		line{req, macB, mods(ciaddr("198.19.0.77"), giaddr("10.9.9.1"), override(0x80)), "NAK 0.0.0.0 to 10.9.9.1:67"})
	// Without a relay the same words count for nothing.
	talk(t, h, line{discover, macB, mods(override(0)), "nothing: subnet far has no free address; enlarge its pool or shorten its lease time"})
}

func TestProxy(t *testing.T) {
	h := with(t, hosts{macB: {Machine: "m2", Boot: inventory.BootDisk}},
		inventory.Subnet{Name: "prov", Interface: "prov0", Mode: inventory.SubnetProxy, Prefix: cidr("198.18.0.0/24"), Server: ip("198.18.0.1")})
	class := dhcpv4.WithOption(dhcpv4.OptClassIdentifier("PXEClient:Arch:00007:UNDI:003016"))
	a := h.handle(packet(t, discover, macA, class, opt(93, 0, 7), opt(97, guidA...)), onProv, t0)
	if got := say(a); got != "OFFER 0.0.0.0"+bc {
		t.Fatal(got)
	}
	o := a.reply.Options
	if string(o[60]) != "PXEClient" || string(o[67]) != "snponly.efi" || string(o[97]) != string(guidA) || a.reply.ServerIPAddr.String() != "198.18.0.1" {
		t.Errorf("offer: %s", a.reply.Summary())
	}
	for _, code := range []uint8{1, 3, 6, 50, 51, 58, 59, 175} {
		if o[code] != nil {
			t.Errorf("the offer of a proxy has option %d", code)
		}
	}
	const theirs = "nothing: somebody else gives the addresses of this subnet"
	talk(t, h,
		line{discover, "52:54:00:00:00:0c", nil, theirs + ", and the client does not boot from the network"},
		line{discover, macB, mods(class, opt(93, 0, 7)), "nothing: no boot file (boots its own disk)"},
		line{req, macA, mods(wants("198.18.0.200"), server("198.18.0.2"), class), "nothing: the client takes 198.18.0.200 from 198.18.0.2"},
		line{req, macA, mods(wants("10.0.0.1"), server("198.18.0.2"), class), theirs},
		line{req, macA, mods(ciaddr("198.18.0.200")), theirs})
	if h.seen[ip("198.18.0.200")] != macA || len(h.seen) != 1 {
		t.Errorf("seen: %v", h.seen)
	}
	asks := Link{Interface: "prov0", Addrs: onProv.Addrs, Port: pxePort, Peer: netip.MustParseAddrPort("198.18.0.201:4011")}
	p := h.handle(packet(t, req, macA, ciaddr("198.18.0.201"), class, opt(93, 0, 7), opt(43, 71, 4, 0, 3, 0, 0, 255)), asks, t0)
	if got := say(p); got != "ACK 0.0.0.0 to 198.18.0.201:4011" || string(p.reply.Options[67]) != "snponly.efi" || p.reply.ClientIPAddr.String() != "198.18.0.201" {
		t.Errorf("%s: %s", got, p.reply.Summary())
	}
	if got := string(p.reply.Options[43]); got != "\x47\x04\x00\x03\x00\x00\x06\x01\x08\xff" {
		t.Errorf("option 43: %x", got)
	}
	if h.seen[ip("198.18.0.201")] != macA {
		t.Errorf("seen: %v", h.seen)
	}
	if got := say(h.handle(packet(t, req, macA, class, server("198.18.0.9")), asks, t0)); got != "nothing: the client asks another server, 198.18.0.9" {
		t.Error(got)
	}
	if got := say(newHandler(t, hosts{}).handle(packet(t, req, macA, class), asks, t0)); got != "nothing: port 4011 serves only subnets of mode proxy" {
		t.Error(got)
	}
}

func TestSightingsAreBounded(t *testing.T) {
	var s sightings
	for i := range uint32(maxSightings + 100) {
		s.note(address(0x0a000000+i), macA)
	}
	if len(s) != maxSightings || s[address(0x0a000000+maxSightings+99)] != macA {
		t.Errorf("%d are remembered", len(s))
	}
}

func TestDeclineRaisesAnAlarm(t *testing.T) {
	h := newHandler(t, hosts{})
	h.handle(packet(t, discover, macA, wants("198.18.0.102")), onProv, t0)
	a := h.handle(packet(t, dhcpv4.MessageTypeDecline, macA, wants("198.18.0.102"), server("198.18.0.1")), onProv, t0)
	if want := macA + " declined its address on subnet prov: 198.18.0.102 is in use by somebody else, avoided for 10m0s; find who answers ARP for it"; a.alarm != want {
		t.Errorf("alarm %q", a.alarm)
	}
	b := h.handle(packet(t, dhcpv4.MessageTypeDecline, macA, wants("198.18.0.102"), server("198.18.0.9")), onProv, t0.Add(time.Second))
	if b.alarm != "" || b.why != "nothing: declined to another server, 198.18.0.9" {
		t.Errorf("to another server: %q %q", b.alarm, b.why)
	}
}

// TestOverload reads options that a client put into the header's fields, one of them split over all three
// places.
func TestOverload(t *testing.T) {
	p, err := dhcpv4.New(dhcpv4.WithMessageType(discover), dhcpv4.WithHwAddr([]byte{0x52, 0x54, 0, 0, 0, 1}), opt(52, 3), opt(60, []byte("PXE")...))
	if err != nil {
		t.Fatal(err)
	}
	b := p.ToBytes()
	copy(b[fileAt:], "\x3c\x03Cli\x32\x04\xc6\x12\x00\x66\xff")
	copy(b[snameAt:], "\x3c\x03ent\x0c\x04hv01\xff")
	r, err := parse(b)
	if err != nil {
		t.Fatal(err)
	}
	if r.class != "PXEClient" || r.requested != ip("198.18.0.102") || r.hostname != "hv01" {
		t.Errorf("class %q, requested %s, host name %q", r.class, r.requested, r.hostname)
	}
	b[fileAt+1] = 200 // longer than the field
	if _, err := parse(b); err == nil {
		t.Error("a cut option in the field file was accepted")
	}
}

// TestReplyFits lets a relay say so much that not everything fits into what every client takes.
func TestReplyFits(t *testing.T) {
	class := dhcpv4.WithOption(dhcpv4.OptClassIdentifier("PXEClient:Arch:00007:UNDI:003016"))
	many := mods(giaddr("198.18.0.50"), class, opt(93, 0, 7), behind(strings.Repeat("c", 120), strings.Repeat("r", 110)))
	for _, tc := range []struct {
		name string
		most int
		mods []dhcpv4.Modifier
		has  map[uint8]bool
	}{
		{"little to say", 548, mods(class, opt(93, 0, 7)), map[uint8]bool{66: true, 67: true, 42: true, 15: true}},
		{"a long name of the port", 548, many, map[uint8]bool{82: true, 66: false, 67: false, 54: true, 51: true, 3: true, 6: true}},
		{"a client that takes more", 1472, append(mods(opt(57, 0x05, 0xdc)), many...), map[uint8]bool{82: true, 66: true, 67: true, 42: true}},
	} {
		s := testSubnets()[:1]
		s[0].Domain = strings.Repeat("a", 60) + ".example"
		a := with(t, hosts{macA: {Name: "hv01"}}, s...).handle(packet(t, discover, macA, tc.mods...), onProv, t0)
		if n := len(a.reply.ToBytes()); n > tc.most || a.reply.BootFileName != "snponly.efi" {
			t.Errorf("%s: %d octets, file %q", tc.name, n, a.reply.BootFileName)
		}
		for code, want := range tc.has {
			if got := a.reply.Options[code] != nil; got != want {
				t.Errorf("%s: option %d is there: %v", tc.name, code, got)
			}
		}
	}
}
