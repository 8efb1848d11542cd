// Package burnin puts a server under load and finds out what it does: its processors with results that are known, its
// memory with patterns, its disks by reading, its network together with another server. It writes only to the disks whose
// serial numbers the order names. Every test ends with its time or with its context.
package burnin

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"socle/api"
)

// Disk is one disk to be read, and to be written to when its serial number is in the plan's Write.
type Disk struct {
	Name, Serial string
	Path         string // of the device
	Bytes        int64
}

// Plan is what to do.
type Plan struct {
	api.BurnIn
	Sys   string // where sysfs is, "/sys"
	Proc  string // where procfs is, "/proc"
	Disks []Disk
	Link  *Link // nil: the network cannot be tested
	// Health asks a disk how it is; nil: it is not asked.
	Health func(path string) (Health, error)
	// Progress is told how many seconds of how many are over.
	Progress func(done, total int64)
}

// Check tells what is wrong with an order.
func Check(b api.BurnIn) error {
	for _, t := range b.Tests {
		if !slices.Contains(api.Tests(), t) {
			return fmt.Errorf("there is no test %q: use some of %s", t, strings.Join(api.Tests(), ", "))
		}
	}
	if len(b.Tests) == 0 || b.Seconds < 1 {
		return fmt.Errorf("%d tests of %d seconds: at least one test and one second are needed", len(b.Tests), b.Seconds)
	}
	if b.Reserve < 0 || b.Memory < 0 || b.Memory > 90 || (b.Memory == 0) == (b.Reserve == 0) {
		return fmt.Errorf("%d %% of the memory, and all but %d MiB: 1 to 90 %%, or a reserve, but not both, is needed", b.Memory, b.Reserve)
	}
	if len(b.Write) > 0 && !slices.Contains(b.Tests, api.TestDisk) {
		return fmt.Errorf("disks are named to be written to, and the tests %s have no %s", strings.Join(b.Tests, ", "), api.TestDisk)
	}
	for i, serial := range b.Write {
		if strings.TrimSpace(serial) == "" || slices.Contains(b.Write[:i], serial) {
			return fmt.Errorf("disk %q to be written to: each needs a serial number, and is named once", serial)
		}
	}
	return nil
}

// Run carries out the tests. It returns an error only when it is cancelled, or when the plan is wrong.
func Run(ctx context.Context, p Plan) (api.BurnInResult, error) {
	r := &run{Plan: p}
	if err := Check(p.BurnIn); err != nil {
		return r.result, err
	}
	life, cancel := context.WithCancel(ctx)
	told := make(chan struct{})
	go func() { defer close(told); r.tell(life) }()
	defer func() { cancel(); <-told }()
	for _, test := range p.Tests {
		before := r.faults()
		hot := r.throttled()
		switch test {
		case api.TestCPU:
			r.cpu(ctx)
		case api.TestMemory:
			r.memory(ctx)
		case api.TestDisk:
			r.disks(ctx)
		case api.TestNetwork:
			r.network(ctx)
		}
		if err := context.Cause(ctx); err != nil {
			return r.result, err
		}
		r.compareFaults(test, before)
		if n := r.throttled() - hot; n > 0 {
			r.note("the cores were slowed down %d times by heat or power in the test %s", n, test)
		}
	}
	return r.result, nil
}

type run struct {
	Plan
	result api.BurnInResult
}

// tell tells of the time that is over, once a second.
func (r *run) tell(ctx context.Context) {
	if r.Progress == nil {
		return
	}
	begun, total := time.Now(), int64(len(r.Tests)*r.Seconds)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		r.Progress(min(int64(time.Since(begun).Seconds()), total), total)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// part is a share of the time of one test.
func (r *run) part(of int) time.Duration {
	return time.Duration(r.Seconds) * time.Second / time.Duration(max(of, 1))
}

func (r *run) measured(metric, subject, part, unit string, value float64) {
	r.result.Measured = append(r.result.Measured, api.Measured{Metric: metric, Subject: subject, Part: part, Unit: unit, Value: value,
		LowerIsBetter: metric == "cpu.temperature" || strings.HasPrefix(metric, "disk.smart.")})
}

// maxFailures bounds what is told of a part: one that is broken fails without end.
const maxFailures = 100

func (r *run) failed(test, subject, part, format string, args ...any) {
	if len(r.result.Failures) < maxFailures {
		r.result.Failures = append(r.result.Failures, api.BurnInFailure{Test: test, Subject: subject, Part: part, Reason: fmt.Sprintf(format, args...)})
	}
}

func (r *run) note(format string, args ...any) {
	r.result.Notes = append(r.result.Notes, fmt.Sprintf(format, args...))
}

// pin binds this thread to one CPU; the caller has locked its goroutine to it, and lets it end so.
func pin(cpu int) error {
	var set [1024 / 64]uint64
	if cpu < 0 || cpu >= 64*len(set) {
		return fmt.Errorf("binding to CPU %d: only %d are known of", cpu, 64*len(set))
	}
	set[cpu/64] = 1 << (cpu % 64)
	if _, _, errno := syscall.RawSyscall(syscall.SYS_SCHED_SETAFFINITY, 0, unsafe.Sizeof(set), uintptr(unsafe.Pointer(&set))); errno != 0 {
		return fmt.Errorf("binding to CPU %d: %w", cpu, errno)
	}
	return nil
}

// allowed are the CPUs that this process may use, by number.
func allowed() []int {
	var set [1024 / 64]uint64
	n, _, errno := syscall.RawSyscall(syscall.SYS_SCHED_GETAFFINITY, 0, unsafe.Sizeof(set), uintptr(unsafe.Pointer(&set)))
	var cpus []int
	for i := 0; errno == 0 && i < int(n)*8; i++ {
		if set[i/64]>>(i%64)&1 == 1 {
			cpus = append(cpus, i)
		}
	}
	return cpus
}
