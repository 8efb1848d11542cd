package dhcp

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/insomniacslk/dhcp/dhcpv4"

	"socle/dhcp/dhcptest"
	"socle/inventory"
	"socle/pxe"
)

var (
	t0     = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	onProv = Link{Interface: "prov0", Addrs: []netip.Addr{ip("198.18.0.1"), ip("198.18.1.1")}}
)

const macA, macB = "52:54:00:00:00:0a", "52:54:00:00:00:0b"

func ip(s string) netip.Addr { return netip.MustParseAddr(s) }

func testSubnets() []inventory.Subnet {
	return []inventory.Subnet{
		{Name: "prov", Interface: "prov0", Prefix: netip.MustParsePrefix("198.18.0.0/24"), Gateway: ip("198.18.0.254"),
			DNS: []netip.Addr{ip("198.18.0.1")}, NTP: []netip.Addr{ip("198.18.0.1")}, Domain: "rack.example",
			PoolFirst: ip("198.18.0.100"), PoolLast: ip("198.18.0.103"), LeaseTime: time.Hour},
		{Name: "bmc", Interface: "prov0", Prefix: netip.MustParsePrefix("198.18.1.0/24")},
		{Name: "far", Prefix: netip.MustParsePrefix("198.19.0.0/24"), PoolFirst: ip("198.19.0.10"), PoolLast: ip("198.19.0.20")},
	}
}

// reserving is a View that also knows which addresses are reserved.
type reserving struct{ hosts }

func (r reserving) Reserved(a netip.Addr) (string, bool) {
	for mac, h := range r.hosts {
		if h.Addr == a {
			return mac, true
		}
	}
	return "", false
}

func newHandler(t testing.TB, view View) *handler {
	t.Helper()
	s, err := New(Options{Subnets: testSubnets(), View: view, Leases: &dhcptest.Leases{}, BootURL: "http://198.18.0.1:8080/"})
	if err != nil {
		t.Fatal(err)
	}
	return &s.h
}

