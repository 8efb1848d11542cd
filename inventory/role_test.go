package inventory

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"socle/hardware"
)

const gib = 1 << 30

func disk(serial string, size uint64, fn ...func(*hardware.Disk)) hardware.Disk {
	d := hardware.Disk{Name: "sdx", Serial: serial, SizeBytes: size, Transport: "sata"}
	for _, f := range fn {
		f(&d)
	}
	return d
}

func rotational(d *hardware.Disk) { d.Rotational = true }
func removable(d *hardware.Disk)  { d.Removable = true }
func readOnly(d *hardware.Disk)   { d.ReadOnly = true }

func TestClassify(t *testing.T) {
	hypervisor := Role{Name: "hypervisor", Match: Conditions{MaxDisks: 2, MinMemoryBytes: gib}}
	storage := Role{Name: "storage", Match: Conditions{MinDisks: 3}}
	catchAll := Role{Name: "any", Match: Conditions{MinCores: 1}, Priority: -1}
	empty := Role{Name: "empty", Priority: 99}
	dell := Role{Name: "dell", Match: Conditions{Product: "PowerEdge"}, Priority: 5}
	facts := func(disks int, memory uint64) hardware.Facts {
		f := hardware.Facts{Memory: hardware.Memory{TotalBytes: memory}, CPUs: []hardware.CPU{{Cores: 1}, {Cores: 1}}}
		for i := range disks {
			f.Disks = append(f.Disks, disk(string(rune('a'+i)), gib))
		}
		return f
	}
	unusable := facts(2, gib)
	unusable.Disks = append(unusable.Disks, disk("u", gib, removable), disk("r", gib, readOnly), disk("", gib), disk("z", 0))
	edge := facts(1, gib)
	edge.System.Product = "PowerEdge R760"
	for _, tt := range []struct {
		name  string
		roles []Role
		facts hardware.Facts
		want  string
		err   string // part of the error when nothing fits
	}{
		{"few disks", []Role{hypervisor, storage}, facts(1, gib), "hypervisor", ""},
		{"many disks", []Role{hypervisor, storage}, facts(5, gib), "storage", ""},
		{"unusable disks do not count", []Role{hypervisor, storage}, unusable, "hypervisor", ""},
		{"priority decides", []Role{catchAll, hypervisor}, facts(1, gib), "hypervisor", ""},
		{"product", []Role{hypervisor, dell}, edge, "dell", ""},
		{"a role without conditions fits nothing", []Role{empty}, facts(1, gib), "", "empty: no, it has no conditions"},
		{"too little memory", []Role{hypervisor, storage}, facts(1, gib-1), "", "1024 MiB of memory (1073741823 bytes) of at least 1.0 GiB"},
		{"too few cores", []Role{{Name: "big", Match: Conditions{MinCores: 3}}}, facts(1, gib), "", "2 cores of at least 3"},
		{"equal priority", []Role{hypervisor, {Name: "twin", Match: Conditions{MinDisks: 1}}}, facts(1, gib), "", "hypervisor and twin fit with equal priority 0"},
		{"no roles", nil, facts(1, gib), "", "no role"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, reasons, err := Classify(tt.roles, tt.facts)
			if got.Name != tt.want || len(reasons) != len(tt.roles) {
				t.Errorf("role %q, reasons %q", got.Name, reasons)
			}
			if tt.err == "" && err == nil {
				return
			}
			if !errors.Is(err, ErrNoRole) || tt.err == "" || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("error %v, want %q", err, tt.err)
			}
		})
	}
}

func TestDisks(t *testing.T) {
	hdd := true
	system := DiskRule{MinBytes: 4 * gib, MaxBytes: 20 * gib}
	data := &DiskRule{MinBytes: gib, Rotational: &hdd, MinCount: 2, Label: "d"}
	all := []hardware.Disk{
		disk("H3", 10*gib, rotational), disk("S2", 8*gib), disk("H1", 10*gib, rotational), disk("H2", 10*gib, rotational),
		disk("S1", 8*gib), disk("USB", 5*gib, removable), disk("RO", 5*gib, readOnly), disk("", 5*gib), disk("small", gib), disk("huge", 30*gib),
	}
	for _, tt := range []struct {
		name   string
		role   Role
		disks  []hardware.Disk
		system string
		data   []Data
		err    string
	}{
		{"the smallest that fits, then by serial", Role{SystemDisk: system}, all, "S1", nil, ""},
		{"data disks by serial", Role{SystemDisk: system, DataDisks: data}, all, "S1", []Data{{"H1", "d1", 10 * gib}, {"H2", "d2", 10 * gib}, {"H3", "d3", 10 * gib}}, ""},
		{"the system disk is no data disk", Role{SystemDisk: DiskRule{Rotational: &hdd}, DataDisks: data}, all, "H1", []Data{{"H2", "d1", 10 * gib}, {"H3", "d2", 10 * gib}}, ""},
		{"too few data disks", Role{Name: "storage", SystemDisk: DiskRule{Rotational: &hdd}, DataDisks: data}, all[:3], "", nil, "for the data of role storage: at least 1.0 GiB, rotational=true wants 2, 1 fit"},
		{"none fits", Role{Name: "hv", SystemDisk: DiskRule{MinBytes: 1 << 50, Transport: "nvme"}}, all, "", nil, "for the system of role hv: at least 1.0 PiB, transport nvme among 7 usable disks"},
		{"no disks", Role{Name: "hv"}, nil, "", nil, "among 0 usable disks"},
		{"transport", Role{SystemDisk: DiskRule{Transport: "sas"}}, append(slices.Clone(all), disk("SAS", 40*gib, func(d *hardware.Disk) { d.Transport = "sas" })), "SAS", nil, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			backwards := slices.Clone(tt.disks)
			slices.Reverse(backwards)
			for _, disks := range [][]hardware.Disk{tt.disks, backwards} { // the order of the facts must not matter
				before := slices.Clone(disks)
				got, data, err := tt.role.Disks(hardware.Facts{Disks: disks})
				if !slices.Equal(before, disks) {
					t.Error("the facts were changed")
				}
				if tt.err != "" {
					if !errors.Is(err, ErrNoDisk) || !strings.Contains(err.Error(), tt.err) || data != nil || got.Serial != "" {
						t.Errorf("%s, %v, %v", got.Serial, data, err)
					}
					continue
				}
				if err != nil || got.Serial != tt.system {
					t.Errorf("system disk %q, %v", got.Serial, err)
				}
				if diff := cmp.Diff(tt.data, data); diff != "" {
					t.Errorf("data disks (-want +got):\n%s", diff)
				}
			}
		})
	}
}

// TestDisksWithOneSerial: two disks with one serial cannot be told apart by an order, so none is written to.
func TestDisksWithOneSerial(t *testing.T) {
	role := Role{Name: "hv"}
	got, _, err := role.Disks(hardware.Facts{Disks: []hardware.Disk{disk("A", gib), disk("A", gib), disk("B", 2*gib)}})
	if err != nil || got.Serial != "B" {
		t.Errorf("system disk %q, %v", got.Serial, err)
	}
}
