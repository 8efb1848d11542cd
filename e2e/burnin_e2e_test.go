//go:build e2e

package e2e

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"socle/api"
	"socle/lab"
)

// TestE2EBurnIn tests two servers before they are ready. The server program is killed in the middle, and the results come
// nevertheless; a disk that is bounded is measured as slow as it is; disks are written to when they are confirmed; and tests that are
// stopped leave nothing measured.
func TestE2EBurnIn(t *testing.T) {
	one, two := BIOS("burn1", 1), UEFI("burn2", 2)
	one.CPUs = 2
	one.Disks = []lab.Disk{{Serial: "BURN1-SLOW", SizeMiB: 3 << 10, IOPS: 40}, {Serial: "BURN1-FAST", SizeMiB: 3 << 10, IOPS: 400}}
	two.Disks = append(two.Disks, lab.Disk{Serial: "BURN2-ATA", SizeMiB: 256, Transport: "sata"}, lab.Disk{Serial: "BURN2-NVME", SizeMiB: 256, Transport: "nvme"})
	sc := Play(t, Spec(one, two), ServerOptions{Roles: Roles()[:1], Limits: map[string]string{"boot": "15m"}, More: map[string]any{
		"burnin": []map[string]any{{"model": "lab", "tests": []string{"cpu", "memory", "disk", "network"}, "seconds": 20, "memory_reserve_mib": 512}},
	}})
	sc.Do(t, "test", "start", "burn[1-2]")
	for _, name := range []string{"burn1", "burn2"} {
		sc.Await(t, name, 12*time.Minute, "is tested", half)
		if name == "burn1" {
			sc.KillWhen(t, name, time.Minute, "is half through its tests", half)
		}
	}
	if m := sc.Await(t, "burn1", 10*time.Minute, "is ready", func(m api.Machine) bool { return m.State == "ready" }); m.Fault != nil {
		t.Errorf("burn1 has the fault %+v", m.Fault)
	}
	if n := len(sc.Orders(t, "burn1", api.OrderBurnIn)); n != 1 {
		t.Errorf("burn1 was told %d times to test", n)
	}
	sc.WantOnePowerOn(t, "burn1")
	t.Logf("measured:\n%s", sc.Do(t, "test", "results", "burn1"))
	sc.wantMeasured(t)

	if m := sc.Await(t, "burn2", 10*time.Minute, "is ready", func(m api.Machine) bool { return m.State == "ready" }); m.Fault != nil {
		t.Errorf("burn2 has the fault %+v", m.Fault)
	}
	sc.wantHealth(t)
	sc.wantPair(t)
	sc.wantWriting(t)
	sc.Do(t, "test", "start", "burn2")
	sc.Await(t, "burn2", 12*time.Minute, "is tested again", half)
	sc.Do(t, "test", "stop", "burn2")
	if m := sc.Await(t, "burn2", time.Minute, "is discovered", func(m api.Machine) bool { return m.State == "discovered" }); m.Fault != nil || m.Intent != "" {
		t.Errorf("stopped, burn2 wants to be %q and has the fault %+v", m.Intent, m.Fault)
	}
	if out := sc.Do(t, "test", "results", "burn2", "--history"); strings.Count(out, "cpu.ops.all") != 2 {
		t.Errorf("burn2 was tested twice to the end:\n%s", out)
	}
}

// half tells whether the tests of a machine are in the middle.
func half(m api.Machine) bool {
	p := m.Progress
	return m.State == "testing" && p != nil && p.Order == api.OrderBurnIn && p.Done > 0 && p.Done < p.Total
}

// wantMeasured wants of burn1 what was asked for, and disks that are as fast as they are bounded.
func (sc *Scene) wantMeasured(t *testing.T) {
	t.Helper()
	got := sc.measured(t, "burn1")
	for _, metric := range []string{"cpu.ops ", "cpu.ops.all ", "memory.bandwidth ", "memory.bandwidth.all ", "cpu.frequency ", "disk.read.sequential BURN1-SLOW", "disk.read.random.all BURN1-FAST"} {
		if got[metric] <= 0 {
			t.Errorf("%s was not measured: %v", metric, got)
		}
	}
	slow, fast := got["disk.read.random BURN1-SLOW"], got["disk.read.random BURN1-FAST"]
	if slow <= 0 || slow > 60 || fast < 2*slow { // QEMU lets a few more through at first
		t.Errorf("the disk with 40 requests a second made %.0f of them, that with 400 made %.0f", slow, fast)
	}
}

