package baseline_test

import (
	"testing"

	"socle/inventory/baseline"
)

// TestCompare: version strings as vendors write them.
func TestCompare(t *testing.T) {
	for _, c := range []struct {
		have, want string
		is         baseline.Order
	}{
		{"2.14.2", "2.17.1", baseline.Older}, // Dell BIOS
		{"2.9.4", "2.17.1", baseline.Older},
		{"2.17.1", "2.17", baseline.Newer},
		{"2.17.0", "2.17", baseline.Same},
		{"5.10.50.00", "7.00.00.172", baseline.Older},                        // iDRAC 9
		{"21.80.9", "21.80.16", baseline.Older},                              // its network card
		{"U32 v2.42 (06/20/2020)", "U32 v2.90 (04/29/2021)", baseline.Older}, // HPE system ROM
		{"U32 v2.90 (04/29/2021)", "2.90", baseline.Same},
		{"U32 v2.90 (04/29/2021)", "U32 v2.90", baseline.Same},
		{"U30 v2.42", "U32 v2.90", baseline.CannotTell},                           // another board's
		{"U32 v2.90 (04/29/2021)", "U32 v2.90 (05/29/2021)", baseline.CannotTell}, // was issued twice
		{"iLO 5 v2.78", "iLO 5 v2.44", baseline.Newer},
		{"iLO 5 v2.78", "v2.78", baseline.Same},
		{"iLO 5 v2.78", "iLO 6 v1.55", baseline.CannotTell},
		{"2.78 May 11 2022", "2.44", baseline.Newer}, // the same by the firmware inventory
		{"3.4", "3.8a", baseline.Older},              // Supermicro BIOS
		{"3.8", "3.8a", baseline.Older},
		{"3.8b", "3.8a", baseline.Newer},
		{"3.10", "3.8a", baseline.Newer},
		{"1.73.06", "01.74.06", baseline.Older}, // Supermicro BMC, which writes it both ways
		{"01.74.06", "1.74.6", baseline.Same},
		{"01.74.09", "01.74.10", baseline.Older},
		{"16.35.3006 (MT_0000000080)", "16.32.1010 (MT_0000000080)", baseline.Newer}, // Mellanox
		{"UEFI 2.17.1", "2.17.1", baseline.Same},
		{"20210429", "20200101", baseline.Newer},
		{"99999999999999999999.1", "99999999999999999998.2", baseline.Newer},
		{"IVE182D", "IVE186E", baseline.CannotTell}, // Lenovo's build names
		{"CDI3A8N 9.88", "CDI3A8N 9.90", baseline.Older},
		{"SE5C620.86B.02.01.0014.C0001.082620210524", "SE5C620.86B.02.01.0013.C0001.031020210524", baseline.CannotTell}, // Intel
		{"2.0rc1", "2.0", baseline.CannotTell},
		{"1.2 3.4", "1.2", baseline.CannotTell},
		{"N/A", "1.0", baseline.CannotTell},
		{"", "1.0", baseline.CannotTell},
		{"", "", baseline.CannotTell},
		{"0x00000a11", "0x00000a11", baseline.Same},
		{"0x00000a11", "0x00000a12", baseline.CannotTell},
	} {
		if got := baseline.Compare(c.have, c.want); got != c.is {
			t.Errorf("%q to %q: %v, want %v", c.have, c.want, got, c.is)
		}
		if got := baseline.Compare(c.want, c.have); got != reverse(c.is) {
			t.Errorf("%q to %q: %v, want %v", c.want, c.have, got, reverse(c.is))
		}
	}
}

func reverse(o baseline.Order) baseline.Order {
	switch o {
	case baseline.Older:
		return baseline.Newer
	case baseline.Newer:
		return baseline.Older
	}
	return o
}

// FuzzCompare: whatever is written, the two directions agree.
func FuzzCompare(f *testing.F) {
	f.Add("U32 v2.90 (04/29/2021)", "iLO 5 v2.78")
	f.Add("3.8a", "01.74.06")
	f.Fuzz(func(t *testing.T, a, b string) {
		if x, y := baseline.Compare(a, b), baseline.Compare(b, a); x != reverse(y) {
			t.Errorf("%q %q: %v and %v", a, b, x, y)
		}
	})
}
