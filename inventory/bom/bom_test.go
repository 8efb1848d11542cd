package bom_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"socle/hardware"
	"socle/hardware/sample"
	"socle/inventory/bom"
)

// servers are real ones, by the end of their serial numbers; each call reads them anew.
func servers(t *testing.T) map[string]hardware.Facts {
	t.Helper()
	all, err := sample.All()
	if err != nil {
		t.Fatal(err)
	}
	by := map[string]hardware.Facts{}
	for _, s := range all {
		by[strings.TrimPrefix(s.Facts.System.Serial, "CZ3404")] = s.Facts
	}
	return by
}

func said(p bom.Profile, f hardware.Facts) (all []string) {
	for _, x := range p.Compare(f) {
		all = append(all, string(x.Kind)+" "+x.Reason)
	}
	return all
}

// TestTwelveServers compares real servers that should be alike with one of the majority. What is wanted was counted by hand:
// three lack six of eight DIMMs, and one lacks them, too, and has eight drives of 1 TB that the others have not.
func TestTwelveServers(t *testing.T) {
	all := servers(t)
	golden := bom.Take("bl460c", all["YWP2"])
	var six []string
	for _, slot := range []string{"1 DIMM 3", "1 DIMM 6", "1 DIMM 8", "2 DIMM 3", "2 DIMM 6", "2 DIMM 8"} {
		six = append(six, fmt.Sprintf("missing DIMM PROC %s: 16.0 GiB 672612-081 ordered, the slot is empty", slot))
	}
	drives := append([]string{}, six...)
	for n := range 8 {
		drives = append(drives, fmt.Sprintf("extra drive SLOT 3 1I:1:%d: 1.0 TB SATA was not ordered", n+1))
	}
	want := map[string][]string{"YWNN": six, "YWNR": six, "YWNT": six, "YWNW": drives}
	if len(all) != 12 {
		t.Fatal(len(all))
	}
	for serial, f := range all {
		if diff := cmp.Diff(want[serial], said(golden, f)); diff != "" {
			t.Errorf("%s:\n%s", serial, diff)
		}
	}
}

// TestDefects: each defect is one finding that names what to do.
func TestDefects(t *testing.T) {
	golden := bom.Take("bl460c", servers(t)["YWP2"])
	for name, c := range map[string]struct {
		break_ func(f *hardware.Facts)
		want   []string
	}{
		"nothing": {func(*hardware.Facts) {}, nil},
		"spelling": {func(f *hardware.Facts) {
			f.Memory.DIMMs[0].Locator, f.Memory.DIMMs[0].PartNumber, f.Memory.DIMMs[0].Vendor = "proc 1  dimm 1", "672612-081   ", "HPE"
			f.Memory.DIMMs[0].Serial, f.NICs[0].MAC = "1234", "02:00:00:00:00:01"
			f.Disks[0].Name, f.Disks[1].Name = "sdz", "sdy"
		}, nil},
		"missing DIMM": {func(f *hardware.Facts) {
			f.Memory.DIMMs[2] = hardware.DIMM{Locator: "PROC  1 DIMM  3", PartNumber: "NOT AVAILABLE"}
		},
			[]string{"missing DIMM PROC 1 DIMM 3: 16.0 GiB 672612-081 ordered, the slot is empty"}},
		"moved DIMM": {func(f *hardware.Facts) {
			a, b := &f.Memory.DIMMs[2], &f.Memory.DIMMs[1]
			a.Locator, b.Locator = b.Locator, a.Locator
		}, []string{"wrong-slot DIMM PROC 1 DIMM 3: 16.0 GiB 672612-081 was ordered here, it sits in PROC 1 DIMM 2"}},
		"small DIMM": {func(f *hardware.Facts) { f.Memory.DIMMs[0].SizeBytes = 8 << 30 },
			[]string{"wrong-part DIMM PROC 1 DIMM 1: 16.0 GiB 672612-081 ordered, 8.0 GiB 672612-081 is there, which is too small"}},
		"slow DIMM": {func(f *hardware.Facts) { f.Memory.DIMMs[0].SpeedMTs = 1333 },
			[]string{"wrong-part DIMM PROC 1 DIMM 1: 16.0 GiB 672612-081 ordered, 16.0 GiB 672612-081 with 1333 MT/s is there, which is slower than 1600"}},
		"other CPU": {func(f *hardware.Facts) { f.CPUs[1].Model = "Xeon E5-2620" },
			[]string{"wrong-part CPU 1: INTEL(R) XEON(R) CPU E5-2650 0 @ 2.00GHZ ordered, XEON E5-2620 is there"}},
		"disk gone":        {func(f *hardware.Facts) { f.Disks = f.Disks[:1] }, []string{"missing disk: 299 GB LOGICAL VOLUME ordered, it is not there"}},
		"disk of 1 % less": {func(f *hardware.Facts) { f.Disks[0].SizeBytes = 297e9 }, nil},
		"one disk more": {func(f *hardware.Facts) {
			f.Disks = append(f.Disks, hardware.Disk{Name: "sdc", Model: "X", SizeBytes: 1e12}, hardware.Disk{Name: "sdd", Removable: true})
		},
			[]string{"extra disk sdc: 1.0 TB X was not ordered"}},
		"no SMBIOS": {func(f *hardware.Facts) { f.Memory.DIMMs = nil }, []string{"unknown what is in the slots of DIMMs could not be read"}},
		"other server": {func(f *hardware.Facts) { f.System.Product, f.Disks = "ProLiant DL360", nil },
			[]string{"wrong-part the model bl460c is a ProLiant BL460c Gen8, this is a ProLiant DL360"}},
	} {
		f := servers(t)["YWP4"]
		c.break_(&f)
		if diff := cmp.Diff(c.want, said(golden, f)); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
		wrong, right := 0, 0
		for _, r := range golden.Rows(f) {
			if r.Kind != "" {
				wrong++
			} else if right++; r.Want == "" || r.Got == "" {
				t.Errorf("%s: a part that is as ordered: %+v", name, r)
			}
		}
		if want := len(bom.Parts(f)); wrong != len(c.want) || name != "other server" && name != "no SMBIOS" && right < want-2 {
			t.Errorf("%s: %d rows are wrong and %d right, of %d parts", name, wrong, right, want)
		}
	}
}