// packet makes a request; the modifiers add to it.
func packet(t testing.TB, kind dhcpv4.MessageType, mac string, mods ...dhcpv4.Modifier) *request {
	t.Helper()
	hw, err := net.ParseMAC(mac)
	if err != nil {
		t.Fatal(err)
	}
	p, err := dhcpv4.New(append([]dhcpv4.Modifier{dhcpv4.WithHwAddr(hw), dhcpv4.WithMessageType(kind)}, mods...)...)
	if err != nil {
		t.Fatal(err)
	}
	r, err := parse(p.ToBytes())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func wants(a string) dhcpv4.Modifier {
	return dhcpv4.WithOption(dhcpv4.OptRequestedIPAddress(net.ParseIP(a)))
}
func server(a string) dhcpv4.Modifier {
	return dhcpv4.WithOption(dhcpv4.OptServerIdentifier(net.ParseIP(a)))
}
func ciaddr(a string) dhcpv4.Modifier { return dhcpv4.WithClientIP(net.ParseIP(a)) }
func giaddr(a string) dhcpv4.Modifier { return dhcpv4.WithGatewayIP(net.ParseIP(a)) }
func opt(code uint8, b ...byte) dhcpv4.Modifier {
	return dhcpv4.WithGeneric(dhcpv4.GenericOptionCode(code), b)
}

// say puts an answer in short: kind, address, destination, or the reason for silence.
func say(a answer) string {
	if a.reply == nil {
		return a.why
	}
	s := fmt.Sprintf("%s %s to %s", a.reply.MessageType(), a.reply.YourIPAddr, a.to)
	if len(a.save) > 0 {
		s += " saves " + a.save[0].Addr.String()
	}
	return s
}

const (
	discover = dhcpv4.MessageTypeDiscover
	req      = dhcpv4.MessageTypeRequest
)

func TestConversations(t *testing.T) {
	type step struct {
		after time.Duration
		kind  dhcpv4.MessageType
		mac   string
		mods  []dhcpv4.Modifier
		want  string
	}
	m := func(mods ...dhcpv4.Modifier) []dhcpv4.Modifier { return mods }
	const bc = " to 255.255.255.255:68"
	for _, tc := range []struct {
		name  string
		view  View
		steps []step
	}{
		{"discover and select", hosts{}, []step{
			{0, discover, macA, m(wants("198.18.0.102")), "OFFER 198.18.0.102" + bc},
			{0, req, macA, m(wants("198.18.0.102"), server("198.18.0.1")), "ACK 198.18.0.102" + bc + " saves 198.18.0.102"},
			{time.Minute, discover, macA, nil, "OFFER 198.18.0.102" + bc},
			{2 * time.Hour, discover, macA, nil, "OFFER 198.18.0.102" + bc}, // sticky, though expired
		}},
		{"another server was chosen", hosts{}, []step{
			{0, discover, macA, m(wants("198.18.0.102")), "OFFER 198.18.0.102" + bc},
			{0, req, macA, m(wants("198.18.0.9"), server("198.18.0.7")), "nothing: the client took the offer of another server, 198.18.0.7"},
			{0, discover, macB, m(wants("198.18.0.102")), "OFFER 198.18.0.102" + bc},
		}},
		{"selecting what belongs to another", hosts{}, []step{
			{0, discover, macA, m(wants("198.18.0.102")), "OFFER 198.18.0.102" + bc},
			{0, req, macB, m(wants("198.18.0.102"), server("198.18.0.1")), "NAK 0.0.0.0" + bc},
			{0, discover, macB, m(wants("198.18.0.102")), "OFFER 198.18.0.103" + bc},
		}},
		{"an offer lapses", hosts{}, []step{
			{0, discover, macA, m(wants("198.18.0.102")), "OFFER 198.18.0.102" + bc},
			{31 * time.Second, req, macB, m(wants("198.18.0.102"), server("198.18.0.1")), "ACK 198.18.0.102" + bc + " saves 198.18.0.102"},
			{0, req, macA, m(wants("198.18.0.102"), server("198.18.0.1")), "NAK 0.0.0.0" + bc},
		}},
		{"init-reboot", hosts{}, []step{
			{0, req, macA, m(wants("198.18.0.100")), "nothing: no lease of this client is known"},
			{0, req, macA, m(wants("10.0.0.1")), "NAK 0.0.0.0" + bc},
			{0, req, macA, m(wants("198.18.0.101"), server("198.18.0.1")), "ACK 198.18.0.101" + bc + " saves 198.18.0.101"},
			{time.Minute, req, macA, m(wants("198.18.0.101")), "ACK 198.18.0.101" + bc + " saves 198.18.0.101"},
			{time.Minute, req, macA, m(wants("198.18.0.102")), "NAK 0.0.0.0" + bc},
		}},
		{"renewing", hosts{}, []step{
			{0, req, macA, m(wants("198.18.0.101"), server("198.18.0.1")), "ACK 198.18.0.101" + bc + " saves 198.18.0.101"},
			{30 * time.Minute, req, macA, m(ciaddr("198.18.0.101")), "ACK 198.18.0.101 to 198.18.0.101:68 saves 198.18.0.101"},
			{0, req, macB, m(ciaddr("198.18.0.101")), "NAK 0.0.0.0" + bc},
			{0, req, macB, m(ciaddr("198.18.0.103")), "ACK 198.18.0.103 to 198.18.0.103:68 saves 198.18.0.103"}, // its lease was lost, not its address
			{0, req, macB, m(ciaddr("10.1.1.1")), "NAK 0.0.0.0" + bc},
		}},
		{"renewing from behind a router without a relay", hosts{}, []step{
			{0, req, macA, m(ciaddr("198.19.0.12")), "ACK 198.19.0.12 to 198.19.0.12:68 saves 198.19.0.12"},
		}},
		{"reservation", hosts{macA: {Machine: "m1", Addr: ip("198.18.0.10")}}, []step{
			{0, discover, macA, m(wants("198.18.0.102")), "OFFER 198.18.0.10" + bc},
			{0, req, macA, m(wants("198.18.0.102"), server("198.18.0.1")), "NAK 0.0.0.0" + bc},
			{0, req, macA, m(wants("198.18.0.10"), server("198.18.0.1")), "ACK 198.18.0.10" + bc + " saves 198.18.0.10"},
			{0, req, macA, m(wants("198.18.0.10")), "ACK 198.18.0.10" + bc + " saves 198.18.0.10"},
			{0, req, macB, m(wants("198.18.0.10"), server("198.18.0.1")), "NAK 0.0.0.0" + bc},
		}},
		{"a reservation inside the pool is kept free", reserving{hosts{macA: {Addr: ip("198.18.0.102")}}}, []step{
			{0, discover, macB, m(wants("198.18.0.102")), "OFFER 198.18.0.103" + bc},
			{0, discover, macA, nil, "OFFER 198.18.0.102" + bc},
		}},
		{"a reservation in another subnet of the interface", hosts{macA: {Addr: ip("198.18.1.11")}}, []step{
			{0, discover, macA, nil, "OFFER 198.18.1.11" + bc},
		}},
		{"a reservation that somebody else holds", hosts{macA: {Addr: ip("198.18.0.100")}}, []step{
			{0, req, macB, m(wants("198.18.0.100"), server("198.18.0.1")), "ACK 198.18.0.100" + bc + " saves 198.18.0.100"},
			{0, discover, macA, m(wants("198.18.0.103")), "OFFER 198.18.0.103" + bc},
			{0, req, macA, m(wants("198.18.0.103"), server("198.18.0.1")), "ACK 198.18.0.103" + bc + " saves 198.18.0.103"},
			{2 * time.Hour, discover, macA, nil, "OFFER 198.18.0.100" + bc},
		}},
		{"the pool runs dry and recovers", hosts{}, []step{
			{0, req, macA, m(wants("198.18.0.100"), server("198.18.0.1")), "ACK 198.18.0.100" + bc + " saves 198.18.0.100"},
			{0, req, "52:54:00:00:00:01", m(wants("198.18.0.101"), server("198.18.0.1")), "ACK 198.18.0.101" + bc + " saves 198.18.0.101"},
			{0, req, "52:54:00:00:00:02", m(wants("198.18.0.102"), server("198.18.0.1")), "ACK 198.18.0.102" + bc + " saves 198.18.0.102"},
			{time.Minute, req, "52:54:00:00:00:03", m(wants("198.18.0.103"), server("198.18.0.1")), "ACK 198.18.0.103" + bc + " saves 198.18.0.103"},
			{0, discover, macB, nil, "nothing: subnet prov has no free address; enlarge its pool or shorten its lease time"},
			{0, dhcpv4.MessageTypeRelease, "52:54:00:00:00:02", m(ciaddr("198.18.0.102"), server("198.18.0.1")), "nothing to say: 198.18.0.102 is free again"},
			{time.Second, discover, macB, nil, "OFFER 198.18.0.102" + bc},
			{2 * time.Hour, discover, "52:54:00:00:00:04", nil, "OFFER 198.18.0.102" + bc}, // only offered, and that ended first
		}},
		{"decline", hosts{}, []step{
			{0, discover, macA, m(wants("198.18.0.102")), "OFFER 198.18.0.102" + bc},
			{0, req, macA, m(wants("198.18.0.102"), server("198.18.0.1")), "ACK 198.18.0.102" + bc + " saves 198.18.0.102"},
			{0, dhcpv4.MessageTypeDecline, macB, m(wants("198.18.0.102")), "nothing: declined an address that it does not have"},
			{0, dhcpv4.MessageTypeDecline, macA, m(wants("198.18.0.102")), "nothing: 198.18.0.102 is in use by somebody else, avoided for 10m0s; find who answers ARP for it"},
			{0, req, macA, m(wants("198.18.0.102"), server("198.18.0.1")), "NAK 0.0.0.0" + bc},
			{11 * time.Minute, req, macA, m(wants("198.18.0.102"), server("198.18.0.1")), "ACK 198.18.0.102" + bc + " saves 198.18.0.102"},
		}},
		{"release by another", hosts{}, []step{
			{0, req, macA, m(wants("198.18.0.102"), server("198.18.0.1")), "ACK 198.18.0.102" + bc + " saves 198.18.0.102"},
			{0, dhcpv4.MessageTypeRelease, macB, m(ciaddr("198.18.0.102")), "nothing: released an address that it does not have"},
		}},
		{"inform", hosts{}, []step{
			{0, dhcpv4.MessageTypeInform, macA, m(ciaddr("198.18.0.77")), "ACK 0.0.0.0 to 198.18.0.77:68"},
			{0, dhcpv4.MessageTypeInform, macA, nil, "nothing: the client names no address of its own"},
			{0, dhcpv4.MessageTypeInform, macA, m(ciaddr("203.0.113.7")), "nothing: the client names no address of its own"},
			{0, dhcpv4.MessageTypeInform, macA, m(ciaddr("255.255.255.255")), "nothing: the client names no address of its own"},
		}},
		{"relay", hosts{}, []step{
			{0, discover, macA, m(giaddr("198.19.0.1"), wants("198.19.0.12")), "OFFER 198.19.0.12 to 198.19.0.1:67"},
			{0, req, macA, m(giaddr("198.19.0.1"), wants("198.19.0.12"), server("198.18.0.1")), "ACK 198.19.0.12 to 198.19.0.1:67 saves 198.19.0.12"},
			{0, req, macB, m(giaddr("198.19.0.1"), wants("198.18.0.100")), "NAK 0.0.0.0 to 198.19.0.1:67"},
			{0, discover, macA, m(giaddr("10.9.9.1")), "nothing: no subnet is configured for relay 10.9.9.1"},
			{0, discover, macA, m(giaddr("10.9.9.1"), opt(82, 5, 4, 198, 19, 0, 0)), "OFFER 198.19.0.12 to 10.9.9.1:67"},
		}},
		{"what is not for clients", hosts{macA: {Addr: ip("198.18.0.1")}}, []step{
			{0, req, macA, m(wants("198.18.0.1"), server("198.18.0.1")), "NAK 0.0.0.0" + bc},
			{0, req, macA, m(wants("198.18.0.254"), server("198.18.0.1")), "NAK 0.0.0.0" + bc},
			{0, req, macA, nil, "nothing: the request names no address"},
			{0, req, macA, m(server("198.18.0.1")), "NAK 0.0.0.0" + bc},
			{0, dhcpv4.MessageTypeOffer, macA, nil, "nothing: not a client's message"},
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := newHandler(t, tc.view)
			now := t0
			for i, s := range tc.steps {
				now = now.Add(s.after)
				if got := say(h.handle(packet(t, s.kind, s.mac, s.mods...), onProv, now)); got != s.want {
					t.Errorf("step %d, %s of %s:\n got %s\nwant %s", i+1, s.kind, s.mac, got, s.want)
				}
			}
		})
	}
}

func TestNoSubnetOnLink(t *testing.T) {
	h := newHandler(t, hosts{})
	if got := say(h.handle(packet(t, discover, macA), Link{Interface: "other0", Addrs: onProv.Addrs}, t0)); got != "nothing: no subnet is configured for interface other0" {
		t.Error(got)
	}
	if got := say(h.handle(packet(t, discover, macA), Link{Interface: "prov0"}, t0)); got != "nothing: interface prov0 has no IPv4 address" {
		t.Error(got)
	}
}

func TestReplyCarries(t *testing.T) {
	h := newHandler(t, hosts{macA: {Machine: "m1", Name: "hv01"}, macB: {Name: "a b\n"}})
	relay := []byte{1, 3, 'a', 'b', 'c', 2, 2, 0xff, 0x00}
	guid := append([]byte{0}, make([]byte, 16)...)
	a := h.handle(packet(t, discover, macA, giaddr("198.18.0.50"), dhcpv4.WithBroadcast(true), opt(82, relay...), opt(97, guid...),
		opt(93, 0, 7), opt(94, 1, 3, 16), opt(61, 1, 2, 3), dhcpv4.WithOption(dhcpv4.OptClassIdentifier("PXEClient:Arch:00007:UNDI:003016")),
		dhcpv4.WithRequestedOptions(dhcpv4.OptionHostName, dhcpv4.OptionNTPServers, dhcpv4.OptionDomainName)), onProv, t0)
	r := a.reply
	got := map[string]string{}
	for _, c := range []uint8{1, 3, 6, 12, 15, 42, 43, 51, 54, 58, 59, 60, 61, 66, 67, 82, 93, 94, 97} {
		got[fmt.Sprint(c)] = fmt.Sprintf("%x", r.Options.Get(dhcpv4.GenericOptionCode(c)))
	}
	hex := func(s string) string { return fmt.Sprintf("%x", s) }
	want := map[string]string{"1": "ffffff00", "3": "c61200fe", "6": "c6120001", "12": hex("hv01"), "15": hex("rack.example"), "42": "c6120001",
		"43": "060108ff", "51": "00000e10", "54": "c6120001", "58": "00000708", "59": "00000c4e", "60": hex("PXEClient"), "61": "010203",
		"66": hex("198.18.0.1"), "67": hex("snponly.efi"), "82": hex(string(relay)), "93": "0007", "94": "010310", "97": fmt.Sprintf("%x", guid)}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("options (-want +got):\n%s", d)
	}
	if !r.IsBroadcast() || r.ServerIPAddr.String() != "198.18.0.1" || r.BootFileName != "snponly.efi" || r.GatewayIPAddr.String() != "198.18.0.50" {
		t.Errorf("header: %s", r.Summary())
	}
	if back, err := dhcpv4.FromBytes(r.ToBytes()); err != nil || back.BootFileName != "snponly.efi" {
		t.Errorf("on the wire: %v %v", back, err)
	}
	b := h.handle(packet(t, discover, macB, dhcpv4.WithRequestedOptions(dhcpv4.OptionHostName)), onProv, t0)
	if b.reply.Options.Has(dhcpv4.OptionHostName) || b.reply.Options.Has(dhcpv4.OptionBootfileName) || !b.reply.ServerIPAddr.IsUnspecified() {
		t.Errorf("a plain client got %s", b.reply.Summary())
	}
}

