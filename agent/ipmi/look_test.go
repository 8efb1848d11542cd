package ipmi

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"socle/hardware"
)

// The answer is as ipmi_sim gives it: device 0x20, revision 1, firmware 9.08, IPMI 2.0, support 0x9f, manufacturer
// 0x001291, product 0x0f02.
func TestDeviceID(t *testing.T) {
	got := deviceID([]byte{0x20, 0x01, 0x09, 0x08, 0x02, 0x9f, 0x91, 0x12, 0x00, 0x02, 0x0f})
	if diff := cmp.Diff(&hardware.BMC{Version: "9.08", Vendor: "IANA 4753"}, got); diff != "" {
		t.Errorf("BMC (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(&hardware.BMC{}, deviceID([]byte{0x20})); diff != "" {
		t.Errorf("short answer (-want +got):\n%s", diff)
	}
}

// TestVLAN: the number is in use only when the controller says so.
func TestVLAN(t *testing.T) {
	for want, b := range map[int][]byte{0: {0x2a, 0x00}, 42: {0x2a, 0x80}, 4094: {0xfe, 0x8f}} {
		if got := vlanOf(b); got != want {
			t.Errorf("% x: VLAN %d, want %d", b, got, want)
		}
	}
	if got := vlanOf(nil); got != 0 {
		t.Errorf("no parameter: VLAN %d", got)
	}
}
