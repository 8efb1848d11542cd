package search_test

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"socle/hardware"
	"socle/inventory"
	"socle/inventory/search"
)

var now = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

// fleet is a few machines that differ.
func fleet() []search.Record {
	big := &hardware.Facts{
		System: hardware.System{Manufacturer: "Dell Inc.", Product: "PowerEdge R650", Serial: "AAA1"}, Firmware: hardware.Firmware{Mode: "uefi", Version: "2.19.1"},
		CPUs:   []hardware.CPU{{Model: "Intel Xeon Gold 6338", Cores: 32, Threads: 64, MHz: 2000}, {Model: "Intel Xeon Gold 6338", Cores: 32, Threads: 64, MHz: 2000}},
		Memory: hardware.Memory{TotalBytes: 256 << 30, DIMMs: []hardware.DIMM{{Locator: "A1", SizeBytes: 32 << 30, PartNumber: "M393A4K40", Serial: "D1"}, {Locator: "A2"}}},
		Disks:  []hardware.Disk{{Name: "sda", Model: "ST4000NM", Serial: "WFK0ABCD", SizeBytes: 4000787030016, Rotational: true, Transport: "sas"}, {Name: "nvme0n1", SizeBytes: 480e9, Transport: "nvme"}},
		NICs:   []hardware.NIC{{Name: "eth0", MAC: "02:53:00:00:01:0b", Driver: "ice", SpeedMbps: 25000, LLDP: []hardware.Neighbor{{SystemName: "leaf-a", PortID: "Ethernet1/7"}}}},
		TPM:    &hardware.TPM{Version: "2.0"},
	}
	small := &hardware.Facts{System: hardware.System{Manufacturer: "HP", Product: "ProLiant BL460c Gen8"}, Memory: hardware.Memory{TotalBytes: 32 << 30}, Disks: []hardware.Disk{{SizeBytes: 300e9}}}
	machines := []*inventory.Machine{
		{Name: "hv01", State: inventory.Active, Role: "hypervisor", Facts: big, InPlan: true, Place: inventory.Place{Site: "ams1", Rack: "r12", U: 20}, Address: netip.MustParseAddr("10.0.3.7"),
			Identity: inventory.Identity{Serial: "AAA1"}, Since: now.Add(-48 * time.Hour), SeenAt: now.Add(-time.Minute)},
		{Name: "hv02", State: inventory.Ready, Facts: small, InPlan: true, Place: inventory.Place{Rack: "r120", U: 3}, Since: now.Add(-time.Hour), Hold: &inventory.Hold{Reason: "fan is \"loud\""}},
		{Name: "st01", State: inventory.Deploying, Model: "R650xs", Fault: &inventory.Fault{Kind: "boot", Reason: "no DHCP seen for 10 minutes"}, Since: now},
	}
	findings := [][]inventory.Finding{{{Source: inventory.FromOutlier, Kind: inventory.FindSlow, Subject: "disk sdb", Reason: "disk sdb: random write 38 % below", Part: "ST4000NM"}}, {{Kind: inventory.FindFirmware, Minor: true}}, nil}
	var all []search.Record
	for i, m := range machines {
		all = append(all, search.Record{Machine: m, Findings: findings[i], Now: now})
	}
	return all
}

func find(t *testing.T, query string) string {
	t.Helper()
	q, err := search.Parse(query)
	if err != nil {
		t.Errorf("%s: %v", query, err)
		return ""
	}
	var names []string
	for _, r := range fleet() {
		if q.Match(&r) {
			names = append(names, r.Machine.Name)
		}
	}
	return strings.Join(names, " ")
}