func TestBootAnswers(t *testing.T) {
	class := func(s string) dhcpv4.Modifier { return dhcpv4.WithOption(dhcpv4.OptClassIdentifier(s)) }
	ipxe := dhcpv4.WithOption(dhcpv4.OptUserClass("iPXE"))
	ipxeRFC := dhcpv4.WithOption(dhcpv4.OptRFC3004UserClass([]string{"iPXE"}))
	const script, pxeClass = "http://198.18.0.1:8080/boot/start.ipxe", "PXEClient:Arch:00000:UNDI:002001"
	for _, tc := range []struct {
		name        string
		boot        inventory.Boot
		mods        []dhcpv4.Modifier
		file, class string
	}{
		{"BIOS", inventory.BootRamdisk, []dhcpv4.Modifier{class(pxeClass), opt(93, 0, 0)}, "undionly.kpxe", "PXEClient"},
		{"BIOS from before RFC 4578", "", []dhcpv4.Modifier{class("PXEClient")}, "undionly.kpxe", "PXEClient"},
		{"UEFI", "", []dhcpv4.Modifier{class(pxeClass), opt(93, 0, 7)}, "snponly.efi", "PXEClient"},
		{"UEFI HTTP", "", []dhcpv4.Modifier{class("HTTPClient:Arch:00016"), opt(93, 0, 16)}, "http://198.18.0.1:8080/boot/files/snponly.efi", "HTTPClient"},
		{"iPXE, bare user class", "", []dhcpv4.Modifier{class(pxeClass), opt(93, 0, 0), ipxe}, script, ""},
		{"iPXE, RFC 3004 user class", "", []dhcpv4.Modifier{class(pxeClass), opt(93, 0, 7), ipxeRFC}, script, ""},
		{"disk", inventory.BootDisk, []dhcpv4.Modifier{class(pxeClass), opt(93, 0, 0)}, "", ""},
		{"disk, asked by iPXE", inventory.BootDisk, []dhcpv4.Modifier{class(pxeClass), ipxe}, script, ""},
		{"unknown architecture", "", []dhcpv4.Modifier{class(pxeClass), opt(93, 0x12, 0x34)}, "", ""},
		{"no PXE client", "", []dhcpv4.Modifier{class("udhcp 1.35.0")}, "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := newHandler(t, hosts{macA: {Boot: tc.boot}})
			r := h.handle(packet(t, discover, macA, tc.mods...), onProv, t0).reply
			if got := string(r.Options.Get(dhcpv4.OptionBootfileName)); got != tc.file || r.BootFileName != tc.file {
				t.Errorf("file %q, header %q", got, r.BootFileName)
			}
			if got := r.ClassIdentifier(); got != tc.class {
				t.Errorf("class %q", got)
			}
		})
	}
}

