package inventory

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestNormalize(t *testing.T) {
	got := Identity{
		Serial: " SN-1 ", UUID: "4C4C4544-0000-1000-8000-00000000000F", BMCMAC: "52-54-00-AA-00-01", AssetTag: "To be filled by O.E.M.",
		NICMACs: []string{"5254.0000.0002", "525400000001", "52:54:00:00:00:02", "", "00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff", "nonsense"},
	}.Normalize()
	want := Identity{
		Serial: "SN-1", UUID: "4c4c4544-0000-1000-8000-00000000000f", BMCMAC: "52:54:00:aa:00:01",
		NICMACs: []string{"52:54:00:00:00:01", "52:54:00:00:00:02"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, p := range placeholders {
		if got := (Identity{Serial: strings.ToUpper(" " + p), UUID: p}).Normalize(); got.Serial != "" || got.UUID != "" {
			t.Errorf("%q is taken for a serial: %+v", p, got)
		}
	}
	for _, u := range []string{"00000000-0000-0000-0000-000000000000", "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF"} {
		if got := (Identity{UUID: u}).Normalize().UUID; got != "" {
			t.Errorf("UUID %s is kept", u)
		}
	}
}

func TestNormalizeKeepsItsArgument(t *testing.T) {
	macs := []string{"52:54:00:00:00:02", "52:54:00:00:00:01"}
	Identity{NICMACs: macs}.Normalize()
	if !slices.Equal(macs, []string{"52:54:00:00:00:02", "52:54:00:00:00:01"}) {
		t.Errorf("the caller's list became %v", macs)
	}
}

// TestNormalIsFree: each packet and request normalizes what is normal several times.
func TestNormalIsFree(t *testing.T) {
	id := Identity{Serial: "SN-1", UUID: "4c4c4544-0000-1000-8000-00000000000f", NICMACs: append(make([]string, 0, 9), "52:54:00:00:00:01", "52:54:00:00:00:02")}
	var got Identity
	if n := testing.AllocsPerRun(100, func() { got = id.Normalize() }); n != 0 {
		t.Errorf("%g allocations", n)
	}
	if _ = append(got.NICMACs, "x"); id.NICMACs[:3][2] != "" {
		t.Error("appending to the result writes into the caller's list")
	}
}

func FuzzNormalizeMAC(f *testing.F) {
	for _, s := range []string{"52:54:00:00:00:01", "5254.0000.0001", "", "00:00:00:00:00:00", "ABCDEF012345", "52:54:00:00:00:0", "5254000000011", "52:54:00:00:00:0g", "5-2 5.4:0000-00:1A"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		mac := NormalizeMAC(s)
		hex := strings.ToLower(strings.NewReplacer(":", "", "-", "", ".", "", " ", "").Replace(s))
		is := len(hex) == 12 && strings.Trim(hex, "0") != "" && strings.Trim(hex, "f") != "" && strings.Trim(hex, "0123456789abcdef") == ""
		if is != (mac != "") || is && strings.ReplaceAll(mac, ":", "") != hex {
			t.Errorf("%q became %q", s, mac)
		}
		if mac == "" {
			return
		}
		if len(mac) != 17 || strings.Trim(mac, "0123456789abcdef:") != "" || NormalizeMAC(mac) != mac {
			t.Errorf("%q became %q", s, mac)
		}
	})
}

func TestCompare(t *testing.T) {
	const (
		u1, u2 = "4c4c4544-0000-1000-8000-000000000001", "4c4c4544-0000-1000-8000-000000000002"
		n1, n2 = "52:54:00:00:00:01", "52:54:00:00:00:02"
		b1, b2 = "52:54:00:bb:00:01", "52:54:00:bb:00:02"
	)
	nic := func(m ...string) []string { return m }
	known := Identity{Serial: "A", UUID: u1, BMCMAC: b1, NICMACs: nic(n1)}
	for _, tt := range []struct {
		name        string
		known, seen Identity
		want        Match
	}{
		{"the same", known, known, Certain},
		{"serial in another case, and UUID", known, Identity{Serial: "a", UUID: u1}, Certain},
		{"serial alone", known, Identity{Serial: "A"}, Likely},
		{"swapped NIC", known, Identity{Serial: "A", UUID: u1, BMCMAC: b1, NICMACs: nic(n2)}, Certain},
		{"swapped BMC", known, Identity{Serial: "A", UUID: u1, BMCMAC: b2, NICMACs: nic(n1)}, Certain},
		{"swapped board, label kept", known, Identity{Serial: "A", UUID: u2, BMCMAC: b2, NICMACs: nic(n2)}, Likely},
		{"NIC alone, as DHCP sees it", known, Identity{NICMACs: nic(n1)}, Likely},
		{"one NIC of several", Identity{NICMACs: nic(n1, n2)}, Identity{NICMACs: nic(n2)}, Likely},
		{"NIC and another UUID", known, Identity{UUID: u2, NICMACs: nic(n1)}, Likely},
		{"BMC alone", known, Identity{BMCMAC: b1}, Likely},
		{"two servers with one UUID", known, Identity{Serial: "B", UUID: u1, NICMACs: nic(n2)}, NoMatch},
		{"two servers with one UUID and no serial", Identity{UUID: u1, NICMACs: nic(n1)}, Identity{UUID: u1, NICMACs: nic(n2)}, NoMatch},
		{"UUID alone against one with NICs", known, Identity{UUID: u1}, Likely},
		{"UUID, and a NIC of one that knows none", Identity{Serial: "A", UUID: u1}, Identity{UUID: u1, NICMACs: nic(n1)}, Likely},
		{"UUID and another BMC", Identity{UUID: u1, BMCMAC: b1}, Identity{UUID: u1, BMCMAC: b2}, NoMatch},
		{"placeholders do not agree", Identity{Serial: "None", UUID: "00000000-0000-0000-0000-000000000000"}, Identity{Serial: "none", UUID: "00000000-0000-0000-0000-000000000000"}, NoMatch},
		{"NIC in another chassis", known, Identity{Serial: "B", NICMACs: nic(n1)}, Conflict},
		{"BMC in another chassis", known, Identity{Serial: "B", BMCMAC: b1}, Conflict},
		{"nothing in common", known, Identity{Serial: "B", UUID: u2, BMCMAC: b2, NICMACs: nic(n2)}, NoMatch},
		{"nothing at all", Identity{}, Identity{}, NoMatch},
		{"nothing known", Identity{}, known, NoMatch},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.known.Compare(tt.seen); got != tt.want {
				t.Errorf("known by seen: %d, want %d", got, tt.want)
			}
			if got := tt.seen.Compare(tt.known); got != tt.want {
				t.Errorf("seen by known: %d, want %d", got, tt.want)
			}
		})
	}
}

func TestMerge(t *testing.T) {
	known := Identity{Serial: "A", UUID: "u", NICMACs: []string{"52:54:00:00:00:01"}}
	got := known.Merge(Identity{Serial: "none", BMCMAC: "52-54-00-00-00-0B", NICMACs: []string{"52:54:00:00:00:02", "52:54:00:00:00:01"}, AssetTag: "T"})
	want := Identity{Serial: "A", UUID: "u", BMCMAC: "52:54:00:00:00:0b", AssetTag: "T", NICMACs: []string{"52:54:00:00:00:01", "52:54:00:00:00:02"}}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(known.NICMACs) != 1 {
		t.Errorf("the known identity became %+v", known)
	}
}
