package outlier_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"socle/hardware"
	"socle/inventory"
	"socle/inventory/outlier"
)

// probe is one thing that burn-in measures, and how far equal machines lie apart in it: as the real servers do, see
// docs/outliers.md.
type probe struct {
	metric   string
	subjects []string
	value    float64
	noise    float64 // standard deviation, as a fraction
	lower    bool
	part     string // in the finding, of the first subject
}

var probes = []probe{
	{metric: "cpu.ops", subjects: []string{"cpu0", "cpu1"}, value: 454, noise: 0.005, part: "CPU 0"},
	{metric: "cpu.ops.all", value: 11000, noise: 0.004, part: "CPUs"},
	{metric: "cpu.frequency", subjects: []string{"cpu0", "cpu1"}, value: 2000, noise: 0.003, part: "CPU 0"},
	{metric: "cpu.efficiency", value: 0.96, noise: 0.003, part: "CPUs"},
	{metric: "cpu.temperature", subjects: []string{"cpu0", "cpu1"}, value: 62, noise: 0.03, lower: true, part: "CPU 0"},
	{metric: "memory.bandwidth", subjects: []string{"node0", "node1"}, value: 38000, noise: 0.01, part: "memory of node0"},
	{metric: "memory.bandwidth.all", value: 70000, noise: 0.02, part: "memory"},
	{metric: "disk.read.sequential", subjects: disksOfAll, value: 194000, noise: 0.02, part: "disk sda"},
	{metric: "disk.write.sequential", subjects: disksOfAll, value: 180000, noise: 0.02, part: "disk sda"},
	{metric: "disk.read.random", subjects: disksOfAll, value: 312, noise: 0.02, part: "disk sda"},
	{metric: "disk.write.random", subjects: disksOfAll, value: 684, noise: 0.02, part: "disk sda"},
	{metric: "disk.read.sequential.all", subjects: disksOfAll, value: 190000, noise: 0.025, part: "disk sda"},
	{metric: "disk.write.random.all", subjects: disksOfAll, value: 600, noise: 0.04, part: "disk sda"},
	{metric: "disk.read.latency", subjects: disksOfAll, value: 5.4, noise: 0.03, lower: true, part: "disk sda"},
	{metric: "network.tcp.send", subjects: []string{"eth0", "eth1"}, value: 9400, noise: 0.01, part: "port eth0"},
	{metric: "network.tcp.receive", subjects: []string{"eth0", "eth1"}, value: 9400, noise: 0.01, part: "port eth0"},
	{metric: "fan.speed", subjects: []string{"fan1", "fan2"}, value: 9000, noise: 0.02, part: "fan fan1"},
}

var disksOfAll = []string{"sda", "sdb", "sdc", "sdd"}

// equals are machines of one build.
func equals(n int) []inventory.Machine {
	all := make([]inventory.Machine, n)
	for i := range all {
		f := &hardware.Facts{
			System: hardware.System{Manufacturer: "ACME", Product: "X1", Serial: fmt.Sprintf("S%02d", i)},
			CPUs:   []hardware.CPU{{Socket: 0, Model: "Xeon", Cores: 8, Threads: 16}, {Socket: 1, Model: "Xeon", Cores: 8, Threads: 16}},
			NICs:   []hardware.NIC{{Name: "eth0", MAC: fmt.Sprintf("02:00:00:00:00:%02x", i), Driver: "ixgbe"}, {Name: "eth1", Driver: "ixgbe"}},
		}
		f.Firmware = hardware.Firmware{Mode: "uefi", Version: "1.2"}
		for d := range 4 {
			f.Memory.DIMMs = append(f.Memory.DIMMs, hardware.DIMM{Locator: fmt.Sprintf("A%d", d+1), SizeBytes: 16 << 30, Type: "DDR4", SpeedMTs: 2400, Serial: fmt.Sprintf("M%d-%d", i, d)})
			f.Disks = append(f.Disks, hardware.Disk{Name: disksOfAll[d], Model: "ST4000", SizeBytes: 4e12, Transport: "sas", Rotational: true, Serial: diskSerial(i, disksOfAll[d])})
		}
		all[i] = inventory.Machine{ID: fmt.Sprintf("m%02d", i), Name: fmt.Sprintf("m%02d", i), Facts: f}
	}
	return all
}

