package dhcp6

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDUIDs(t *testing.T) {
	for _, tc := range []struct {
		b         []byte
		mac, uuid string
	}{
		{duidLLA, macA, ""},
		{[]byte{0, 1, 0, 1, 9, 9, 9, 9, 0x52, 0x54, 0, 0, 0, 0x0a}, macA, ""},
		{[]byte{0, 3, 0, 32, 1, 2, 3, 4, 5, 6}, "", ""},   // InfiniBand
		{[]byte{0, 3, 0, 1, 0x53, 2, 3, 4, 5, 6}, "", ""}, // a group's address
		{[]byte{0, 3, 0, 1, 0x52, 0x54, 0, 0, 0}, "", ""}, // short
		{[]byte{0, 2, 0, 0, 0, 9, 1, 2, 3, 4, 5}, "", ""}, // by a manufacturer
		{duidUUIDA, "", uuidA},
		{[]byte{0, 99, 1}, "", ""},
	} {
		id, err := parseDUID(tc.b)
		if err != nil || id.mac != tc.mac || id.uuid != tc.uuid {
			t.Errorf("%x: %+v, %v", tc.b, id, err)
		}
	}
	if id, _ := parseDUID(duidEdk); !slices.Contains(id.UUIDs(), uuidA) {
		t.Errorf("EDK2's order of bytes: %v", id.UUIDs())
	}
	for _, b := range [][]byte{nil, {1}, {0, 3}, make([]byte, maxDUID+1)} {
		if _, err := parseDUID(b); !errors.Is(err, errDUID) {
			t.Errorf("%x: %v", b, err)
		}
	}
	duid, iaid, ok := parseLeaseID(leaseID(string(duidLLA), 0xcafe0001))
	if diff := cmp.Diff([]any{string(duidLLA), uint32(0xcafe0001), true}, []any{duid, iaid, ok}); diff != "" {
		t.Error(diff)
	}
	for _, s := range []string{"", "zz", "01525400000a", "ff00000001"} {
		if _, _, ok := parseLeaseID(s); ok {
			t.Errorf("%q is read as a DHCPv6 lease's owner", s)
		}
	}
}

func TestMACFromEUI64(t *testing.T) {
	for addr, want := range map[string]string{"fe80::5054:ff:fe00:a": macA, "fe80::1": "", "2001:db8::5054:ff:fe00:a": "", "fe80::a8bb:ccff:fedd:ee": "aa:bb:cc:dd:00:ee"} {
		if got := macFromEUI64(ip(addr)); got != want {
			t.Errorf("%s: %q", addr, got)
		}
	}
}