// TestHTTPSOnly: where a subnet wants HTTPS, firmware that boots by HTTP is told of nothing else.
func TestHTTPSOnly(t *testing.T) {
	subnets := testSubnets()
	subnets[0].HTTPS = true
	s, err := New(Options{Subnets: subnets, View: hosts{}, Leases: &dhcptest.Leases{}, BootURL: "http://198.18.0.1:8080", BootTLSURL: "https://198.18.0.1:8444/"})
	if err != nil {
		t.Fatal(err)
	}
	for arch, want := range map[byte]string{16: "https://198.18.0.1:8444/boot/machine.efi?mac=" + strings.ReplaceAll(macA, ":", "%3A"), 15: "", 19: "", 7: "https://198.18.0.1:8444/boot/machine.efi?mac=" + strings.ReplaceAll(macA, ":", "%3A")} {
		class := dhcpv4.WithOption(dhcpv4.OptClassIdentifier(fmt.Sprintf("HTTPClient:Arch:%05d", arch)))
		r := s.h.handle(packet(t, discover, macA, class, opt(93, 0, arch)), onProv, t0).reply
		if got := string(r.Options.Get(dhcpv4.OptionBootfileName)); got != want {
			t.Errorf("architecture %d: file %q, want %q", arch, got, want)
		}
		if got := r.ClassIdentifier(); want != "" && got != "HTTPClient" {
			t.Errorf("architecture %d: class %q", arch, got)
		}
	}
}