func diskSerial(machine int, name string) string { return fmt.Sprintf("D%02d-%s", machine, name) }

var day = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

// run measures all machines once, with noise.
func run(r *rand.Rand, n int, number int) []inventory.Measurement {
	var all []inventory.Measurement
	for i := range n {
		for _, p := range probes {
			subjects := p.subjects
			if subjects == nil {
				subjects = []string{""}
			}
			for _, s := range subjects {
				m := inventory.Measurement{Machine: fmt.Sprintf("m%02d", i), Run: fmt.Sprintf("r%d-%d", number, i), Time: day.AddDate(0, 0, number), Metric: p.metric, Subject: s, LowerIsBetter: p.lower, Unit: "1/s"}
				if strings.HasPrefix(p.metric, "disk.") {
					m.Part = diskSerial(i, s)
				}
				m.Value = p.value * (1 + p.noise*r.NormFloat64())
				all = append(all, m)
			}
		}
	}
	return all
}

// worsen makes one thing of one machine worse.
func worsen(all []inventory.Measurement, p probe, machine string, by float64) []inventory.Measurement {
	all = slices.Clone(all)
	for i, m := range all {
		if m.Machine == machine && m.Metric == p.metric && (p.subjects == nil || m.Subject == p.subjects[0]) {
			if all[i].Value *= 1 - by; p.lower {
				all[i].Value = m.Value * (1 + by)
			}
		}
	}
	return all
}

// TestEveryMetricTells injects a fault into each metric of one machine, and of two at once: they are found and named, and
// nothing else is.
func TestEveryMetricTells(t *testing.T) {
	machines, clean := equals(12), run(rand.New(rand.NewPCG(1, 1)), 12, 0)
	if got := told(outlier.Judge(machines, clean, outlier.Default()), true); len(got) > 0 {
		t.Fatalf("without a fault: %q", got)
	}
	for _, p := range probes {
		for _, by := range []float64{0.3, 0.5} {
			hurt := worsen(clean, p, "m03", by)
			if got, want := told(outlier.Judge(machines, hurt, outlier.Default()), true), []string{"m03 slow " + p.part}; !slices.Equal(got, want) {
				t.Errorf("%s %.0f %% worse: %q, want %q", p.metric, by*100, got, want)
			}
			both := worsen(hurt, p, "m07", by)
			if got, want := told(outlier.Judge(machines, both, outlier.Default()), true), []string{"m03 slow " + p.part, "m07 slow " + p.part}; !slices.Equal(got, want) {
				t.Errorf("two equal ones hide each other in %s: %q, want %q", p.metric, got, want)
			}
		}
	}
}

// TestFalseAlarms simulates fleets in which all is well but for noise.
func TestFalseAlarms(t *testing.T) {
	const fleets, most = 300, 1 // in 1,000 machines
	r := rand.New(rand.NewPCG(5, 21))
	machines, alarms, readings := equals(12), 0, 0
	for range fleets {
		all := run(r, 12, 0)
		readings += len(all)
		alarms += len(told(outlier.Judge(machines, all, outlier.Default()), true))
	}
	t.Logf("%d false alarms among %d machines and %d readings", alarms, fleets*12, readings)
	if alarms*1000 > most*fleets*12 {
		t.Errorf("%d false alarms among %d machines, more than %d in 1,000", alarms, fleets*12, most)
	}
}

