package app

import (
	"context"
	"log/slog"
	"time"

	"socle/inventory"
	"socle/inventory/store"
	"socle/pxe"
)

// recorder writes boot evidence in batches, off the paths that answer machines. What does not fit in its
// queue is counted and lost: evidence must never slow down a boot.
type recorder struct {
	store *store.Store
	tries *tries
	log   *slog.Logger
	queue chan inventory.Evidence
}

func newRecorder(s *store.Store, t *tries, log *slog.Logger) *recorder {
	return &recorder{store: s, tries: t, log: log, queue: make(chan inventory.Evidence, 8192)}
}

// Record implements pxe.Recorder.
func (r *recorder) Record(e inventory.Evidence) {
	select {
	case r.queue <- e:
	default:
	}
}

func (r *recorder) run(ctx context.Context) error {
	tick := time.NewTicker(300 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
			defer cancel()
			r.flush(end)
			return nil
		case <-tick.C:
			r.flush(ctx)
		}
	}
}

func (r *recorder) flush(ctx context.Context) {
	var batch []inventory.Evidence
	for len(batch) < cap(r.queue) {
		select {
		case e := <-r.queue:
			batch = append(batch, e)
			continue
		default:
		}
		break
	}
	if len(batch) == 0 {
		return
	}
	if err := r.store.AddEvidence(ctx, batch); err != nil {
		r.log.Warn("boot evidence was lost", "lines", len(batch), "err", err)
	}
	for i, e := range batch {
		batch[i].Path = pxe.Try(e)
	}
	if err := r.tries.count(ctx, batch); err != nil {
		r.log.Warn("boots were not counted; another way to boot is tried later than it should be", "err", err)
	}
}