func TestLongURLStaysOutOfTheHeader(t *testing.T) {
	h := newHandler(t, hosts{})
	h.decide = func(pxe.Client, pxe.Wanted) pxe.Decision {
		return pxe.Decision{Action: pxe.ActScript, File: "/" + fmt.Sprintf("%0150d", 1)}
	}
	r := h.handle(packet(t, discover, macA, dhcpv4.WithOption(dhcpv4.OptUserClass("iPXE"))), onProv, t0).reply
	if r.BootFileName != "" || len(r.Options.Get(dhcpv4.OptionBootfileName)) < 150 {
		t.Errorf("header %q", r.BootFileName)
	}
}

func TestLeasesSurviveARestart(t *testing.T) {
	h := newHandler(t, hosts{})
	h.book.learn([]inventory.Lease{
		{Addr: ip("198.18.0.101"), MAC: macA, Expires: t0.Add(time.Hour)},
		{Addr: ip("198.18.0.102"), MAC: "", Expires: t0.Add(time.Hour)},      // declined
		{Addr: ip("198.18.0.103"), MAC: macA, Expires: t0.Add(-time.Hour)},   // an older one of the same machine
		{Addr: ip("192.0.2.1"), MAC: macB, Expires: t0.Add(time.Hour)},       // of a subnet that is no more
		{Addr: ip("198.18.0.100"), MAC: macB, Expires: t0.Add(-time.Minute)}, // expired, kept for it
	}, h.opt.Subnets)
	for mac, want := range map[string]string{macA: "198.18.0.101", macB: "198.18.0.100"} {
		if got := h.handle(packet(t, discover, mac), onProv, t0).reply.YourIPAddr.String(); got != want {
			t.Errorf("%s is offered %s, not %s", mac, got, want)
		}
	}
	if got := h.handle(packet(t, discover, "52:54:00:00:00:01"), onProv, t0).reply.YourIPAddr.String(); got != "198.18.0.103" {
		t.Errorf("a new machine is offered %s", got)
	}
}

