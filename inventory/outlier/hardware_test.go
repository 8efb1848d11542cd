package outlier_test

import (
	"slices"
	"strings"
	"testing"

	"socle/hardware"
	"socle/inventory"
	"socle/inventory/outlier"
)

// TestOtherParts: each way in which the parts of one machine can differ is found, named, and nothing else is.
func TestOtherParts(t *testing.T) {
	for name, c := range map[string]struct {
		hurt   func(*hardware.Facts)
		want   string
		reason string
	}{
		"DIMM missing":   {func(f *hardware.Facts) { f.Memory.DIMMs[3].SizeBytes = 0 }, "missing memory", "3 × 16.0 GiB DDR4-2400 instead of 4 × 16.0 GiB DDR4-2400; without A4"},
		"DIMM elsewhere": {func(f *hardware.Facts) { f.Memory.DIMMs[3].Locator = "B1" }, "wrong-slot memory", "without A4; also B1"},
		"DIMM smaller":   {func(f *hardware.Facts) { f.Memory.DIMMs[0].SizeBytes = 8 << 30 }, "wrong-part memory", "8.0 GiB"},
		"DIMM slower":    {func(f *hardware.Facts) { f.Memory.DIMMs[0].SpeedMTs = 2133 }, "wrong-part memory", "DDR4-2133"},
		"other CPU":      {func(f *hardware.Facts) { f.CPUs[1].Model = "Xeon Silver" }, "wrong-part CPUs", "its CPUs are not as in 11 of its 11 peers: 1 × Xeon Silver with"},
		"cores off":      {func(f *hardware.Facts) { f.CPUs[1].Cores = 6 }, "wrong-part CPUs", "6 cores"},
		"CPU missing":    {func(f *hardware.Facts) { f.CPUs = f.CPUs[:1] }, "missing CPUs", "instead of 2 ×"},
		"disk missing":   {func(f *hardware.Facts) { f.Disks = f.Disks[:3] }, "missing disks", "3 × ST4000 3.6 TiB sas instead of 4 ×"},
		"disk extra":     {func(f *hardware.Facts) { f.Disks = append(f.Disks, f.Disks[0]) }, "extra disks", "5 × ST4000"},
		"other disk":     {func(f *hardware.Facts) { f.Disks[2].Model = "WD4003" }, "wrong-part disks", "1 × WD4003"},
		"card missing":   {func(f *hardware.Facts) { f.NICs = f.NICs[:1] }, "missing network cards", "ixgbe instead of 2 × ixgbe"},
		"PCI device":     {func(f *hardware.Facts) { f.PCI = []hardware.PCIDevice{{Vendor: "10de", Device: "1eb8"}} }, "extra PCI devices", "10de:1eb8 instead of none"},
		"drive extra": {func(f *hardware.Facts) {
			f.Drives = []hardware.Drive{{Bay: "1I:1:1", Transport: "sata", SizeBytes: 1e12}}
		}, "extra drives", "931 GiB SATA instead of none; also bay 1I:1:1"},
	} {
		machines := equals(12)
		c.hurt(machines[4].Facts)
		r := outlier.Judge(machines, nil, outlier.Default())
		if got := told(r, true); !slices.Equal(got, []string{"m04 " + c.want}) {
			t.Errorf("%s: %q", name, got)
			continue
		}
		if f := r.Findings["m04"][0]; !strings.Contains(f.Reason, c.reason) || f.Remedy == "" || f.Minor {
			t.Errorf("%s: %+v", name, f)
		}
	}
}

// TestInstalledIsMinor: what is installed and not built in is told and makes no machine unequal.
func TestInstalledIsMinor(t *testing.T) {
	machines := equals(12)
	machines[4].Facts.Firmware.Version = "1.1"
	r := outlier.Judge(machines, nil, outlier.Default())
	if got := told(r, true); !slices.Equal(got, []string{"m04 firmware firmware"}) || !r.Findings["m04"][0].Minor {
		t.Errorf("%v", r.Findings["m04"])
	}
	if outlier.Fingerprint(&machines[4]) != outlier.Fingerprint(&machines[5]) || outlier.Fingerprint(&inventory.Machine{}) != "" {
		t.Error("firmware is no hardware")
	}
}

// TestOrderedOtherwise: machines that were ordered as different models are no kin, and where a model was ordered the order
// says what is wrong.
func TestOrderedOtherwise(t *testing.T) {
	machines := equals(12)
	for i := range machines {
		machines[i].Model = "big"
		if i < 4 {
			machines[i].Model = "small"
			machines[i].Facts.Memory.DIMMs = machines[i].Facts.Memory.DIMMs[:2]
		}
	}
	if got := told(outlier.Judge(machines, nil, outlier.Default()), true); len(got) > 0 {
		t.Errorf("%q", got)
	}
	machines[6].Facts.Memory.DIMMs = machines[6].Facts.Memory.DIMMs[:2]
	r := outlier.Judge(machines, nil, outlier.Default())
	if got := told(r, true); !slices.Equal(got, []string{"m06 missing memory"}) || !r.Findings["m06"][0].Minor {
		t.Errorf("%v", r.Findings)
	}
}

// TestNoMajority: when no half has the same, nobody is called odd, and that is said.
func TestNoMajority(t *testing.T) {
	machines := equals(12)
	for i := range 6 {
		machines[i].Facts.Memory.DIMMs[0].SizeBytes = 32 << 30
	}
	r := outlier.Judge(machines, nil, outlier.Default())
	if got := told(r, true); len(got) > 0 {
		t.Errorf("%q", got)
	}
	if len(r.Notes) != 12 || r.Notes[0].About != "memory" || !strings.Contains(r.Notes[0].Why, "its 11 peers have 2 different ones") {
		t.Errorf("%+v", r.Notes)
	}
}

// TestNotJudged: without facts nothing can be said, and what is retired is no peer.
func TestNotJudged(t *testing.T) {
	machines := equals(12)
	machines[0].Facts = nil
	machines[1].State = inventory.Retired
	r := outlier.Judge(machines, nil, outlier.Default())
	if _, looked := r.Findings["m00"]; looked || len(r.Findings) != 10 || r.Findings["m02"] == nil {
		t.Errorf("%v", r.Findings)
	}
}
