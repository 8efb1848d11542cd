package pxe

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := withPatience(t.Context(), time.Minute)
		if at, ok := p.Deadline(); !ok || at != time.Now().Add(time.Minute) || p.Err() != nil {
			t.Errorf("deadline %s, %v; %v", at, ok, p.Err())
		}
		child, cancel := context.WithCancel(p)
		defer cancel()
		began := time.Now()
		<-child.Done()
		if waited := time.Since(began); waited != time.Minute || !errors.Is(child.Err(), context.DeadlineExceeded) || !errors.Is(p.Err(), context.DeadlineExceeded) {
			t.Errorf("after %s: %v, %v", waited, child.Err(), p.Err())
		}
		p.end()

		p = withPatience(t.Context(), time.Minute) // nobody waits, but somebody looks
		time.Sleep(time.Minute)
		if !errors.Is(p.Err(), context.DeadlineExceeded) {
			t.Errorf("after a minute: %v", p.Err())
		}

		outer, stop := context.WithTimeout(t.Context(), time.Second)
		p = withPatience(outer, time.Minute)
		if at, _ := p.Deadline(); at != time.Now().Add(time.Second) {
			t.Errorf("deadline %s", at)
		}
		done := p.Done()
		stop()
		<-done
		if !errors.Is(p.Err(), context.Canceled) {
			t.Errorf("who asked is gone: %v", p.Err())
		}
		p.end()

		for _, waits := range []bool{false, true} {
			p = withPatience(t.Context(), time.Minute)
			if waits {
				p.Done()
			}
			p.end()
			if <-p.Done(); !errors.Is(p.Err(), context.Canceled) {
				t.Errorf("at its end: %v", p.Err())
			}
		}
	})
}

func TestPatienceIsCheap(t *testing.T) {
	ctx := t.Context()
	if n := testing.AllocsPerRun(100, func() {
		p := withPatience(ctx, time.Minute)
		_ = p.Err()
		p.end()
	}); n > 1 {
		t.Errorf("%g allocations", n)
	}
}