// wantPair wants the two to have tested the network between them: what one says that it sent is what the other one received.
func (sc *Scene) wantPair(t *testing.T) {
	t.Helper()
	all := []map[string]float64{{}, {}}
	for i, name := range []string{"burn1", "burn2"} {
		for metric, v := range sc.measured(t, name) {
			if kind, _, _ := strings.Cut(metric, " "); strings.HasPrefix(kind, "network.") {
				all[i][kind] = v
			}
		}
	}
	for _, suffix := range []string{"", ".all"} {
		for i := range all {
			sent, received := all[i]["network.send"+suffix], all[1-i]["network.receive"+suffix]
			if sent < 1e6 || sent != received {
				t.Errorf("burn%d says that it sent %g bit/s, and the other one that it received %g (%s)", i+1, sent, received, suffix)
			}
		}
	}
}

// measured is the last value of each metric and part of a machine.
func (sc *Scene) measured(t *testing.T, name string) map[string]float64 {
	t.Helper()
	list, err := sc.API.Measurements(t.Context(), api.MeasurementQuery{Machine: name})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, m := range list {
		got[m.Metric+" "+m.Part] = m.Value
	}
	return got
}

// wantHealth wants the disks of burn2 asked how they are: QEMU's ATA and NVMe disks answer, and are well.
func (sc *Scene) wantHealth(t *testing.T) {
	t.Helper()
	got := sc.measured(t, "burn2")
	t.Logf("measured:\n%s", sc.Do(t, "test", "results", "burn2"))
	for _, metric := range []string{"disk.smart.reallocated BURN2-ATA", "disk.smart.media-errors BURN2-NVME", "disk.smart.wear BURN2-NVME"} {
		if v, ok := got[metric]; !ok || v != 0 {
			t.Errorf("%s is %g (%v), want a healthy 0", metric, v, ok)
		}
	}
	if c := got["disk.smart.temperature BURN2-NVME"]; c < 10 || c > 90 {
		t.Errorf("the NVMe disk has %g °C", c)
	}
}

// wantWriting tests burn2 by writing to its disks: nothing is written before their serial numbers are confirmed, then all is, and
// what was written came back.
func (sc *Scene) wantWriting(t *testing.T) {
	t.Helper()
	out, exit := sc.CLI(t, "test", "start", "burn2", "--write-disks")
	_, code, told := strings.Cut(out, "--confirm ")
	if exit == 0 || !told || !strings.Contains(out, "everything on 3 disks of 1 machine would be lost") || !strings.Contains(out, "BURN2-ATA") {
		t.Fatalf("exit %d without confirmation:\n%s", exit, out)
	}
	if out, exit := sc.CLI(t, "test", "start", "burn2", "--write-disks", "--confirm", "00000000"); exit == 0 {
		t.Fatalf("confirmed by a wrong code:\n%s", out)
	}
	for n := range 3 {
		if !sc.Untouched(t, "burn2", n) {
			t.Errorf("disk %d of burn2 was written to", n)
		}
	}
	sc.Do(t, "test", "start", "burn2", "--write-disks", "--confirm", strings.Fields(code)[0])
	sc.Await(t, "burn2", 12*time.Minute, "is tested by writing", half)
	if m := sc.Await(t, "burn2", 10*time.Minute, "is ready", func(m api.Machine) bool { return m.State == "ready" }); m.Fault != nil || len(m.WriteDisks) > 0 {
		t.Errorf("burn2 may write to %q and has the fault %+v", m.WriteDisks, m.Fault)
	}
	got := sc.measured(t, "burn2")
	for _, metric := range []string{"disk.write.sequential BURN2-ATA", "disk.write.sequential.all BURN2-ATA", "disk.write.random BURN2-NVME", "disk.write.random.all BURN2-NVME"} {
		if got[metric] <= 0 {
			t.Errorf("%s was not measured: %v", metric, got)
		}
	}
	for n := range 3 {
		if sc.Untouched(t, "burn2", n) {
			t.Errorf("disk %d of burn2 was not written to", n)
		}
		if head := sc.Head(t, "burn2", n, 1<<20); !bytes.Equal(head, make([]byte, 1<<20)) {
			t.Errorf("the beginning of disk %d of burn2 is not empty", n)
		}
	}
	t.Logf("written:\n%s", sc.Do(t, "test", "results", "burn2", "--metric", "disk.write.random"))
}