func TestMatch(t *testing.T) {
	for query, want := range map[string]string{
		"":                                  "hv01 hv02 st01",
		"model:R650":                        "hv01", // and not R650xs: whole words
		"model:R650*":                       "hv01 st01",
		"model~650":                         "hv01 st01",
		"model=R650":                        "",
		`model="poweredge r650"`:            "hv01",
		"rack:r12":                          "hv01", // and not r120
		"rack:r12,r120":                     "hv01 hv02",
		"rack!=r12":                         "hv02 st01",
		"rack!=r12,r120":                    "st01",
		"disk.size>3TB":                     "hv01",
		"disk.size:4TB":                     "hv01", // as its maker says
		"disk.size=480GB":                   "hv01",
		"disk.size<400GB":                   "hv02",
		"disk.size>4TB":                     "",
		"disk.size>=4TB":                    "hv01",
		"memory>=128GiB":                    "hv01",
		"memory:256GiB":                     "hv01",
		"memory!=256GiB":                    "hv02 st01",
		"cpu.speed>1.9GHz":                  "hv01",
		"cores:64":                          "hv01",
		"nic.speed:25G":                     "hv01",
		"cpus=2 dimms=1":                    "hv01",
		"fault:*":                           "st01",
		"-fault:*":                          "hv01 hv02",
		`fault:"no DHCP"`:                   "st01",
		"hold:*":                            "hv02",
		`hold:"\"loud\""`:                   "hv02",
		"state:active":                      "hv01",
		"-state:active":                     "hv02 st01",
		"state:active,ready":                "hv01 hv02",
		"STATE:Active":                      "hv01",
		"planned:no":                        "st01",
		"since>1d":                          "hv01",
		"since<30m":                         "st01",
		"seen<2m":                           "hv01",
		"hv":                                "hv01 hv02",
		`"powerEdge r6"`:                    "hv01",
		"wfk0":                              "hv01",
		"02:53:00:00:01:0b":                 "hv01",
		"mac:02:53*":                        "hv01",
		"10.0.3.":                           "hv01",
		"address:10.0.3.7":                  "hv01",
		"switch:leaf-a port:Ethernet1/7":    "hv01",
		"dimm.part:M393A4K40":               "hv01",
		"finding:slow":                      "hv01",
		"finding.source:outlier":            "hv01",
		"findings>0":                        "hv01", // minor ones are not counted
		"findings:0":                        "hv02 st01",
		"(hv01 or st01) -fault:*":           "hv01",
		"hv01 | st01":                       "hv01 st01",
		"not (state:ready or state:active)": "st01",
		"hv and (ready or r12)":             "hv01 hv02",
		"u>=3 u<20":                         "hv02",
		"disk.kind:rotating":                "hv01",
		"tpm:2.0 firmware.mode:uefi":        "hv01",
		"tpm:*":                             "hv01",
		"cores:*":                           "hv01",
		"vendor:hp":                         "hv02",
	} {
		if got := find(t, query); got != want {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
}

func TestErrors(t *testing.T) {
	for query, want := range map[string]string{
		"modl:R650":                   `at character 1: there is no field "modl": did you mean model?`,
		"hv rak:r1":                   `at character 4: there is no field "rak": did you mean rack?`,
		"zzzzzz:1":                    "socle search --fields",
		"disk.size>many":              `at character 11: disk.size: "many" is not a size such as 480GB or 16GiB`,
		"disk.size:1TB,2XB":           `at character 15: disk.size: "2XB" is not`,
		"cores>":                      "at character 7: a value is wanted after cores>, such as cores>32",
		"state>ready":                 "at character 6: state is a text",
		"cores~3":                     "at character 6: cores is a number",
		"since>3":                     `"3" is not how long ago, such as 30m, 12h or 7d`,
		"(a or b":                     "at character 1: this ( is not closed",
		"a)":                          "at character 2: there is no ( that this ) could close",
		"ä \"b":                       "at character 3: this quote has no end",
		"a or":                        "at character 5: a word, a condition such as state:ready, or ( is wanted here, and not the end",
		"or a":                        `and not "or"`,
		"-":                           "and not the end",
		"()":                          `at character 2: a word, a condition such as state:ready, or ( is wanted here, and not ")"`,
		strings.Repeat("(", 60):       "brackets",
		strings.Repeat("-", 60) + "a": "brackets or minus signs",
		strings.Repeat("a", 2001):     "at most 2000 bytes",
		"cores>-1":                    "is not a number",
		"cores:*,3":                   "is not a number",
	} {
		_, err := search.Parse(query)
		var e *search.Error
		if !errors.As(err, &e) || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40s: %v, want %q", query, err, want)
			continue
		}
		if mark := e.Mark(); !strings.HasSuffix(mark, "\n"+strings.Repeat(" ", e.At-1)+"^") {
			t.Errorf("%.40s: %q", query, mark)
		}
	}
}

// TestEveryField: each has a document and an example that can be asked, and is asked for where it is used.
func TestEveryField(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range search.Fields() {
		q, err := search.Parse(f.Name + ":" + f.Example)
		if err != nil || f.Doc == "" || seen[f.Name] || !q.Uses(f.Name) || q.Uses("none") {
			t.Errorf("%s: %v", f.Name, err)
		}
		seen[f.Name] = true
	}
	if q, _ := search.Parse("word"); !q.Uses("finding") {
		t.Error("a word asks all texts")
	}
	if len(seen) < 50 {
		t.Errorf("%d fields", len(seen))
	}
}

// FuzzParse: what is read is written so that the same is read again, and means the same.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"", `model:R650 disk.size>3TB rack:r12 fault:* -state:active "free text" (a OR b)`, `hold:"a \" b\\"`, "a|b c)", "rack!=a,b cores!=3,4", "disk.size:1.5TiB", "-(-a)", "mac:02:53", "ff::1", "x:\xff"} {
		f.Add(seed)
	}
	records := fleet()
	f.Fuzz(func(t *testing.T, text string) {
		q, err := search.Parse(text)
		if err != nil {
			var e *search.Error
			if !errors.As(err, &e) || e.At < 1 {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		again, err := search.Parse(q.String())
		if err != nil {
			if len(q.String()) > 1900 || strings.Count(q.String(), "(") > 40 {
				return // writing it out may make it too long
			}
			t.Fatalf("%q is written as %q: %v", text, q, err)
		}
		if again.String() != q.String() {
			t.Fatalf("%q is written as %q and then as %q", text, q, again)
		}
		for i := range records {
			if q.Match(&records[i]) != again.Match(&records[i]) {
				t.Fatalf("%q and %q differ in %s", text, q, records[i].Machine.Name)
			}
		}
	})
}

func BenchmarkMatch2000(b *testing.B) {
	one := fleet()
	var all []search.Record
	for i := range 2000 {
		r := one[i%len(one)]
		m := *r.Machine
		m.Name = fmt.Sprintf("hv%04d", i)
		r.Machine = &m
		all = append(all, r)
	}
	q, err := search.Parse(`(model:R650 disk.size>3TB or xyz) -state:ready "edge r6"`)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		n := 0
		for i := range all {
			if q.Match(&all[i]) {
				n++
			}
		}
		if n != 667 {
			b.Fatal(n)
		}
	}
}

// TestFieldsAreACopy: nobody changes the language by accident.
func TestFieldsAreACopy(t *testing.T) {
	f := search.Fields()
	f[0].Name = "x"
	if slices.ContainsFunc(search.Fields(), func(f search.Field) bool { return f.Name == "x" }) {
		t.Error("the list is shared")
	}
}
