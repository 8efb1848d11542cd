package burnin

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"unsafe"
)

// node is a NUMA node with processors that may be used.
type node struct {
	number int
	cpus   []int
}

// nodes are the NUMA nodes of some processors; one, node 0, when the kernel tells of none.
func (r *run) nodes(cpus []int) (all []node) {
	paths, _ := filepath.Glob(filepath.Join(r.Sys, "devices/system/node/node[0-9]*/cpulist")) // the pattern is a constant
	for _, path := range paths {
		n, err := strconv.Atoi(strings.TrimPrefix(filepath.Base(filepath.Dir(path)), "node"))
		if err != nil {
			continue
		}
		one := node{number: n}
		for _, cpu := range cpuList(r.text(path)) {
			if slices.Contains(cpus, cpu) {
				one.cpus = append(one.cpus, cpu)
			}
		}
		if len(one.cpus) > 0 { // a node may have memory only
			all = append(all, one)
		}
	}
	if len(all) == 0 {
		return []node{{cpus: cpus}}
	}
	slices.SortFunc(all, func(a, b node) int { return cmp.Compare(a.number, b.number) })
	return all
}

// mostCPUs bounds a list of processors.
const mostCPUs = 1 << 14

// cpuList reads "0-3,8", as sysfs writes it; what is no number is passed over.
func cpuList(text string) (cpus []int) {
	for part := range strings.SplitSeq(strings.TrimSpace(text), ",") {
		from, to, isRange := strings.Cut(part, "-")
		if !isRange {
			to = from
		}
		first, err := strconv.Atoi(from)
		last, lerr := strconv.Atoi(to)
		if err != nil || lerr != nil || first < 0 || last >= mostCPUs {
			continue
		}
		for n := first; n <= last; n++ {
			cpus = append(cpus, n)
		}
	}
	return cpus
}

// bind has the memory that this thread takes from now on come from one NUMA node: set_mempolicy(MPOL_BIND).
func bind(number int) error {
	const mpolBind = 2
	var mask [1024 / 64]uint64
	if number >= 64*len(mask) {
		return fmt.Errorf("binding memory to node %d: only %d are known of", number, 64*len(mask))
	}
	mask[number/64] = 1 << (number % 64)
	if _, _, errno := syscall.RawSyscall(syscall.SYS_SET_MEMPOLICY, mpolBind, uintptr(unsafe.Pointer(&mask)), uintptr(64*len(mask)+1)); errno != 0 {
		return fmt.Errorf("binding memory to node %d: %w", number, errno)
	}
	return nil
}

// mostCopied is what each core copies to and fro, in bytes: more than caches hold.
const mostCopied = 128 << 20

// bandwidth measures the memory of each NUMA node alone, by its own cores.
func (r *run) bandwidth(ctx context.Context, nodes []node, each int64) {
	over, end := context.WithCancel(ctx)
	end() // no patterns
	for _, n := range nodes {
		areas := make([]*area, len(n.cpus))
		quick, cancel := context.WithTimeout(ctx, r.part(8*len(nodes)))
		var wg sync.WaitGroup
		for i, cpu := range n.cpus {
			areas[i] = &area{cpu: cpu, node: n.number}
			wg.Go(func() { areas[i].use(quick, over, int(min(each, mostCopied))) })
		}
		wg.Wait()
		cancel()
		rate := 0.0
		for _, a := range areas {
			if a.err == nil && a.took > 0 {
				rate += a.moved / a.took.Seconds()
			}
		}
		if rate > 0 {
			r.measured("memory.bandwidth", fmt.Sprintf("node%d", n.number), "", "MB/s", rate/1e6)
		}
	}
}
