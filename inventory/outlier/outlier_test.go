package outlier_test

import (
	"encoding/csv"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"socle/hardware/sample"
	"socle/inventory"
	"socle/inventory/outlier"
)

// blades are the twelve real servers, with what they measured.
func blades(t testing.TB) ([]inventory.Machine, []inventory.Measurement) {
	t.Helper()
	all, err := sample.All()
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open("testdata/hp-bl460c-gen8.csv")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var machines []inventory.Machine
	var measured []inventory.Measurement
	for i, serial := range rows[0][3:] {
		m := inventory.Machine{ID: serial, Name: serial}
		for _, s := range all {
			if s.Facts.System.Serial == serial {
				m.Facts = &s.Facts
			}
		}
		var readings []sample.Reading
		for _, r := range rows[1:] {
			if text := r[3+i]; text != "" {
				v, err := strconv.ParseFloat(text, 64)
				if err != nil {
					t.Fatal(err)
				}
				readings = append(readings, sample.Reading{Class: r[0], Element: r[1], Property: r[2], Value: v})
			}
		}
		machines = append(machines, m)
		measured = append(measured, outlier.Measured(serial, readings)...)
	}
	return machines, measured
}

// told are the findings of a report, one a line.
func told(r outlier.Report, minor bool) (lines []string) {
	for _, m := range sortedKeys(r.Findings) {
		for _, f := range r.Findings[m] {
			if minor || !f.Minor {
				lines = append(lines, fmt.Sprintf("%s %s %s", m, f.Kind, f.Subject))
			}
		}
	}
	return lines
}

// TestRealServers: what is wanted was checked by hand in the values, see docs/outliers.md.
func TestRealServers(t *testing.T) {
	machines, measured := blades(t)
	r := outlier.Judge(machines, measured, outlier.Default())
	want := []string{
		"CZ3404YWNN missing memory", "CZ3404YWNR missing memory", "CZ3404YWNT missing memory",
		"CZ3404YWNW extra drives", "CZ3404YWNW missing memory",
		"CZ3404YWP2 slow memory", // threaded, 128 MiB: 47581 where the others have 49846 to 62066
		"CZ3404YWP6 slow disk sda", "CZ3404YWP8 slow disk sda", "CZ3404YWPC slow disks at once", "CZ3404YWPE slow disk sdb", "CZ3404YWPH slow disk sda",
	}
	if got := told(r, false); !slices.Equal(got, want) {
		t.Errorf("found:\n%s\nwanted:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if got, want := reason(r, "CZ3404YWPE", "disk sdb"), "disk sdb: random write 16 % below its 7 peers (574 1/s, median 685 1/s), also sequential write 13 %"; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	if got, want := reason(r, "CZ3404YWNR", "memory"), "its memory is not as in 8 of its 11 peers: 2 × 16.0 GiB DDR3-1600 instead of 8 × 16.0 GiB DDR3-1600; without "+
		"PROC 1 DIMM 3, PROC 1 DIMM 6, PROC 1 DIMM 8, PROC 2 DIMM 3, PROC 2 DIMM 6, PROC 2 DIMM 8"; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}

func reason(r outlier.Report, machine, subject string) string {
	for _, f := range r.Findings[machine] {
		if f.Subject == subject {
			return f.Reason
		}
	}
	return ""
}

// TestInjectedIntoRealServers slows each metric of a server that is well, one by one, and wants it found and named, and
// nothing else than before. The metrics in which equal servers lie too far apart for that are named: no statistics could.
func TestInjectedIntoRealServers(t *testing.T) {
	const slow, victim = 0.4, "CZ3404YWP4"
	machines, measured := blades(t)
	measured = slices.DeleteFunc(measured, func(m inventory.Measurement) bool { // two of 32 cores are enough
		core, ok := strings.CutPrefix(m.Subject, "core ")
		return ok && core != "0" && core != "17"
	})
	before := outlier.Judge(machines, measured, outlier.Default())
	wide := map[string]bool{"disk.write.random.all sdb": true, "disk.write.sequential.all sda": true, "disk.write.sequential.all sdb": true, "memory.bandwidth.1G threaded.all ": true}
	for _, g := range before.Groups {
		for _, v := range g.Values {
			if wide[g.Metric+" "+v.Subject] && v.Machine == victim && g.Limit < 0.3 {
				t.Errorf("%s of %s could be told apart: the limit is %.2f", g.Metric, v.Subject, g.Limit)
			}
		}
	}
	tried := 0
	for i, m := range measured {
		if m.Machine != victim {
			continue
		}
		tried++
		hurt := slices.Clone(measured)
		hurt[i].Value *= 1 - slow
		got := told(outlier.Judge(machines, hurt, outlier.Default()), true)
		var fresh []string
		for _, line := range got {
			if strings.HasPrefix(line, victim) {
				fresh = append(fresh, line)
			}
		}
		part := map[string]string{"cpu": "CPUs", "memory": "memory", "disk": "disk " + m.Subject}[strings.SplitN(m.Metric, ".", 2)[0]]
		hit := slices.Equal(fresh, []string{victim + " slow " + part})
		if hit == wide[m.Metric+" "+m.Subject] {
			t.Errorf("%s of %s slowed: %q", m.Metric, m.Subject, fresh)
		}
		if others := len(got) - len(fresh); others > len(told(before, true)) {
			t.Errorf("%s of %s slowed: more is found elsewhere: %q", m.Metric, m.Subject, got)
		}
	}
	if tried != 2*8+2*8+15 {
		t.Errorf("%d metrics were tried", tried)
	}
}
