package probe

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"socle/hardware"
)

func tlv(t byte, value string) string {
	return string([]byte{t<<1 | byte(len(value)>>8), byte(len(value))}) + value
}

const (
	ethernet = "\x01\x80\xc2\x00\x00\x0e\x02\x00\x00\x00\x00\x01"
	untagged = ethernet + "\x88\xcc"
	tagged   = ethernet + "\x81\x00\x00\x01\x88\xcc"
)

func leaf() string {
	return tlv(1, "\x04\x02\x00\x00\x00\x00\x01") + tlv(2, "\x05Ethernet1/7") + tlv(3, "\x00\x78") + tlv(4, "hv01 <uplink>") + tlv(5, "leaf1") +
		tlv(127, "\x00\x80\xc2\x01\x00\x01") + tlv(0, "")
}

func TestParseLLDP(t *testing.T) {
	want := hardware.Neighbor{ChassisID: "02:00:00:00:00:01", PortID: "Ethernet1/7", PortDesc: "hv01 <uplink>", SystemName: "leaf1", TTL: 120}
	for name, tc := range map[string]struct {
		frame string
		want  hardware.Neighbor
	}{
		"usual":           {untagged + leaf() + strings.Repeat("\x00", 20), want},
		"tagged":          {tagged + leaf(), want},
		"without end TLV": {untagged + strings.TrimSuffix(leaf(), "\x00\x00"), want},
		"network address": {untagged + tlv(1, "\x05\x01\xc0\x00\x02\x01") + tlv(2, "\x03\x02\x00\x00\x00\x00\x07") + tlv(3, "\x00\x01"),
			hardware.Neighbor{ChassisID: "192.0.2.1", PortID: "02:00:00:00:00:07", TTL: 1}},
		"bytes": {untagged + tlv(1, "\x07\xff\xfe") + tlv(2, "\x07p\x1bq") + tlv(3, "\x00\x01"), hardware.Neighbor{ChassisID: "fffe", PortID: "p q", TTL: 1}},
	} {
		got, err := ParseLLDP([]byte(tc.frame))
		if diff := cmp.Diff(tc.want, got); diff != "" || err != nil {
			t.Errorf("%s: error %v (-want +got):\n%s", name, err, diff)
		}
	}
}

func TestParseLLDPRefuses(t *testing.T) {
	for name, frame := range map[string]string{
		"empty":        "",
		"ARP":          ethernet + "\x08\x06" + leaf(),
		"nothing said": untagged,
		"no port":      untagged + tlv(1, "\x07x") + tlv(3, "\x00\x01"),
		"twice":        untagged + tlv(1, "\x07x") + leaf(),
		"cut":          untagged + leaf()[:12],
	} {
		if n, err := ParseLLDP([]byte(frame)); !errors.Is(err, ErrLLDP) {
			t.Errorf("%s: %+v, %v, want %v", name, n, err, ErrLLDP)
		}
	}
}

func FuzzParseLLDP(f *testing.F) {
	f.Add([]byte(untagged + leaf()))
	f.Add([]byte(tagged + leaf()))
	f.Fuzz(func(t *testing.T, frame []byte) {
		n, err := ParseLLDP(frame)
		if err != nil {
			return
		}
		for _, s := range []string{n.ChassisID, n.PortID, n.PortDesc, n.SystemName} {
			if len(s) > maxText || s != Clean(s) {
				t.Errorf("%q is not clean", s)
			}
		}
	})
}
