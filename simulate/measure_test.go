package simulate

import (
	"cmp"
	"encoding/csv"
	"maps"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"socle/api"
	"socle/inventory"
	"socle/inventory/outlier"
)

// TestSpreadsAreReal works the spreads out again from what the real servers measured.
func TestSpreadsAreReal(t *testing.T) {
	f, err := os.Open("../inventory/outlier/testdata/hp-bl460c-gen8.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	readings := map[string][]float64{}
	for _, r := range rows[1:] {
		element := r[1]
		if strings.HasPrefix(element, "logical_") {
			element = "core"
		} else if r[0] == "disk" {
			element = "disk"
		}
		for i, text := range r[3:] {
			if v, err := strconv.ParseFloat(text, 64); err == nil && strings.HasPrefix(rows[0][3+i], "CZ3404YWP") { // those with eight modules
				readings[element+" "+r[2]] = append(readings[element+" "+r[2]], v)
			}
		}
	}
	for what, s := range map[string]spread{
		"core loops_per_sec": coreAlone, "logical loops_per_sec": coresAtAll, "logical forked_bandwidth_2G": bandwidth,
		"disk standalone_read_1M_KBps": sequential[0], "disk simultaneous_read_1M_KBps": sequential[1],
		"disk standalone_randread_4k_IOps": random[0], "disk simultaneous_randread_4k_IOps": random[1],
		"disk standalone_write_1M_KBps": sequentialWrite[0], "disk simultaneous_write_1M_KBps": sequentialWrite[1],
		"disk standalone_randwrite_4k_IOps": randomWrite[0], "disk simultaneous_randwrite_4k_IOps": randomWrite[1],
	} {
		m := middle(readings[what])
		var off []float64
		for _, v := range readings[what] {
			off = append(off, math.Abs(v-m))
		}
		if sigma := 1.4826 * middle(off) / m; s.median != m || math.Abs(s.sigma-sigma) > 0.0001 {
			t.Errorf("%s: %+v, the %d readings say %g and %.4f", what, s, len(readings[what]), m, sigma)
		}
	}
}

func middle(all []float64) float64 {
	all = slices.Sorted(slices.Values(all))
	return (all[(len(all)-1)/2] + all[len(all)/2]) / 2
}

// TestOnlyTheOddMeasureOddly: the comparison with peers finds the slow disks and the missing module, and nobody else.
func TestOnlyTheOddMeasureOddly(t *testing.T) {
	f := fleet(t, Spec{Servers: 200, Seed: 11, Odd: map[Oddity]int{SlowDisk: 3, MissingDIMM: 2}})
	var machines []inventory.Machine
	var all []inventory.Measurement
	want := map[string]bool{}
	for i, s := range f.Servers {
		facts := f.Facts(i)
		machines = append(machines, inventory.Machine{ID: s.Name, Name: s.Name, Model: Model, Facts: &facts})
		plan := api.BurnIn{Tests: []string{api.TestCPU, api.TestMemory, api.TestDisk}}
		for _, d := range facts.Disks {
			plan.Write = append(plan.Write, d.Serial)
		}
		r := f.Measure(i, "run", plan)
		if d := gocmp.Diff(r, f.Measure(i, "run", plan)); d != "" {
			t.Fatalf("one run measures twice:\n%s", d)
		}
		for _, m := range r.Measured {
			all = append(all, inventory.Measurement{Machine: s.Name, Run: "run", Metric: m.Metric, Subject: m.Subject, Part: m.Part, Unit: m.Unit, Value: m.Value})
		}
		if s.Odd != None {
			want[s.Name] = true
		}
	}
	got := map[string]bool{}
	for name, found := range outlier.Judge(machines, all, outlier.Default()).Findings {
		slow := slices.ContainsFunc(found, func(f inventory.Finding) bool { return f.Kind == inventory.FindSlow })
		if len(found) > 0 {
			got[name] = true
		}
		i := slices.IndexFunc(f.Servers, func(s Server) bool { return s.Name == name })
		if slow && f.Servers[i].Odd != SlowDisk || !slow && f.Servers[i].Odd == SlowDisk {
			t.Errorf("%s (%q): %+v", name, f.Servers[i].Odd, found)
		}
	}
	if len(want) != 5 || !maps.Equal(got, want) {
		t.Errorf("found %v, odd are %v", slices.SortedFunc(maps.Keys(got), cmp.Compare), slices.SortedFunc(maps.Keys(want), cmp.Compare))
	}
}
