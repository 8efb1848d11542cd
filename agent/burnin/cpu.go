package burnin

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"runtime"
	"sync"
	"time"

	"socle/api"
)

// side is that of the matrices; all values in them and in their product are whole and exact in a float64.
const side = 48

// digest is that of 64 KiB in which byte i is i modulo 251.
const digest = "4b640d85ab3ba30fd02c9fc9db4a8928f416322ad27022ea58a65aaee68a4df2"

// core is what one core did.
type core struct {
	cpu   int
	ops   int64
	took  time.Duration
	wrong string // what was wrong with its results
	err   error  // why it could not be tested
}

// cpu computes what is known on each core alone, and on all at once.
func (r *run) cpu(ctx context.Context) {
	cpus := allowed()
	for _, n := range cpus {
		c := &core{cpu: n}
		load(ctx, r.part(2*len(cpus)), []*core{c})
		r.judge(c)
		if c.err == nil && c.took > 0 {
			r.measured("cpu.ops", fmt.Sprintf("core %d", n), "", "1/s", float64(c.ops)/c.took.Seconds())
		}
	}
	all := make([]*core, len(cpus))
	for i, n := range cpus {
		all[i] = &core{cpu: n}
	}
	busy, idle := context.WithCancel(ctx)
	var looked sync.WaitGroup
	looked.Go(func() { r.whileBusy(busy, r.part(2), cpus) })
	load(ctx, r.part(2), all)
	idle()
	looked.Wait()
	var rate float64
	for _, c := range all {
		if r.judge(c); c.took > 0 {
			rate += float64(c.ops) / c.took.Seconds()
		}
	}
	if rate > 0 {
		r.measured("cpu.ops.all", "", "", "1/s", rate)
	}
}

func (r *run) judge(c *core) {
	switch {
	case c.err != nil:
		r.note("%v", c.err)
	case c.wrong != "":
		r.failed(api.TestCPU, fmt.Sprintf("core %d", c.cpu), "", "core %d computed wrong: %s", c.cpu, c.wrong)
	}
}

// load keeps cores busy for a time.
func load(ctx context.Context, d time.Duration, cores []*core) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	var wg sync.WaitGroup
	for _, c := range cores {
		wg.Go(func() {
			runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine, as it is bound to a core
			if c.err = pin(c.cpu); c.err != nil {
				return
			}
			begun, w := time.Now(), newWork()
			for c.wrong == "" && (c.ops == 0 || ctx.Err() == nil) {
				c.wrong = w.once()
				c.ops++
			}
			c.took = time.Since(begun)
		})
	}
	wg.Wait()
}

// work is what a core computes: one digest, by the integer unit or the one for digests, and one product of matrices, by the
// floating point unit.
type work struct {
	text    []byte
	a, b, c [side * side]float64
}

func newWork() *work {
	w := &work{text: make([]byte, 64<<10)}
	for i := range w.text {
		w.text[i] = byte(i % 251)
	}
	for i := range side {
		for j := range side {
			w.a[i*side+j], w.b[i*side+j] = float64(i+j), float64(i-j)
		}
	}
	return w
}

// once computes once, and says what is wrong with it.
func (w *work) once() string {
	sum := sha256.Sum256(w.text)
	if got := hex.EncodeToString(sum[:]); got != digest {
		return fmt.Sprintf("SHA-256 %s, it is %s", got, digest)
	}
	for i := range side {
		for j := range side {
			var x float64
			for k := range side {
				x += w.a[i*side+k] * w.b[k*side+j]
			}
			w.c[i*side+j] = x
		}
	}
	return w.check()
}

// check compares the product with what whole numbers give: the sum over k of (i+k)(k-j).
func (w *work) check() string {
	const n, s1, s2 = side, side * (side - 1) / 2, (side - 1) * side * (2*side - 1) / 6
	for i := range side {
		for j := range side {
			if want := float64(s2 + (i-j)*s1 - n*i*j); w.c[i*side+j] != want {
				return fmt.Sprintf("element %d,%d of a product is %g, it is %g", i, j, w.c[i*side+j], want)
			}
		}
	}
	return ""
}
