package health

import (
	"container/heap"
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"socle/internal/crowd"
	"socle/inventory"
)

// Watch looks after all servers.
type Watch struct {
	o       Options
	healthy *crowd.Lane
	sick    *crowd.Lane // those that failed last time wait for each other only
	seen    chan inventory.Look
	hints   chan string // IDs of machines
	ears    *crowd.Lane

	looks, failed, lost atomic.Int64
}

// New makes a watch; Run starts it.
func New(o Options) *Watch {
	o = o.withDefaults()
	return &Watch{
		o: o, healthy: crowd.New(o.Parallel, inFlight*o.Parallel, slowAfter), sick: crowd.New(sickParallel, inFlight*sickParallel, slowAfter),
		seen: make(chan inventory.Look, writeQueue), hints: make(chan string, hintQueue), ears: crowd.New(earsOpen, earsMost, slowAfter),
	}
}

// Stats are what it has done since it was made.
type Stats struct {
	Looks  int64 // that ended
	Failed int64 // of these, that saw nothing
	Lost   int64 // that could not be stored, because too many waited
	Inside int   // that run now
}

// Stats tells what it has done.
func (w *Watch) Stats() Stats {
	return Stats{w.looks.Load(), w.failed.Load(), w.lost.Load(), w.healthy.Inside() + w.sick.Inside()}
}

// Run looks after servers until ctx ends, whenever it is this process's turn. It returns when all looks have ended.
func (w *Watch) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		if mine, err := w.mine(ctx); err != nil && ctx.Err() == nil {
			w.o.Log.Warn("asking whether this process looks after the servers", "err", err)
		} else if mine {
			w.watch(ctx)
			w.resign(ctx)
			continue
		}
		_ = sleep(ctx, tenureEvery)
	}
	return nil
}

// resign lets another process begin at once.
func (w *Watch) resign(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	_, _ = w.o.Store.Tenure(ctx, "health", w.o.Holder, 0) // else it ends by itself
}

func (w *Watch) mine(ctx context.Context) (bool, error) {
	return w.o.Store.Tenure(ctx, "health", w.o.Holder, tenureLength)
}

// watch does the work until the turn is over.
func (w *Watch) watch(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var all sync.WaitGroup
	all.Go(func() { defer cancel(); w.hold(ctx) })
	all.Go(func() { w.lights(ctx) })
	if w.o.Every > 0 {
		all.Go(func() { w.write(ctx) })
		all.Go(func() { w.rounds(ctx) })
		if w.o.Ears != nil {
			all.Go(func() { w.posted(ctx) })
		}
	}
	all.Wait()
}

// hold keeps the turn, and ends when it is lost.
func (w *Watch) hold(ctx context.Context) {
	last := time.Now()
	for sleep(ctx, tenureEvery) == nil {
		mine, err := w.mine(ctx)
		if err == nil && mine {
			last = time.Now()
			continue
		}
		if err == nil || time.Since(last) > tenureLength-tenureEvery/2 {
			w.o.Log.Warn("another process looks after the servers now", "err", err)
			return
		}
	}
}

// patient is one server in the queue.
type patient struct {
	machine  inventory.Machine
	mark     inventory.LogMark
	failures int
	power    inventory.Power // as the look before found it; unknown when that saw nothing
	asked    time.Time       // when that look began
	due      time.Time
	place    int       // in the queue; -1: it is being looked at
	early    time.Time // the last look that its BMC made us have sooner
	well     bool      // as it was looked at last
	again    bool      // its BMC told of something while it was being looked at
	ear      ear
}

// queue has the one that is due first on top.
type queue []*patient

func (q queue) Len() int           { return len(q) }
func (q queue) Less(i, j int) bool { return q[i].due.Before(q[j].due) }
func (q queue) Swap(i, j int)      { q[i], q[j] = q[j], q[i]; q[i].place, q[j].place = i, j }

// Push implements heap.Interface.
func (q *queue) Push(x any) {
	p := x.(*patient) //nolint:forcetypeassert // only patients are pushed
	p.place = len(*q)
	*q = append(*q, p)
}

// Pop implements heap.Interface.
func (q *queue) Pop() any {
	last := len(*q) - 1
	p := (*q)[last]
	*q, p.place = (*q)[:last], -1
	return p
}

