package app

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"socle/inventory"
	"socle/inventory/store"
)

// tries is a copy in memory of what was tried to boot each card, for DHCP. It is renewed when boots were counted
// here, and every few seconds for what other processes did: they let agents in.
type tries struct {
	store   *store.Store
	log     *slog.Logger
	counted chan struct{}
	all     atomic.Pointer[map[string]inventory.NetBoot]
}

const triesEvery = 2 * time.Second

func newTries(ctx context.Context, s *store.Store, log *slog.Logger) (*tries, error) {
	t := &tries{store: s, log: log, counted: make(chan struct{}, 1)}
	return t, t.refresh(ctx)
}

func (t *tries) of(mac string) inventory.NetBoot { return (*t.all.Load())[mac] }

// count takes in what a batch of boot evidence says was tried.
func (t *tries) count(ctx context.Context, lines []inventory.Evidence) error {
	counted, err := t.store.CountTries(ctx, lines)
	if counted {
		select {
		case t.counted <- struct{}{}:
		default:
		}
	}
	return err
}

func (t *tries) refresh(ctx context.Context) error {
	all, err := t.store.NetBoots(ctx)
	if err == nil {
		t.all.Store(&all)
	}
	return err
}

// run renews the copy until ctx ends.
func (t *tries) run(ctx context.Context) error {
	tick := time.NewTicker(triesEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-t.counted:
		case <-tick.C:
		}
		if err := t.refresh(ctx); err != nil && ctx.Err() == nil {
			t.log.Warn("DHCP decides by what was tried before", "err", err)
		}
	}
}
