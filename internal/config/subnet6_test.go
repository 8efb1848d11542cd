package config

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"socle/inventory"
)

const six = `
subnets6:
- name: prov
  interface: eth1
  server: 2001:db8:1::1
  prefix: 2001:db8:1::/64
  pool_first: 2001:db8:1::1000
  pool_last: 2001:db8:1::1fff
  router_advertisements: true
  reservations:
  - {address: "2001:db8:1::10", mac: 52-54-00-00-00-0A}
  - {address: "2001:db8:1::11", uuid: 11223344-5566-7788-99AA-BBCCDDEEFF00}
`

func TestSubnet6(t *testing.T) {
	c, err := Load(write(t, six), env(nil))
	if err != nil {
		t.Fatal(err)
	}
	want := inventory.Subnet6{Name: "prov", Interface: "eth1", Server: netip.MustParseAddr("2001:db8:1::1"), Prefix: netip.MustParsePrefix("2001:db8:1::/64"),
		PoolFirst: netip.MustParseAddr("2001:db8:1::1000"), PoolLast: netip.MustParseAddr("2001:db8:1::1fff"), LeaseTime: time.Hour, Advertise: true,
		Reservations: []inventory.Reservation6{{Addr: netip.MustParseAddr("2001:db8:1::10"), MAC: "52:54:00:00:00:0a"},
			{Addr: netip.MustParseAddr("2001:db8:1::11"), UUID: "11223344-5566-7788-99aa-bbccddeeff00"}}}
	if diff := cmp.Diff(want, c.Subnets6[0].Inventory(), cmpopts.EquateComparable(netip.Addr{}, netip.Prefix{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if !c.Runs("dhcp") || !c.Runs("tftp") || !c.Leases() {
		t.Error("an IPv6 subnet alone does not switch the boot services on")
	}
	if c.Server() != want.Server || c.Server6(netip.MustParseAddr("2001:db8:1::77")) != want.Server || c.Server6(netip.MustParseAddr("2001:db8:2::77")) != want.Server {
		t.Errorf("server %s", c.Server())
	}
	c.Subnets = []Subnet{{Server: netip.MustParseAddr("198.18.0.1")}}
	if c.Server().String() != "198.18.0.1" {
		t.Errorf("server beside IPv4: %s", c.Server())
	}
}

func TestSubnet6Errors(t *testing.T) {
	for _, tc := range []struct{ old, new, want string }{
		{"interface: eth1", "domain: a.example", "interface is missing"},
		{"prefix: 2001:db8:1::/64", "prefix: 198.18.0.0/24", "not an IPv6 prefix"},
		{"server: 2001:db8:1::1", "server: fe80::1", "server must be"},
		{"server: 2001:db8:1::1", "server: 198.18.0.1", "server must be"},
		{"  pool_last: 2001:db8:1::1fff\n", "", "give both or none"},
		{"pool_last: 2001:db8:1::1fff", "pool_last: 2001:db8:2::1fff", "is not in 2001:db8:1::/64"},
		{"pool_last: 2001:db8:1::1fff", "pool_last: 2001:db8:1::f", "lies before"},
		{"prefix: 2001:db8:1::/64\n  pool_first: 2001:db8:1::1000\n  pool_last: 2001:db8:1::1fff", "prefix: 2001:db8::/32\n  pool_first: 2001:db8:1::1\n  pool_last: 2001:db8:2::1", "in one /64"},
		{"router_advertisements: true", "dns: [198.18.0.1]", "198.18.0.1 is not an IPv6 address"},
		{"router_advertisements: true", "lease_time: 1s", "give at least 1m"},
		{"router_advertisements: true", "router: true", "set router_advertisements"},
		{"prefix: 2001:db8:1::/64", "prefix: 2001:db8:1::/80\n  autonomous: true", "in a /64 only"},
		{`"2001:db8:1::10"`, `"2001:db8:2::10"`, `reservations[0] 2001:db8:2::10: it is not a client's address`},
		{`"2001:db8:1::10"`, `"2001:db8:1::11"`, `reservations[1] 2001:db8:1::11: reservations[0] has the same 2001:db8:1::11`},
		{"mac: 52-54-00-00-00-0A", "mac: nonsense", `mac "nonsense" is none`},
		{"uuid: 11223344-5566", "uuid: 1122", "is none"},
		{", mac: 52-54-00-00-00-0A", "", "name the client by mac or by uuid"},
		{"subnets6:", "subnets6:\n- {name: b, interface: eth2, server: \"2001:db8:1:0:1::1\", prefix: \"2001:db8:1:0:1::/80\"}", "overlaps"},
	} {
		if !strings.Contains(six, tc.old) {
			t.Fatalf("%q is not in the configuration", tc.old)
		}
		_, err := Load(write(t, strings.Replace(six, tc.old, tc.new, 1)), env(nil))
		if err == nil || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), "subnets6[") {
			t.Errorf("%q: error lacks %q: %v", tc.new, tc.want, err)
		}
	}
}
