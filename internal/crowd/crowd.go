// Package crowd lets many calls run at once, so many and no more, without letting slow ones keep the others waiting.
package crowd

import (
	"context"
	"sync"
	"time"
)

// Lane has a number of places. A call that has taken longer than most do gives its place on while it is still running:
// those that hang until their time-out take no place from those that answer. How many may run in all is bounded as well.
type Lane struct {
	places chan struct{}
	inside chan struct{}
	slow   time.Duration
}

// New makes a lane of so many places, in which at most so many calls run, those that have given their places on
// included; slow is when a call does that.
func New(places, most int, slow time.Duration) *Lane {
	return &Lane{places: make(chan struct{}, places), inside: make(chan struct{}, max(places, most)), slow: slow}
}

// Enter waits for a place; leave gives it back and has to be called. It returns ctx's error when that ends first.
func (l *Lane) Enter(ctx context.Context) (leave func(), err error) {
	for _, gate := range []chan struct{}{l.inside, l.places} {
		select {
		case gate <- struct{}{}:
		case <-ctx.Done():
			if gate == l.places {
				<-l.inside
			}
			return nil, ctx.Err()
		}
	}
	var once sync.Once
	giveOn := func() { once.Do(func() { <-l.places }) }
	timer := time.AfterFunc(l.slow, giveOn)
	return func() {
		timer.Stop()
		giveOn()
		<-l.inside
	}, nil
}

// Inside tells how many calls run.
func (l *Lane) Inside() int { return len(l.inside) }

// Each calls f for every item in a goroutine of its own, in their order as places come free, and returns when all have
// ended. Those that have no place when ctx ends get f called with the ended ctx.
func Each[T any](ctx context.Context, l *Lane, items []T, f func(context.Context, T)) {
	var all sync.WaitGroup
	for _, item := range items {
		leave, err := l.Enter(ctx)
		if err != nil {
			leave = func() {}
		}
		all.Go(func() {
			defer leave()
			f(ctx, item)
		})
	}
	all.Wait()
}
