package webtest

import (
	"encoding/json"
	"fmt"
	"math"
	"time"

	"socle/api"
	"socle/inventory"
)

// FillTests puts a row of storage nodes into the world: bn01 is under test, bn02 failed, bn03 is slow, bn04 passed three runs, bn05
// was never tested, bn06 is under test and its agent has not begun.
func (w *World) FillTests() {
	now := w.Now()
	machine := func(i int, state inventory.State) inventory.Machine {
		serial := fmt.Sprintf("SMC-6029-02%02d", i)
		return inventory.Machine{
			ID: fmt.Sprintf("id-bn%02d", i), Name: fmt.Sprintf("bn%02d", i), State: state, Since: now.Add(-time.Hour), InPlan: true, Power: inventory.PowerOn, Model: "SSG-640SP",
			Identity: inventory.Identity{Serial: serial}, Place: inventory.Place{Site: "ams1", Room: "hall 2", Rack: fmt.Sprintf("r%d", 2+i/4), U: 2 * i},
			Facts: Facts(serial, "SSG-640SP", 4, fmt.Sprintf("52:54:00:aa:02:%02x", i)), CreatedAt: now.Add(-48 * time.Hour),
		}
	}
	states := []inventory.State{inventory.Testing, inventory.Discovered, inventory.Ready, inventory.Ready, inventory.Ready, inventory.Testing}
	for i, state := range states {
		m := machine(i+1, state)
		w.Put(m)
		if i < 4 {
			w.burned(m, i)
		}
	}
	params, _ := json.Marshal(api.BurnIn{Tests: Plans()[0].Tests, Seconds: Plans()[0].Seconds, Memory: 80}) //nolint:errchkjson // it has no numbers that are none
	w.PutOrder(inventory.Order{ID: "burn-now", Machine: "id-bn01", Session: "s7", Kind: api.OrderBurnIn, Params: params, State: inventory.OrderTaken,
		IssuedAt: now.Add(-90 * time.Minute), TakenAt: now.Add(-90 * time.Minute), Done: 5400, Total: 10800})
	w.Find(
		inventory.Findings{Machine: "id-bn01", Source: inventory.FromBurnIn, Time: now.Add(-24 * time.Hour)},
		inventory.Findings{Machine: "id-bn02", Source: inventory.FromBurnIn, Time: now.Add(-24 * time.Hour), List: []inventory.Finding{{Source: inventory.FromBurnIn,
			Kind: inventory.FindFailed, Subject: "core 3", Reason: "core 3 computed SHA-256 wrong 2 times of 91000", Remedy: "replace the part, then test again"}}},
		inventory.Findings{Machine: "id-bn03", Source: inventory.FromBurnIn, Time: now.Add(-24 * time.Hour)},
		inventory.Findings{Machine: "id-bn03", Source: inventory.FromOutlier, Time: now.Add(-23 * time.Hour), List: []inventory.Finding{
			{Source: inventory.FromOutlier, Kind: inventory.FindSlow, Subject: "disk sdb", Serial: "ZL2SMC-6029-02031", Reason: "disk sdb sequential read 38 % below its 11 peers", Remedy: "replace it, then test again"},
			{Source: inventory.FromOutlier, Kind: inventory.FindMissing, Subject: "memory", Reason: "memory: 3 × 64 GiB instead of 4 ×"}}},
		inventory.Findings{Machine: "id-bn04", Source: inventory.FromBurnIn, Time: now.Add(-24 * time.Hour)},
	)
	w.FindOdd(api.OutlierReport{Compared: 12, Groups: []api.OutlierGroup{
		{Metric: "disk.read.sequential", Position: "ST18000NM", Unit: "MB/s", Peers: "equal hardware", Count: 36, Low: 160, Median: 260, High: 268, Spread: .01, Limit: .1, Values: []api.OutlierValue{
			{Machine: "bn03", Subject: "sdb", Part: "ZL2SMC-6029-02031", Value: 161, Distance: .381, Odd: true}, {Machine: "bn03", Subject: "sda", Part: "ZL2SMC-6029-02030", Value: 260, Distance: 0}}},
		{Metric: "cpu.ops.all", Unit: "1/s", Peers: "equal CPUs", Count: 12, Low: 51000, Median: 52000, High: 53000, Spread: .01, Limit: .07, Values: []api.OutlierValue{{Machine: "bn03", Value: 51900, Distance: .002}}},
	}})
}

// burned gives a machine three runs of tests, one a day; the second sdb of bn03 grows slow in the last.
func (w *World) burned(m inventory.Machine, n int) {
	for run := range 3 {
		at := w.Now().Add(-time.Duration(3-run) * 24 * time.Hour)
		id := fmt.Sprintf("burn-%s-%d", m.Name, run+1)
		var result api.BurnInResult
		add := func(metric, subject, part, unit string, value float64, lower bool) {
			value = math.Round(10*value*(1+.004*math.Sin(float64(7*n+3*run+len(subject))))) / 10
			w.Measure(inventory.Measurement{Machine: m.ID, Run: id, Time: at, Metric: metric, Subject: subject, Part: part, Unit: unit, Value: value, LowerIsBetter: lower})
			result.Measured = append(result.Measured, api.Measured{Metric: metric, Subject: subject, Part: part, Unit: unit, Value: value, LowerIsBetter: lower})
		}
		add("cpu.ops.all", "", "", "1/s", 52000, false)
		for i := range 8 {
			add("cpu.ops", fmt.Sprintf("core %d", i), "", "1/s", 453, false)
		}
		add("cpu.temperature", "cpu0", "", "Cel", 71+float64(run), true)
		add("network.tcp.send", "eno1", "52:54:00:aa:02:01", "Mbit/s", 9380, false)
		for i, d := range m.Facts.Disks[1:] {
			value := 260.
			if m.Name == "bn03" && run == 2 && i == 1 {
				value = 161
			}
			add("disk.read.sequential", d.Name, d.Serial, "MB/s", value, false)
			add("disk.smart.reallocated", d.Name, d.Serial, "1", float64(2*i), true)
		}
		if m.Name == "bn02" && run == 2 {
			result.Failures = []api.BurnInFailure{{Test: "cpu", Subject: "core 3", Reason: "computed SHA-256 wrong 2 times of 91000"}}
		}
		result.Notes = []string{"nvme0n1 does not answer SMART"}
		text, _ := json.Marshal(result) //nolint:errchkjson // all numbers are finite
		w.PutOrder(inventory.Order{ID: id, Machine: m.ID, Session: "s" + id, Kind: api.OrderBurnIn, State: inventory.OrderDone, IssuedAt: at.Add(-3 * time.Hour), TakenAt: at.Add(-3 * time.Hour),
			EndedAt: at, Done: 10800, Total: 10800, Result: text})
	}
}
