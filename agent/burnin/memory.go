package burnin

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"socle/api"
)

// patterns are written to memory and read again: all bits both ways, neighbours apart, and the place of each word, which
// finds address lines that are mixed up.
var patterns = []struct {
	name string
	word func(at uint64) uint64
}{
	{"zeros", func(uint64) uint64 { return 0 }},
	{"ones", func(uint64) uint64 { return ^uint64(0) }},
	{"1010", func(uint64) uint64 { return 0xaaaaaaaaaaaaaaaa }},
	{"0101", func(uint64) uint64 { return 0x5555555555555555 }},
	{"own address", func(at uint64) uint64 { return at * 0x9e3779b97f4a7c15 }},
}

// area is a piece of memory of one worker. It is not Go's: the kernel gives it, and it is given back at once.
type area struct {
	raw      []byte
	words    []uint64
	moved    float64 // bytes
	took     time.Duration
	rounds   int // patterns that were seen through
	failures []string
	cpu      int
	node     int // that the memory is to come from
	unbound  error
	err      error
}

// memory measures the bandwidth with all cores, and then tests patterns.
func (r *run) memory(ctx context.Context) {
	free, err := r.free()
	if err != nil {
		r.note("memory is not tested: %v", err)
		return
	}
	cpus := allowed()
	each := r.share(free) / int64(max(len(cpus), 1)) &^ (1<<20 - 1)
	if each < 1<<20 {
		r.note("memory is not tested: %d MiB are free", free>>20)
		return
	}
	nodes := r.nodes(cpus)
	long, cancelLong := context.WithTimeout(ctx, r.part(1))
	defer cancelLong()
	r.bandwidth(ctx, nodes, each)
	var areas []*area
	var wg sync.WaitGroup
	quick, cancel := context.WithTimeout(ctx, r.part(8))
	defer cancel()
	for _, n := range nodes {
		for _, cpu := range n.cpus {
			a := &area{cpu: cpu, node: n.number}
			areas = append(areas, a)
			wg.Go(func() { a.use(quick, long, int(each)) })
		}
	}
	wg.Wait()
	var rate float64
	rounds := -1
	for _, a := range areas {
		if a.unbound != nil {
			r.note("memory of core %d: %v", a.cpu, a.unbound)
		}
		if a.err != nil {
			r.note("memory of core %d: %v", a.cpu, a.err)
			continue
		}
		if a.took > 0 {
			rate += a.moved / a.took.Seconds()
		}
		if rounds < 0 || a.rounds < rounds {
			rounds = a.rounds
		}
		for _, f := range a.failures {
			r.failed(api.TestMemory, "memory", "", "%s", f)
		}
	}
	if rate > 0 {
		r.measured("memory.bandwidth.all", "", "", "MB/s", rate/1e6)
	}
	r.note("%d of %d MiB of free memory were tested with %d patterns each", each*int64(len(areas))>>20, free>>20, max(rounds, 0))
}

// share is how much of the free memory is to be tested, in bytes.
func (r *run) share(free int64) int64 {
	if r.Reserve > 0 {
		return max(free-int64(r.Reserve)<<20, 0)
	}
	return free / 100 * int64(r.Memory)
}

// free is how much memory can be had, in bytes.
func (r *run) free() (int64, error) {
	f, err := os.Open(filepath.Join(r.Proc, "meminfo"))
	if err != nil {
		return 0, err
	}
	defer func() { _ = f.Close() }()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var kib int64
		if rest, ok := strings.CutPrefix(lines.Text(), "MemAvailable:"); ok {
			if _, err := fmt.Sscan(rest, &kib); err == nil {
				return kib << 10, nil
			}
		}
	}
	return 0, fmt.Errorf("%s names no MemAvailable", f.Name())
}

// use takes memory near one core, measures it until quick ends, and tests it until long ends.
func (a *area) use(quick, long context.Context, size int) {
	runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine, as it is bound to a core
	if a.err = pin(a.cpu); a.err != nil {
		return
	}
	a.unbound = bind(a.node) // without it the memory is near the core as a rule
	if a.raw, a.err = syscall.Mmap(-1, 0, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_PRIVATE|syscall.MAP_ANON); a.err != nil {
		return
	}
	defer func() { _ = syscall.Munmap(a.raw) }()
	a.words = unsafe.Slice((*uint64)(unsafe.Pointer(&a.raw[0])), size/8)
	clear(a.words)
	a.copy(quick)
	for a.rounds = 0; long.Err() == nil && len(a.failures) == 0; {
		p := patterns[a.rounds%len(patterns)]
		if a.try(long, p.name, p.word) {
			a.rounds++
		}
	}
}

// copy measures how fast one half goes to the other: each byte is read once and written once.
func (a *area) copy(ctx context.Context) {
	half := min(len(a.words)/2, 8<<20) // 64 MiB: more than caches hold
	begun := time.Now()
	for a.moved == 0 || ctx.Err() == nil {
		copy(a.words[half:2*half], a.words[:half])
		a.moved += float64(2 * 8 * half)
	}
	a.took = time.Since(begun)
}

// step is how many words are worked on between two looks at the time.
const step = 1 << 17

// try writes a pattern and compares it; false: there was no time for it, or it failed.
func (a *area) try(ctx context.Context, name string, word func(uint64) uint64) bool {
	for at := 0; at < len(a.words); at += step {
		for i := at; i < min(at+step, len(a.words)); i++ {
			a.words[i] = word(uint64(i))
		}
		if ctx.Err() != nil {
			return false
		}
	}
	for at := 0; at < len(a.words); at += step {
		for i := at; i < min(at+step, len(a.words)); i++ {
			if got, want := a.words[i], word(uint64(i)); got != want {
				a.failures = append(a.failures, fmt.Sprintf("pattern %s: the word at virtual address %p, seen by core %d, is %016x and was written as %016x",
					name, &a.words[i], a.cpu, got, want))
				return false
			}
		}
		if ctx.Err() != nil {
			return false
		}
	}
	return true
}
