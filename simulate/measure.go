package simulate

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"socle/agent/burnin"
	"socle/agent/disk"
	"socle/api"
	"socle/hardware"
)

// spread is how a reading lies among equal machines: its median, and the standard deviation as a fraction of it.
type spread struct{ median, sigma float64 }

// What the eight real servers measured that are made as those of a fleet are: median over all their parts and median deviation
// times 1.4826, as a test works them out again from the readings (inventory/outlier/testdata).
var (
	coreAlone  = spread{453, 0.0065}    // logical_N loops_per_sec
	coresAtAll = spread{11007.5, 0.003} // logical loops_per_sec
	bandwidth  = spread{34698.5, 0.0006}
	sequential = [2]spread{{192129, 0.0168}, {192129, 0.0160}} // standalone and simultaneous read_1M_KBps
	random     = [2]spread{{306, 0.0218}, {328, 0.0271}}       // the same, randread_4k_IOps

	sequentialWrite = [2]spread{{10723.5, 0.0676}, {51449.5, 0.1557}} // write_1M_KBps
	randomWrite     = [2]spread{{680.5, 0.0120}, {965.5, 0.3171}}     // randwrite_4k_IOps
)

// burnIn answers an order to test as the agent of a real server does after the time of its tests, or after the most that they
// take here: with what such servers measured, give or take what is usual among them.
func (b *boot) burnIn(ctx context.Context, o api.Order, progress func(done, total, wire int64)) (any, error) {
	var plan api.BurnIn
	err := json.Unmarshal(o.Params, &plan)
	if err == nil {
		err = burnin.Check(plan)
	}
	if err != nil {
		return nil, &disk.Failure{Code: api.CodeBadParams, Err: err}
	}
	total := int64(len(plan.Tests) * plan.Seconds)
	progress(0, total, 0)
	if err := sleep(ctx, min(b.run.Tests, time.Duration(total)*time.Second)); err != nil {
		return nil, err
	}
	progress(total, total, 0)
	return b.run.fleet.Measure(b.Index, o.ID, plan), nil
}

// Measure is what a server measures in one run of tests: the same for the same run, and nearly the same for another.
func (f *Fleet) Measure(i int, run string, plan api.BurnIn) api.BurnInResult {
	m := meter{own: f.chance(i, "own"), noise: f.chance(i, run)}
	facts, odd := f.Facts(i), f.Servers[i].Odd
	for _, test := range plan.Tests {
		switch test {
		case api.TestCPU:
			threads := 0
			for _, c := range facts.CPUs {
				threads += c.Threads
			}
			for n := range threads {
				m.tell("cpu.ops", fmt.Sprintf("core %d", n), "", "1/s", coreAlone, 1)
			}
			m.tell("cpu.ops.all", "", "", "1/s", coresAtAll, 1)
		case api.TestMemory: // each module is a channel of its own
			m.tell("memory.bandwidth.all", "", "", "MB/s", bandwidth, float64(modules(&facts))/float64(modules(&f.base)))
		case api.TestDisk:
			m.disks(facts.Disks, "read", sequential, random, odd)
			m.disks(slices.DeleteFunc(facts.Disks, func(d hardware.Disk) bool { return !slices.Contains(plan.Write, d.Serial) }), "write", sequentialWrite, randomWrite, odd)
		case api.TestNetwork:
			m.result.Notes = append(m.result.Notes, "the network is not tested by simulated servers")
		}
	}
	return m.result
}

// modules is how many memory modules there are.
func modules(f *hardware.Facts) (n int) {
	for _, d := range f.Memory.DIMMs {
		if d.SizeBytes > 0 {
			n++
		}
	}
	return n
}

// meter draws readings. Most of how a part differs from its like is its own and stays; the rest differs from run to run.
type meter struct {
	own, noise *rand.Rand
	result     api.BurnInResult
}

// mostSigma bounds what is drawn: a server without an oddity is not to look like one by bad luck.
const mostSigma = 2

func (m *meter) tell(metric, subject, part, unit string, s spread, of float64) {
	by := 0.9*m.own.NormFloat64() + math.Sqrt(1-0.9*0.9)*m.noise.NormFloat64()
	value := s.median * of * (1 + s.sigma*max(-mostSigma, min(by, mostSigma)))
	m.result.Measured = append(m.result.Measured, api.Measured{Metric: metric, Subject: subject, Part: part, Unit: unit, Value: value})
}

// disks measures disks, each alone and then all at once.
func (m *meter) disks(disks []hardware.Disk, how string, sequence, chance [2]spread, odd Oddity) {
	for n, suffix := range []string{"", ".all"} {
		for _, d := range disks {
			of := 1.0
			if odd == SlowDisk {
				of = slowDisk / 1000 / sequential[0].median
			}
			m.tell("disk."+how+".sequential"+suffix, d.Name, d.Serial, "kB/s", sequence[n], of)
			m.tell("disk."+how+".random"+suffix, d.Name, d.Serial, "1/s", chance[n], of)
		}
	}
}