// TestOnePartOneFinding: a slow disk shows in all that it does.
func TestOnePartOneFinding(t *testing.T) {
	machines, all := equals(12), run(rand.New(rand.NewPCG(2, 2)), 12, 0)
	for i, m := range all {
		if m.Machine == "m05" && m.Subject == "sdb" {
			if all[i].Value *= 0.6; m.LowerIsBetter {
				all[i].Value = m.Value * 1.6
			}
		}
	}
	r := outlier.Judge(machines, all, outlier.Default())
	if got := told(r, true); !slices.Equal(got, []string{"m05 slow disk sdb"}) {
		t.Fatalf("%q", got)
	}
	f := r.Findings["m05"][0]
	if f.Serial != "D05-sdb" || f.Part != "ST4000" || !strings.Contains(f.Reason, "its 11 peers") || !strings.Contains(f.Reason, ", also ") || f.Remedy == "" {
		t.Errorf("%+v", f)
	}
}

// TestDisksAtOnce: disks that are well alone and slow together have something in common.
func TestDisksAtOnce(t *testing.T) {
	machines, all := equals(12), run(rand.New(rand.NewPCG(3, 2)), 12, 0)
	for i, m := range all {
		if m.Machine == "m05" && m.Metric == "disk.read.sequential.all" {
			all[i].Value *= 0.6
		}
	}
	r := outlier.Judge(machines, all, outlier.Default())
	if got := told(r, true); !slices.Equal(got, []string{"m05 slow disks at once"}) {
		t.Fatalf("%q", got)
	}
	if f := r.Findings["m05"][0]; !strings.Contains(f.Remedy, "backplane") || f.Serial != "" {
		t.Errorf("%+v", f)
	}
}

// TestRuns: what is measured again counts, and what swings is told.
func TestRuns(t *testing.T) {
	disk := probes[10] // random write of sda
	for name, c := range map[string]struct {
		runs []float64 // what m05 measures, as a fraction of the usual
		want []string
	}{
		"well":                 {[]float64{1, 1, 1}, nil},
		"repaired":             {[]float64{0.6, 0.6, 1}, nil},
		"repaired at once":     {[]float64{0.6, 1}, nil},
		"repaired, run often":  {[]float64{0.6, 1, 1, 1}, nil},
		"broken":               {[]float64{1, 1, 0.6}, []string{"m05 slow disk sda"}},
		"swings":               {[]float64{1, 0.6, 1}, []string{"m05 unstable disk sda"}},
		"swings, and is slow":  {[]float64{1, 0.6, 1, 0.6}, []string{"m05 slow disk sda"}},
		"long ago it swang":    {[]float64{1, 0.6, 1, 1, 1, 1, 1, 1, 1}, nil},
		"two runs tell little": {[]float64{0.6, 1}, nil},
	} {
		r := rand.New(rand.NewPCG(7, 7))
		var all []inventory.Measurement
		for n, factor := range c.runs {
			all = append(all, worsen(run(r, 12, n), disk, "m05", 1-factor)...)
		}
		r2 := outlier.Judge(equals(12), all, outlier.Default())
		if got := told(r2, true); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
		if name == "swings, and is slow" && !strings.Contains(reason(r2, "m05", "disk sda"), "in each of 4 runs") {
			t.Errorf("one finding says both: %s", reason(r2, "m05", "disk sda"))
		}
	}
}

// TestReplacedDisk: the old disk's numbers are history when a new one is in its bay.
func TestReplacedDisk(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 8))
	machines, all := equals(12), worsen(run(r, 12, 0), probes[10], "m05", 0.5)
	machines[5].Facts.Disks[0].Serial = "NEW"
	if got := told(outlier.Judge(machines, all, outlier.Default()), true); len(got) > 0 {
		t.Errorf("the disk is gone: %q", got)
	}
	again := run(r, 12, 1)
	for i := range again {
		if again[i].Part == "D05-sda" {
			again[i].Part = "NEW"
		}
	}
	rep := outlier.Judge(machines, append(all, again...), outlier.Default())
	if got := told(rep, true); len(got) > 0 {
		t.Errorf("the new disk is well: %q", got)
	}
	for _, g := range rep.Groups {
		for _, v := range g.Values {
			if v.Machine == "m05" && v.Subject == "sda" && len(v.Before) > 0 {
				t.Errorf("%s: the new disk has a past: %+v", g.Metric, v.Before)
			}
		}
	}
}

