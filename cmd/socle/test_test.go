package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"socle/inventory"
)

func TestResults(t *testing.T) {
	world, flags := rack(t)
	m, err := world.Machine(t.Context(), "hv01")
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	world.Measure(inventory.Measurement{Machine: m.ID, Run: "r1", Time: at, Metric: "disk.read.sequential", Subject: "sda", Part: "WD-1", Value: 181.25, Unit: "MB/s"},
		inventory.Measurement{Machine: m.ID, Run: "r1", Time: at, Metric: "cpu.ops", Subject: "cpu0", Value: 123456.7, Unit: "1/s"})
	for _, tc := range []struct {
		line string
		code int
		has  []string
	}{
		{"test results hv01", 0, []string{"disk.read.sequential", "181.2 MB/s", "WD-1", "123457 1/s"}},
		{"test results hv01 --metric cpu.ops", 0, []string{"cpu0"}},
		{"test results hv01 -o json", 0, []string{`"metric": "disk.read.sequential"`, `"value": 181.25`, `"part": "WD-1"`}},
		{"test results hv[01-02]", 0, []string{"hv02  nothing was measured", "1  hv01: cpu.ops, disk.read.sequential"}},
		{"test results nobody", 3, nil},
		{"test results", 2, nil},
	} {
		out, err := run(t.Context(), append(strings.Fields(tc.line), flags...)...)
		if got := exitCode(err); got != tc.code {
			t.Errorf("%s: exit %d, want %d: %s %v", tc.line, got, tc.code, out, err)
		}
		for _, want := range tc.has {
			if !strings.Contains(out, want) {
				t.Errorf("%s: no %q in\n%s", tc.line, want, out)
			}
		}
	}
}

// TestStartTests: the plan that is named comes to the server.
func TestStartTests(t *testing.T) {
	world, flags := rack(t)
	for _, line := range []string{"test start hv[01-02] --plan short", "test start hv02", "test stop hv01"} {
		if out, err := run(t.Context(), append(strings.Fields(line), flags...)...); err != nil {
			t.Errorf("%s: %s %v", line, out, err)
		}
	}
	calls := world.Calls()
	slices.Sort(calls[:2]) // machines of a range are asked at once
	if want := []string{"token:admin test short hv01", "token:admin test short hv02", "token:admin test hv02", "token:admin stop-test hv01"}; !slices.Equal(calls, want) {
		t.Errorf("%q, want %q", calls, want)
	}
}

// TestStartWriting: what would be lost is shown, and only the code of just that lets it be.
func TestStartWriting(t *testing.T) {
	world, flags := rack(t)
	try := func(line string) (string, error) {
		t.Helper()
		return run(t.Context(), append(strings.Fields(line), flags...)...)
	}
	out, err := try("test start hv[01-02] --write-disks")
	if err == nil || exitCode(err) != 2 || !strings.Contains(err.Error(), "everything on 4 disks of 2 machines would be lost; nothing was done") || !strings.Contains(out, "hv01  serial SMC-2041-0007: ") {
		t.Fatalf("%v\n%s", err, out)
	}
	_, code, _ := strings.Cut(err.Error(), "--confirm ")
	for line, says := range map[string]string{
		"test start hv01 --write-disks --confirm " + code:          "stands for other machines or disks",
		"test start hv[01-02] --confirm " + code:                   "--confirm is for --write-disks",
		"test start hv[01-02] --write-disks --confirm deadbeef":    "stands for other machines or disks",
		"test start nobody --write-disks":                          "nobody",
		"test start hv01,hv03 --write-disks --confirm " + code:     "1 of 2 machines failed: hv03",
		"test start hv03 --write-disks --plan x --confirm " + code: "inspect it first",
	} {
		if out, err := try(line); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q\n%s", line, err, says, out)
		}
	}
	if len(world.Calls()) > 0 {
		t.Fatalf("%q", world.Calls())
	}
	if out, err := try("test start hv[02,01] --write-disks --plan short --confirm " + code); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	calls := world.Calls()
	slices.Sort(calls)
	if len(calls) != 2 || !strings.HasPrefix(calls[0], "token:admin test short writing to ") || !strings.HasSuffix(calls[0], " of SMC-2041-0007 hv01") || strings.Count(calls[1], ",") != 1 {
		t.Errorf("%q", calls)
	}
}
