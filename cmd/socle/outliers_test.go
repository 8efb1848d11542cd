package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"socle/api"
)

// TestOutliersOffline compares servers of files: one has a disk that writes slowly.
func TestOutliersOffline(t *testing.T) {
	dir := t.TempDir()
	for i := range 6 {
		speed := 200000 + 1000*i
		if i == 4 {
			speed = 90000
		}
		lines := [][]string{
			{"system", "product", "serial", fmt.Sprintf("S%d", i)}, {"system", "product", "name", "X1"}, {"disk", "sda", "size", "300"},
			{"disk", "sda", "standalone_write_1M_KBps", fmt.Sprint(speed)}, {"disk", "sda", "standalone_write_1M_IOps", "9"}, {"disk", "sda", "standalone_randread_4k_IOps", "300"},
			{"cpu", "logical_0", "loops_per_sec", "450"}, {"cpu", "logical", "threaded_bandwidth_1G", "40000"},
		}
		text, err := json.Marshal(lines)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, fmt.Sprintf("%d.json", i)), text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	out, err := run(t.Context(), "outliers", "--data", dir)
	for _, want := range []string{"S4       disk sda  slow  disk sda: sequential write 55 % below its 5 peers (90000 kB/s, median 202000 kB/s)", "disk.read.random", "█", "with --metric also 1 line of single cores"} {
		if err != nil || !strings.Contains(out, want) {
			t.Errorf("%v: no %q in\n%s", err, want, out)
		}
	}
	out, err = run(t.Context(), "outliers", "S[0-1]", "--data", dir, "--metric", "cpu")
	if err != nil || !strings.Contains(out, "nothing is odd among 6 machines") || !strings.Contains(out, "  S1 ") || strings.Contains(out, "  S2 ") || strings.Contains(out, "disk.") {
		t.Errorf("%v:\n%s", err, out)
	}
	for _, line := range []string{"outliers --data " + t.TempDir(), "outliers r[ --data " + dir, "outliers -o xml --data " + dir} {
		if _, err := run(t.Context(), strings.Fields(line)...); exitCode(err) != exitUsage {
			t.Errorf("%s: %v", line, err)
		}
	}
}

// TestOutliersOnline asks a server, and shows what it says.
func TestOutliersOnline(t *testing.T) {
	world, flags := rack(t)
	world.FindOdd(api.OutlierReport{
		Compared: 2, Findings: []api.OutlierFinding{{Machine: "hv01", Kind: "slow", Subject: "CPUs", Reason: "CPUs: ops 40 % below its 11 peers", Minor: true}},
		Groups: []api.OutlierGroup{{Metric: "cpu.ops.all", Peers: "equal hardware", Count: 2, Low: 60, Median: 100, High: 100, Histogram: []int{1, 0, 7}, Values: []api.OutlierValue{
			{Machine: "hv01", Value: 60, Distance: 0.4, Odd: true, Before: []api.OutlierReading{{Run: "r1", Value: 99}}}}}},
		Notes: []api.OutlierNote{{Machines: "st[1-2]", About: "parts", Why: "no peers"}},
	})
	out, err := run(t.Context(), append([]string{"outliers", "hv[01-02]", "--metric", "cpu.ops"}, flags...)...)
	for _, want := range []string{"slow (minor)", "▂.█", "40.0 % below, odd", "before: 99", "st[1-2]", "no peers"} {
		if err != nil || !strings.Contains(out, want) {
			t.Errorf("%v: no %q in\n%s", err, want, out)
		}
	}
	if !slices.Contains(world.Calls(), `outliers of "hv[01-02]" in "cpu.ops"`) {
		t.Errorf("%q", world.Calls())
	}
}