// TestNamesOfDisksAreNotTrusted: the kernel may count the disks otherwise in another boot; the serial number stays.
func TestNamesOfDisksAreNotTrusted(t *testing.T) {
	machines, all := equals(12), worsen(run(rand.New(rand.NewPCG(9, 8)), 12, 0), probes[10], "m05", 0.5)
	d := machines[5].Facts.Disks
	d[0].Name, d[3].Name = d[3].Name, d[0].Name
	if got := told(outlier.Judge(machines, all, outlier.Default()), true); !slices.Equal(got, []string{"m05 slow disk sdd"}) {
		t.Errorf("%q", got)
	}
}

// TestTooFewPeers: it is said, and nothing is found; with one machine of many equal disks, those are compared.
func TestTooFewPeers(t *testing.T) {
	all := worsen(run(rand.New(rand.NewPCG(4, 4)), 3, 0), probes[1], "m01", 0.5)
	r := outlier.Judge(equals(3), all, outlier.Default())
	if got := told(r, true); len(got) > 0 {
		t.Errorf("%q", got)
	}
	said := fmt.Sprint(r.Notes)
	for _, want := range []string{"{m01 m01 parts it has 2 peers of the same product, 3 are needed}", "{m01 m01 cpu.efficiency, cpu.ops.all, memory.bandwidth.all 2 peers to compare with, 3 are needed"} {
		if !strings.Contains(said, want) {
			t.Errorf("%q is not in %s", want, said)
		}
	}
	alone := worsen(run(rand.New(rand.NewPCG(4, 4)), 1, 0), probes[10], "m00", 0.5)
	r = outlier.Judge(equals(1), alone, outlier.Default())
	if got := told(r, true); !slices.Equal(got, []string{"m00 slow disk sda"}) || !strings.Contains(r.Findings["m00"][0].Reason, "the 3 others of its kind") {
		t.Errorf("%v", r.Findings)
	}
}

// TestPeersOfADisk: a machine that misses a DIMM has nobody of its build, and still has disks like all.
func TestPeersOfADisk(t *testing.T) {
	machines, all := equals(12), worsen(run(rand.New(rand.NewPCG(6, 4)), 12, 0), probes[10], "m02", 0.5)
	machines[2].Facts.Memory.DIMMs = machines[2].Facts.Memory.DIMMs[:3]
	r := outlier.Judge(machines, all, outlier.Default())
	if got := told(r, true); !slices.Equal(got, []string{"m02 slow disk sda", "m02 missing memory"}) {
		t.Errorf("%q", got)
	}
	if got := reason(r, "m02", "disk sda"); !strings.Contains(got, "11 of the same product that are equal in this") {
		t.Error(got)
	}
	if said := fmt.Sprint(r.Notes); !strings.Contains(said, "memory.bandwidth.all 0 peers to compare with, 3 are needed}") {
		t.Error(said)
	}
}

// TestDigitForDigit: peers that measure exactly the same make no outlier of the next reading.
func TestDigitForDigit(t *testing.T) {
	var all []inventory.Measurement
	for i := range 12 {
		v := 1000.0
		if i == 4 {
			v = 940
		}
		all = append(all, inventory.Measurement{Machine: fmt.Sprintf("m%02d", i), Run: "r", Metric: "cpu.ops.all", Value: v})
	}
	if got := told(outlier.Judge(equals(12), all, outlier.Default()), true); len(got) > 0 {
		t.Errorf("%q", got)
	}
	all[4].Value = 900
	if got := told(outlier.Judge(equals(12), all, outlier.Default()), true); !slices.Equal(got, []string{"m04 slow CPUs"}) {
		t.Errorf("%q", got)
	}
}

func BenchmarkJudge2000(b *testing.B) {
	machines, all := equals(2000), run(rand.New(rand.NewPCG(1, 1)), 2000, 0)
	b.Logf("%d readings", len(all))
	for b.Loop() {
		outlier.Judge(machines, all, outlier.Default())
	}
}
