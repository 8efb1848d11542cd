package bmc

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"socle/inventory"
)

// serial lets one call at a time to each controller: most have few sessions and some mix them up. A call
// that its caller has given up keeps its turn until it has really ended.
type serial struct {
	next Driver

	mu    sync.Mutex
	turns map[string]*turn
}

// turn is held by the one whose value is in the channel; users counts who holds or waits.
type turn struct {
	held  chan struct{}
	users int
}

// lock waits for the controller's turn; the returned function gives it back.
func (s *serial) lock(ctx context.Context, address string) (func(), error) {
	key := strings.ToLower(address)
	s.mu.Lock()
	if s.turns == nil {
		s.turns = map[string]*turn{}
	}
	mine := s.turns[key]
	if mine == nil {
		mine = &turn{held: make(chan struct{}, 1)}
		s.turns[key] = mine
	}
	mine.users++
	s.mu.Unlock()
	leave := func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if mine.users--; mine.users == 0 {
			delete(s.turns, key)
		}
	}
	select {
	case mine.held <- struct{}{}:
		return func() { <-mine.held; leave() }, nil
	case <-ctx.Done():
		leave()
		return nil, fmt.Errorf("%w: waiting for its turn: %w", ErrBusy, ctx.Err())
	}
}

func (s *serial) Probe(ctx context.Context, t Target) (Info, error) {
	unlock, err := s.lock(ctx, t.Address)
	if err != nil {
		return Info{}, err
	}
	defer unlock()
	return s.next.Probe(ctx, t)
}

func (s *serial) Power(ctx context.Context, t Target) (inventory.Power, error) {
	unlock, err := s.lock(ctx, t.Address)
	if err != nil {
		return inventory.PowerUnknown, err
	}
	defer unlock()
	return s.next.Power(ctx, t)
}

func (s *serial) SetPower(ctx context.Context, t Target, a Action) (inventory.Power, error) {
	unlock, err := s.lock(ctx, t.Address)
	if err != nil {
		return inventory.PowerUnknown, err
	}
	defer unlock()
	return s.next.SetPower(ctx, t, a)
}

func (s *serial) SetNextBoot(ctx context.Context, t Target, b inventory.Boot, uefi bool) error {
	unlock, err := s.lock(ctx, t.Address)
	if err != nil {
		return err
	}
	defer unlock()
	return s.next.SetNextBoot(ctx, t, b, uefi)
}
