package burnin

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"socle/api"
)

func tree(t *testing.T) (sys, proc string) {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, map[string]string{"proc/meminfo": "MemTotal: 99999 kB\nMemAvailable:   65536 kB\n", "sys/devices/system/edac/mc/mc0/ce_count": "7\n",
		"sys/class/thermal/thermal_zone1/temp": "61500\n", "sys/class/thermal/thermal_zone1/type": "x86_pkg_temp\n"})
	return filepath.Join(dir, "sys"), filepath.Join(dir, "proc")
}

// TestRun: a server that is well is measured in all that is asked for, and a disk that cannot be read is named.
func TestRun(t *testing.T) {
	sys, proc := tree(t)
	path := filepath.Join(t.TempDir(), "disk")
	if err := os.WriteFile(path, make([]byte, 4<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	var total int64
	r, err := Run(t.Context(), Plan{BurnIn: api.BurnIn{Tests: []string{api.TestCPU, api.TestMemory, api.TestDisk}, Seconds: 1, Memory: 25}, Sys: sys, Proc: proc,
		Disks:    []Disk{{Name: "sda", Serial: "S1", Path: path, Bytes: 4 << 20}, {Name: "sdb", Serial: "S2", Path: path + "-gone", Bytes: 4 << 20}},
		Progress: func(_, all int64) { total = all }})
	if err != nil || total != 3 {
		t.Fatalf("%v, %d seconds", err, total)
	}
	got := map[string]float64{}
	for _, m := range r.Measured {
		got[m.Metric] = m.Value
		if strings.HasPrefix(m.Metric, "disk") && (m.Part != "S1" || m.Subject != "sda") {
			t.Errorf("%+v", m)
		}
	}
	for _, metric := range []string{"cpu.ops", "cpu.ops.all", "cpu.temperature", "memory.bandwidth", "memory.bandwidth.all", "disk.read.sequential", "disk.read.sequential.all", "disk.read.random", "disk.read.random.all"} {
		if got[metric] <= 0 {
			t.Errorf("%s was not measured: %v", metric, r)
		}
	}
	for _, f := range r.Failures {
		if f.Part != "S2" || f.Test != api.TestDisk {
			t.Errorf("%+v", f)
		}
	}
	if len(r.Failures) != 4 {
		t.Errorf("%+v", r.Failures)
	}
}

// TestWrongResultsAreSeen: a matrix with one wrong number, a digest of other bytes, a word that changed, a counter that grew.
func TestWrongResultsAreSeen(t *testing.T) {
	w := newWork()
	if why := w.once(); why != "" {
		t.Fatal(why)
	}
	if w.c[7]++; !strings.Contains(w.check(), "element 0,7") {
		t.Errorf("%q", w.check())
	}
	if w.text[5]++; !strings.Contains(w.once(), "SHA-256") {
		t.Error("a wrong digest is not seen")
	}
	n := 0
	a := area{words: make([]uint64, 8)}
	if a.try(t.Context(), "odd", func(uint64) uint64 { n++; return uint64(n / 12) }) || len(a.failures) != 1 || !strings.Contains(a.failures[0], "0000000000000000 and was written as 0000000000000001") {
		t.Errorf("%q", a.failures)
	}
	sys, _ := tree(t)
	r := &run{Plan: Plan{Sys: sys}}
	before := r.faults()
	if err := os.WriteFile(filepath.Join(sys, "devices/system/edac/mc/mc0/ce_count"), []byte("9\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if r.compareFaults(api.TestCPU, before); len(r.result.Failures) != 1 || !strings.Contains(r.result.Failures[0].Reason, "2 corrected errors") {
		t.Errorf("%+v", r.result.Failures)
	}
}

// TestCancelled: who cancels gets no result, and a plan that makes no sense is refused.
func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Run(ctx, Plan{BurnIn: api.BurnIn{Tests: []string{api.TestCPU}, Seconds: 3600, Memory: 10}}); err == nil {
		t.Error("it went on")
	}
	for _, b := range []api.BurnIn{{}, {Tests: []string{"gpu"}, Seconds: 1, Memory: 1}, {Tests: []string{"cpu"}, Seconds: 1, Memory: 91}, {Tests: []string{"cpu"}, Seconds: 1}, {Tests: []string{"cpu"}, Seconds: 1, Memory: 9, Reserve: 9}} {
		if _, err := Run(t.Context(), Plan{BurnIn: b}); err == nil {
			t.Errorf("%+v is taken", b)
		}
	}
}
