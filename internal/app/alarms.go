package app

import (
	"context"
	"log/slog"

	"socle/inventory"
	"socle/inventory/store"
)

// alarms writes events that DHCP raises to the history, off the path that answers clients. Each stands for an
// address that is avoided from then on, so their number is bounded by the addresses; what does not fit in
// the queue is in the log only.
type alarms struct {
	store *store.Store
	log   *slog.Logger
	queue chan inventory.Event
}

func newAlarms(s *store.Store, log *slog.Logger) *alarms {
	return &alarms{store: s, log: log, queue: make(chan inventory.Event, 256)}
}

func (a *alarms) raise(e inventory.Event) {
	select {
	case a.queue <- e:
	default:
	}
}

func (a *alarms) run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case e := <-a.queue:
			if err := a.store.Append(ctx, e); err != nil && ctx.Err() == nil {
				a.log.Error("an event of DHCP is not in the history", "event", e.Reason, "err", err)
			}
		}
	}
}