func TestMachineID(t *testing.T) {
	b := []byte{0, 0x44, 0x33, 0x22, 0x11, 0x66, 0x55, 0x88, 0x77, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff, 0x00}
	if got := machineID(b); got != "11223344-5566-7788-99aa-bbccddeeff00" {
		t.Error(got)
	}
	if machineID(b[:5]) != "" || machineID(nil) != "" {
		t.Error("a cut option gave a UUID")
	}
}

func TestMACText(t *testing.T) {
	for _, hw := range []net.HardwareAddr{{0x52, 0x54, 0, 0xab, 9, 0xf0}, {0, 0, 0, 0, 0, 0}, {255, 255, 255, 255, 255, 255}, {255, 255, 255, 255, 255, 0}} {
		if got, want := macText(hw), inventory.NormalizeMAC(hw.String()); got != want {
			t.Errorf("%s is %q, not %q", hw, got, want)
		}
	}
}

func TestOptionErrors(t *testing.T) {
	good := Options{Subnets: testSubnets(), View: hosts{}, Leases: &dhcptest.Leases{}, BootURL: "http://a:1"}
	for name, change := range map[string]func(*Options){
		"no view":             func(o *Options) { o.View = nil },
		"no subnet":           func(o *Options) { o.Subnets = nil },
		"bad URL":             func(o *Options) { o.BootURL = "https://a" },
		"HTTPS without URL":   func(o *Options) { o.Subnets[0].HTTPS = true },
		"HTTPS by HTTP":       func(o *Options) { o.Subnets[0].HTTPS, o.BootTLSURL = true, "http://a:1" },
		"overlap":             func(o *Options) { o.Subnets[1].Prefix = netip.MustParsePrefix("198.18.0.128/25") },
		"pool outside":        func(o *Options) { o.Subnets[0].PoolLast = ip("198.18.2.1") },
		"pool backwards":      func(o *Options) { o.Subnets[0].PoolLast = ip("198.18.0.99") },
		"half a pool":         func(o *Options) { o.Subnets[0].PoolLast = netip.Addr{} },
		"IPv6":                func(o *Options) { o.Subnets[0].Prefix = netip.MustParsePrefix("2001:db8::/64") },
		"no prefix":           func(o *Options) { o.Subnets[0].Prefix = netip.Prefix{} },
		"nowhere to listen":   func(o *Options) { o.Subnets = o.Subnets[2:] },
		"gateway elsewhere":   func(o *Options) { o.Subnets[0].Gateway = ip("10.0.0.1") },
		"lease of a second":   func(o *Options) { o.Subnets[0].LeaseTime = time.Second },
		"IPv6 name server":    func(o *Options) { o.Subnets[0].DNS = []netip.Addr{ip("::1")} },
		"IPv6 as own address": func(o *Options) { o.ServerAddr = ip("::1") },
	} {
		o := good
		o.Subnets = testSubnets()
		change(&o)
		if _, err := New(o); err == nil {
			t.Errorf("%s was accepted", name)
		} else {
			t.Logf("%s: %v", name, err)
		}
	}
}