const mixed = `name: mixed
items:
  - {class: dimm, slots: ["A 1"], parts: [big, bigger], vendors: [Hynix Inc.], size: 34359738368}
  - {class: dimm, slots: ["a  2"], size: 17179869184, at_least: 2400}
  - {class: nic, count: 0}
`

// TestRules: any of several parts, makers by all their names, parts in each other's slots, and classes of which there may be none.
func TestRules(t *testing.T) {
	p, err := bom.Parse([]byte(mixed))
	if err != nil {
		t.Fatal(err)
	}
	big := hardware.DIMM{Locator: "A 1", SizeBytes: 32 << 30, PartNumber: "Bigger", Vendor: "SK Hynix"}
	small := hardware.DIMM{Locator: "A 2", SizeBytes: 16 << 30, SpeedMTs: 2666}
	f := hardware.Facts{Memory: hardware.Memory{DIMMs: []hardware.DIMM{big, small}}, Disks: []hardware.Disk{{Name: "sda", SizeBytes: 1}}}
	if got := said(p, f); got != nil {
		t.Error(got)
	}
	f.Memory.DIMMs[0].Locator, f.Memory.DIMMs[1].Locator = "A 2", "A 1"
	f.NICs = []hardware.NIC{{Name: "eth0", Driver: "ixgbe"}}
	want := []string{"wrong-slot DIMM A 1 and DIMM A 2 are each in the other's slot", "extra network interface eth0: IXGBE was not ordered"}
	if diff := cmp.Diff(want, said(p, f)); diff != "" {
		t.Error(diff)
	}
	for _, c := range [][2]string{{"HP", "Hewlett Packard Enterprise"}, {"Intel Corp.", "GenuineIntel"}, {"Dell, Inc.", "DELL"}, {"Samsung", "SAMSUNG Ltd"}, {"Not Available", "0x0000"}} {
		if bom.Maker(c[0]) != bom.Maker(c[1]) {
			t.Errorf("%q and %q: %q, %q", c[0], c[1], bom.Maker(c[0]), bom.Maker(c[1]))
		}
	}
}