// rounds starts a look whenever one is due.
func (w *Watch) rounds(ctx context.Context) {
	var (
		q      queue
		known  = map[string]*patient{}
		done   = make(chan *patient)
		ended  = make(chan heard)
		inside sync.WaitGroup
		list   = time.NewTimer(0)
	)
	defer list.Stop()
	defer inside.Wait()
	for {
		wait := time.NewTimer(time.Hour)
		if len(q) > 0 {
			wait.Reset(time.Until(q[0].due))
		}
		select {
		case <-ctx.Done():
			wait.Stop()
			return
		case <-list.C:
			gone, err := w.list(ctx, &q, known)
			if err != nil && ctx.Err() == nil {
				w.o.Log.Warn("reading which servers to look after", "err", err)
			}
			for _, p := range gone {
				w.forget(ctx, &inside, p)
			}
			for _, p := range known {
				w.hear(ctx, &inside, ended, p)
			}
			list.Reset(listEvery)
		case p := <-done:
			if known[p.machine.ID] != p {
				break
			}
			if p.again {
				p.again = false
				p.sooner(time.Now())
			}
			p.well = p.failures == 0
			heap.Push(&q, p)
			w.hear(ctx, &inside, ended, p)
		case id := <-w.hints:
			if p := known[id]; p == nil {
			} else if p.place < 0 {
				p.again = true
			} else {
				p.sooner(time.Now())
				heap.Fix(&q, p.place)
			}
		case h := <-ended:
			h.p.ear = ear{due: time.Now().Add(h.rest), posts: h.posts}
		case <-wait.C:
			if len(q) == 0 || time.Until(q[0].due) > 0 {
				continue
			}
			p := heap.Pop(&q).(*patient) //nolint:forcetypeassert // only patients are in it
			inside.Go(func() {
				w.look(ctx, p)
				select {
				case done <- p:
				case <-ctx.Done():
				}
			})
		}
		wait.Stop()
	}
}

// list takes in which machines there are. One that is new is looked at soon; after a restart, one that was looked at
// lately when it would have been. Those that are to be looked after no more are returned.
func (w *Watch) list(ctx context.Context, q *queue, known map[string]*patient) (gone []*patient, err error) {
	machines, err := w.o.Store.Roster(ctx)
	if err != nil {
		return nil, err
	}
	var before map[string]inventory.Condition
	there := make(map[string]bool, len(machines))
	for _, m := range machines {
		if !m.BMC.Known() || m.State == inventory.Retired {
			continue
		}
		there[m.ID] = true
		if p := known[m.ID]; p != nil {
			if p.place >= 0 { // one that is being looked at is taken in the next time
				p.machine = m
			}
			continue
		}
		if before == nil {
			if before, err = w.before(ctx); err != nil {
				return nil, err
			}
		}
		c := before[m.ID]
		p := &patient{machine: m, mark: c.Mark, failures: c.Failures, well: c.Failures == 0 && !c.Time.IsZero(), due: time.Now().Add(rand.N(firstWithin))} //nolint:gosec // it spreads load
		if next := c.Time.Add(w.pause(nil)); !c.Time.IsZero() && next.After(p.due) {
			p.due = next
		}
		known[m.ID] = p
		heap.Push(q, p)
	}
	for id, p := range known {
		if !there[id] {
			delete(known, id)
			gone = append(gone, p)
			if p.place >= 0 {
				heap.Remove(q, p.place)
			}
		}
	}
	return gone, nil
}

func (w *Watch) before(ctx context.Context) (map[string]inventory.Condition, error) {
	all, err := w.o.Store.Conditions(ctx)
	if err != nil {
		return nil, err
	}
	of := make(map[string]inventory.Condition, len(all))
	for _, c := range all {
		of[c.Machine] = c
	}
	return of, nil
}

// pause is the time to the next look: a tenth more or less, so that they do not all come together. A BMC that refused
// the login is left alone for longer.
func (w *Watch) pause(err error) time.Duration {
	d := w.o.Every - w.o.Every/10 + rand.N(w.o.Every/5+1) //nolint:gosec // it spreads load
	if errors.Is(err, ErrRefused) {
		d = max(d, refusedRest)
	}
	return d
}

// look looks at one server and hands on what it saw.
func (w *Watch) look(ctx context.Context, p *patient) {
	lane := w.healthy
	if p.failures > 0 {
		lane = w.sick
	}
	leave, err := lane.Enter(ctx)
	if err != nil {
		return
	}
	defer leave()
	start := time.Now()
	v, err := w.o.BMC.Vitals(ctx, p.machine, p.mark)
	if ctx.Err() != nil {
		return
	}
	w.looks.Add(1)
	l := inventory.Look{Machine: p.machine.ID, Name: p.machine.Name, Time: time.Now(), Vitals: v}
	if err != nil {
		w.failed.Add(1)
		p.failures++
		p.power = inventory.PowerUnknown
		l.Vitals, l.Failure, l.Refused = inventory.Vitals{}, err.Error(), errors.Is(err, ErrRefused)
	} else {
		p.failures, p.mark = 0, v.Mark
	}
	p.due = start.Add(w.pause(err))
	if err == nil {
		w.energy(ctx, p, &l, start)
	}
	select {
	case w.seen <- l:
	default:
		w.lost.Add(1)
	}
}

// sleep waits, or returns ctx's error.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