// everyRule is a subnet in which every kind of rule is looked at.
func everyRule(mode inventory.SubnetMode) inventory.Subnet {
	s := inventory.Subnet{Name: "prov", Interface: "prov0", Prefix: cidr("198.18.0.0/24"), Mode: mode}
	if mode == inventory.SubnetProxy {
		return s
	}
	s.Pools = []inventory.Pool{{First: ip("198.18.0.100"), Last: ip("198.18.0.101"), Match: inventory.ClientRule{Arch: []uint16{0, 7}, VendorClass: "PXEClient",
		UserClass: "iPXE", Machine: "unknown", CircuitID: "eth1", RemoteID: "0x0102"}}, {First: ip("198.18.0.102"), Last: ip("198.18.0.103")}}
	s.Reservations = []inventory.Reservation{{Address: ip("198.18.0.10"), MAC: macA}, {Address: ip("198.18.0.11"), ClientID: "x"},
		{Address: ip("198.18.0.12"), UUID: uuidA}, {Address: ip("198.18.0.13"), CircuitID: "eth1", RemoteID: "a"}, {Address: ip("198.18.0.14"), CircuitID: "eth1"}}
	return s
}

func FuzzPacket(f *testing.F) {
	seed := func(kind dhcpv4.MessageType, mods ...dhcpv4.Modifier) {
		p, err := dhcpv4.New(append(mods, dhcpv4.WithMessageType(kind), dhcpv4.WithHwAddr(net.HardwareAddr{0x52, 0x54, 0, 0, 0, 1}))...)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(p.ToBytes())
	}
	seed(discover, wants("198.18.0.100"), opt(93, 0), opt(97, 1, 2), opt(82, 5, 4, 1))
	seed(req, server("198.18.0.1"), opt(77, 200, 'i'), opt(60, 'P', 'X', 'E', 'C', 'l', 'i', 'e', 'n', 't'))
	seed(req, ciaddr("198.18.0.100"), giaddr("198.19.0.1"))
	seed(dhcpv4.MessageTypeDecline, wants("198.18.0.100"))
	seed(dhcpv4.MessageTypeRelease, ciaddr("198.18.0.100"))
	seed(dhcpv4.MessageTypeInform, ciaddr("198.18.0.100"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := parse(b)
		if err != nil {
			return
		}
		beside := with(t, hosts{}, everyRule(inventory.SubnetProxy))
		beside.handle(r, onProv, t0)
		on4011 := onProv
		on4011.Port = pxePort
		if a := beside.handle(r, on4011, t0); a.reply != nil && (!a.reply.YourIPAddr.IsUnspecified() || len(a.save) > 0) {
			t.Errorf("a proxy gave an address: %s", a.why)
		}
		with(t, hosts{}, everyRule(inventory.SubnetFull)).handle(r, onProv, t0)
		h := newHandler(t, hosts{})
		h.handle(r, onProv, t0)
		a := h.handle(r, onProv, t0)
		if a.reply == nil {
			return
		}
		wire := a.reply.ToBytes()
		back, err := dhcpv4.FromBytes(wire)
		if err != nil || back.TransactionID != r.packet.TransactionID {
			t.Errorf("the reply does not read back: %v", err)
		}
		if y := addr4(back.YourIPAddr.To4()); y.IsValid() && !ip("198.18.0.100").Less(y.Next()) {
			t.Errorf("gave out %s", y)
		}
		_ = r.String()
	})
}