// TestCardsAndSupplies: accelerators, controllers and power supplies are parts; what belongs to the board is none.
func TestCardsAndSupplies(t *testing.T) {
	on := func(address, class, vendor, device string) hardware.PCIDevice {
		return hardware.PCIDevice{Address: address, Class: class, Vendor: vendor, Device: device}
	}
	psu := func(bay, part, serial string, there bool) hardware.PSU {
		return hardware.PSU{Locator: bay, PartNumber: part, Serial: serial, Present: there}
	}
	whole := func() hardware.Facts {
		return hardware.Facts{PCI: []hardware.PCIDevice{on("0000:17:00.0", "030200", "10de", "20b5"), on("0000:65:00.0", "030200", "10de", "20b5"), on("0000:65:00.1", "040300", "10de", "1aef"),
			on("0000:00:1f.2", "010601", "8086", "8d02"), on("0000:3b:00.0", "010400", "1000", "0016")},
			PSUs: []hardware.PSU{psu("PSU 1", "05RHVV", "A1", true), psu("PSU 2", "05RHVV", "A2", true)}}
	}
	golden := bom.Take("gpu", whole())
	for name, c := range map[string]struct {
		change func(f *hardware.Facts)
		want   []string
	}{
		"nothing":       {func(*hardware.Facts) {}, nil},
		"other slots":   {func(f *hardware.Facts) { f.PCI[0].Address, f.PSUs[0].Serial = "0000:18:00.0", "B7" }, nil},
		"no GPU":        {func(f *hardware.Facts) { f.PCI = f.PCI[1:] }, []string{"missing GPU: 10DE:20B5 ordered, it is not there"}},
		"lesser GPU":    {func(f *hardware.Facts) { f.PCI[1].Device = "20b0" }, []string{"wrong-part GPU 0000:65:00.0: 10DE:20B5 ordered, 10DE:20B0 is there"}},
		"no controller": {func(f *hardware.Facts) { f.PCI = f.PCI[:4] }, []string{"missing card: 1000:0016 ordered, it is not there"}},
		"empty bay":     {func(f *hardware.Facts) { f.PSUs[1] = psu("PSU 2", "", "", false) }, []string{"missing power supply PSU 2: 05RHVV ordered, the slot is empty"}},
		"no supplies":   {func(f *hardware.Facts) { f.PSUs = nil }, []string{"unknown what is in the slots of power supplies could not be read"}},
		"weaker supply": {func(f *hardware.Facts) { f.PSUs[0].PartNumber = "0GDPF3" }, []string{"wrong-part power supply PSU 1: 05RHVV ordered, 0GDPF3 is there"}},
	} {
		f := whole()
		c.change(&f)
		if diff := cmp.Diff(c.want, said(golden, f)); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
	}
}

// TestParse: what is taken of a server is read again as it was written, and all that is wrong is told.
func TestParse(t *testing.T) {
	p := bom.Take("bl460c", servers(t)["YWNW"])
	text, err := p.Text()
	if err != nil {
		t.Fatal(err)
	}
	back, err := bom.Parse([]byte(text))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if diff := cmp.Diff(p, back); diff != "" {
		t.Error(diff)
	}
	_, err = bom.Parse([]byte("name: a b\nitems:\n  - {class: fan, count: -1}\n  - {class: dimm, slots: [a, A], count: 2}\n"))
	for _, want := range []string{"a b", `items[0]: class "fan"`, "numbers from 0", "items[1]: write slots or count", "slot A is there twice"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in %v", want, err)
		}
	}
	for _, text := range []string{"", "name: x", "name: x\nwheels: 4", "- a", "name: x\nitems: [{class: dimm, count: 20000}]"} {
		if _, err := bom.Parse([]byte(text)); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}

// FuzzCompare: neither what people write nor what machines say of themselves breaks the comparison, and a server is like
// the model that was taken of it.
func FuzzCompare(f *testing.F) {
	f.Add(mixed, `{"system":{"product":"X"},"memory":{"dimms":[{"locator":"A 1","size_bytes":17179869184}]},"disks":[{"name":"sda","size_bytes":5}],"cpus":[{"socket":0,"model":"c"}]}`)
	f.Add("name: x\nitems: [{class: disk, count: 2}]", `{"disks":[{"name":"sda","size_bytes":1},{"name":"sda","size_bytes":1}]}`)
	f.Add("", `{"disks":[{"name":"a","size_bytes":100},{"name":"b","model":"x","size_bytes":101},{"name":"c","size_bytes":100}],"nics":[{"name":"e0"},{"name":"e1","driver":"d"},{"name":"e2"}]}`)
	f.Fuzz(func(t *testing.T, text, facts string) {
		var h hardware.Facts
		if json.Unmarshal([]byte(facts), &h) != nil {
			return
		}
		if p, err := bom.Parse([]byte(text)); err == nil {
			p.Compare(h)
		}
		if got := bom.Take("x", h).Compare(h); len(got) > 0 {
			t.Errorf("%+v", got)
		}
	})
}
