package health

import (
	"context"
	"time"

	"socle/inventory"
)

// write stores what was seen, many looks in one transaction. What the database does not take is tried again; meanwhile
// the queue fills.
func (w *Watch) write(ctx context.Context) {
	var pending []inventory.Look
	failing := false
	flush := func(ctx context.Context) bool {
		for len(pending) < writeBatch {
			select {
			case l := <-w.seen:
				pending = append(pending, l)
				continue
			default:
			}
			break
		}
		if len(pending) == 0 {
			return false
		}
		if err := w.o.Store.AddLooks(ctx, pending); err != nil {
			if !failing && ctx.Err() == nil {
				w.o.Log.Warn("how servers are cannot be stored and waits", "err", err)
			}
			failing = true
			return false
		}
		failing, pending = false, pending[:0]
		return true
	}
	for {
		if sleep(ctx, writeEvery) != nil {
			end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
			defer cancel()
			for flush(end) {
			}
			return
		}
		for flush(ctx) {
		}
	}
}
