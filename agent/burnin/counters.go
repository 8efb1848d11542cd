package burnin

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// counters reads all numbers of sysfs that fit a pattern, by path.
func (r *run) counters(pattern string) map[string]int64 {
	paths, _ := filepath.Glob(filepath.Join(r.Sys, pattern)) // the patterns are constants
	all := map[string]int64{}
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if n, perr := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64); err == nil && perr == nil {
			all[path] = n
		}
	}
	return all
}

func (r *run) throttled() (n int64) {
	for _, c := range r.counters("devices/system/cpu/cpu[0-9]*/thermal_throttle/core_throttle_count") {
		n += c
	}
	return n
}

// faults are what the hardware counted of its own errors, by what a person calls it.
type faults map[fault]int64

type fault struct{ subject, kind string }

// faults reads EDAC's counters of corrected (ce) and uncorrected (ue) errors of each memory controller, and how often the
// processors interrupted for an error of their own.
func (r *run) faults() faults {
	all := faults{}
	for path, n := range r.counters("devices/system/edac/mc/mc[0-9]*/[cu]e_count") {
		kind := map[string]string{"ce_count": "corrected errors", "ue_count": "uncorrected errors"}[filepath.Base(path)]
		all[fault{"memory of " + filepath.Base(filepath.Dir(path)), kind}] += n
	}
	f, err := os.Open(filepath.Join(r.Proc, "interrupts"))
	if err != nil {
		return all
	}
	defer func() { _ = f.Close() }()
	for kind, n := range machineChecks(f) {
		all[fault{"CPUs", kind}] += n
	}
	return all
}

// interrupts are the lines of /proc/interrupts that mean an error (Linux, arch/x86/kernel/irq.c). MCP, the polls, mean none.
var interrupts = map[string]string{"MCE": "machine check exceptions", "THR": "corrected errors above the threshold", "DFR": "deferred errors"}

// maxInterrupts bounds what is read of /proc/interrupts, in bytes: 4,096 CPUs take less.
const maxInterrupts = 16 << 20

// machineChecks adds up, over all CPUs, what /proc/interrupts says of errors.
func machineChecks(in io.Reader) map[string]int64 {
	all := map[string]int64{}
	lines := bufio.NewScanner(io.LimitReader(in, maxInterrupts))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		words := bytes.Fields(lines.Bytes())
		if len(words) == 0 {
			continue
		}
		kind := interrupts[strings.TrimSuffix(string(words[0]), ":")]
		for _, w := range words[1:] {
			n, err := strconv.ParseInt(string(w), 10, 64)
			if kind == "" || err != nil || n < 0 {
				break // the words at the end of the line say what it is
			}
			all[kind] += n
		}
	}
	return all
}

// compareFaults tells which counters grew in a test.
func (r *run) compareFaults(test string, before faults) {
	after := r.faults()
	var names []fault
	for f := range after {
		names = append(names, f)
	}
	slices.SortFunc(names, func(a, b fault) int { return strings.Compare(a.subject+a.kind, b.subject+b.kind) })
	for _, f := range names {
		if n := after[f] - before[f]; n > 0 {
			by := "the memory controller"
			if f.subject == "CPUs" {
				by = "the CPUs"
			}
			r.failed(test, f.subject, "", "%s counted %d %s in the test %s", by, n, f.kind, test)
		}
	}
}
