package bmc

import (
	"context"
	"fmt"
	"strings"
	"sync"
)

// turns lets one call at a time to each controller: most have few sessions and some mix them up. A call
// that its caller has given up keeps its turn until it has really ended.
type turns struct {
	mu sync.Mutex
	by map[string]*turn
}

// turn is held by the one whose value is in the channel; users counts who holds or waits.
type turn struct {
	held  chan struct{}
	users int
}

// lock waits for the controller's turn; the returned function gives it back.
func (s *turns) lock(ctx context.Context, address string) (func(), error) {
	key := strings.ToLower(address)
	s.mu.Lock()
	if s.by == nil {
		s.by = map[string]*turn{}
	}
	mine := s.by[key]
	if mine == nil {
		mine = &turn{held: make(chan struct{}, 1)}
		s.by[key] = mine
	}
	mine.users++
	s.mu.Unlock()
	leave := func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if mine.users--; mine.users == 0 {
			delete(s.by, key)
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

func (s *turns) call(ctx context.Context, t Target, _ op, next step) (any, error) {
	unlock, err := s.lock(ctx, t.Address)
	if err != nil {
		return nil, err
	}
	defer unlock()
	return next(ctx)
}
