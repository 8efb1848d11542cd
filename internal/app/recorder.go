package app

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"socle/inventory"
	"socle/pxe"
)

// Bounds of the evidence that is under way. What boots honestly makes twenty lines a minute; the rest is a flood.
const (
	evidenceQueue = 8192                   // lines that wait: a room that comes back from a power cut
	evidenceEvery = 250 * time.Millisecond // between two looks at what waits
	evidenceMany  = 256                    // lines that are written at the next look; fewer wait for a second in all
	evidenceBatch = 1024                   // lines of a batch, a transaction
	evidenceEach  = 64                     // lines of one MAC or address between two looks
)

// evidenceStore is where it goes.
type evidenceStore interface {
	AddEvidence(ctx context.Context, lines []inventory.Evidence) error
}

// recorder writes boot evidence in batches, off the paths that answer machines. What does not fit is counted and
// lost: evidence must never slow down a boot, nor grow. A batch that the database does not take is tried again, and
// meanwhile the queue fills.
type recorder struct {
	store evidenceStore
	tries *tries // nil: boots are not counted
	log   *slog.Logger
	queue chan inventory.Evidence

	mu   sync.Mutex
	each map[string]int // lines by MAC, or address, since the last batch

	pending []inventory.Evidence // the batch that is to be written; of run alone
	failing bool

	written, overflow, noisy atomic.Uint64
}

func newRecorder(s evidenceStore, t *tries, log *slog.Logger) *recorder {
	return &recorder{store: s, tries: t, log: log, queue: make(chan inventory.Evidence, evidenceQueue), each: map[string]int{}}
}

// Record implements pxe.Recorder and its like.
func (r *recorder) Record(e inventory.Evidence) {
	if !r.quiet(e) {
		r.noisy.Add(1)
		return
	}
	select {
	case r.queue <- e:
	default:
		r.overflow.Add(1)
	}
}

// quiet tells whether a client is not one that drowns the others. Once as many clients as lines can wait are counted,
// the queue alone is the bound.
func (r *recorder) quiet(e inventory.Evidence) bool {
	who := e.MAC
	if who == "" {
		if !e.Addr.IsValid() {
			return true
		}
		who = e.Addr.String()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	n, known := r.each[who]
	if !known && len(r.each) >= evidenceQueue {
		return true
	}
	r.each[who] = n + 1
	return n < evidenceEach
}

func (r *recorder) run(ctx context.Context) error {
	tick := time.NewTicker(evidenceEvery)
	defer tick.Stop()
	for looks := 1; ; looks++ {
		select {
		case <-ctx.Done():
			end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
			defer cancel()
			for r.flush(end) {
			}
			return nil
		case <-tick.C:
			r.mu.Lock()
			clear(r.each)
			r.mu.Unlock()
			// A transaction is in the way of the packets that come while it runs: of a quiet room, one a second.
			if len(r.queue) >= evidenceMany || looks%4 == 0 {
				r.flush(ctx)
			}
		}
	}
}

// flush writes one batch and tells whether there was one and it was written.
func (r *recorder) flush(ctx context.Context) bool {
	r.fill()
	if len(r.pending) == 0 {
		return false
	}
	err := r.store.AddEvidence(ctx, r.pending)
	if err != nil {
		if !r.failing {
			r.log.Warn("boot evidence cannot be stored and waits", "err", err)
		}
		r.failing = true
		return false
	}
	r.written.Add(uint64(len(r.pending)))
	if r.failing {
		r.log.Info("boot evidence is stored again", "lost_so_far", r.overflow.Load())
	}
	r.count(ctx)
	r.failing, r.pending = false, r.pending[:0]
	return true
}

// count takes in what the batch says was tried.
func (r *recorder) count(ctx context.Context) {
	if r.tries == nil {
		return
	}
	for i, e := range r.pending {
		r.pending[i].Path = pxe.Try(e)
	}
	if err := r.tries.count(ctx, r.pending); err != nil {
		r.log.Warn("boots were not counted; another way to boot is tried later than it should be", "err", err)
	}
}

// fill makes the next batch of what waits, unless the last one is still to be written.
func (r *recorder) fill() {
	for len(r.pending) < evidenceBatch {
		select {
		case e := <-r.queue:
			r.pending = append(r.pending, e)
		default:
			return
		}
	}
}

var (
	evidenceDesc = prometheus.NewDesc("socle_boot_evidence_lines_total", "Lines of boot evidence stored.", nil, nil)
	lostDesc     = prometheus.NewDesc("socle_boot_evidence_lost_total",
		"Lines of boot evidence lost: because too many waited (overflow), or because one client made too many (noisy).", []string{"why"}, nil)
	waitingDesc = prometheus.NewDesc("socle_boot_evidence_waiting", "Lines of boot evidence that wait to be stored.", nil, nil)
)

// Describe implements prometheus.Collector.
func (r *recorder) Describe(c chan<- *prometheus.Desc) {
	c <- evidenceDesc
	c <- lostDesc
	c <- waitingDesc
}

// Collect implements prometheus.Collector.
func (r *recorder) Collect(c chan<- prometheus.Metric) {
	count := func(d *prometheus.Desc, n uint64, labels ...string) {
		c <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), labels...)
	}
	count(evidenceDesc, r.written.Load())
	count(lostDesc, r.overflow.Load(), "overflow")
	count(lostDesc, r.noisy.Load(), "noisy")
	c <- prometheus.MustNewConstMetric(waitingDesc, prometheus.GaugeValue, float64(len(r.queue)))
}
