package bmc

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"socle/inventory"
)

// guarded is a driver with these guards around a call to power: these tests are about time, which synctest only
// moves where there are no sockets.
func guarded(limit time.Duration, power func(ctx context.Context) (inventory.Power, error), guards ...guard) func(context.Context, Target) (inventory.Power, error) {
	d := &Driver{guards: guards}
	return func(ctx context.Context, t Target) (inventory.Power, error) {
		return call(ctx, d, t, op{doing: "reading the power of", limit: limit}, power)
	}
}

// TestTurns: calls to one address follow each other, those to two do not wait, and nothing is kept after.
func TestTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var inside, most atomic.Int32
		s := &turns{}
		power := guarded(time.Hour, func(context.Context) (inventory.Power, error) {
			most.Store(max(most.Load(), inside.Add(1)))
			time.Sleep(time.Second)
			inside.Add(-1)
			return inventory.PowerOn, nil
		}, s)
		start := time.Now()
		done := make(chan time.Duration, 10)
		call := func(address string) {
			_, _ = power(t.Context(), Target{Address: address})
			done <- time.Since(start)
		}
		for range 5 {
			go call("BMC-1")
		}
		for range 5 {
			<-done
		}
		if got := time.Since(start); got != 5*time.Second || most.Load() != 1 {
			t.Errorf("five calls to one took %v with %d at a time", got, most.Load())
		}
		start = time.Now()
		go call("bmc-1")
		go call("bmc-2")
		<-done
		<-done
		if got := time.Since(start); got != time.Second || most.Load() != 2 {
			t.Errorf("two calls to two took %v with %d at a time", got, most.Load())
		}
		synctest.Wait()
		nothingKept(t, s)
	})
}

func nothingKept(t *testing.T, s *turns) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.by) != 0 {
		t.Errorf("%d turns are kept", len(s.by))
	}
}

// TestDeadlineStubborn: a library that ignores its context does not hold its caller, and keeps its turn, so
// that the next caller is told that the controller is busy.
func TestDeadlineStubborn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &turns{}
		power := guarded(5*time.Second, func(context.Context) (inventory.Power, error) {
			time.Sleep(time.Minute)
			return inventory.PowerOn, nil
		}, explain{}, deadline{}, s)
		start := time.Now()
		_, err := power(t.Context(), Target{Machine: "hv01", Address: "bmc"})
		if took := time.Since(start); took != 5*time.Second || !errors.Is(err, ErrUnreachable) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("after %v: %v", took, err)
		}
		start = time.Now()
		_, err = power(t.Context(), Target{Machine: "hv01", Address: "bmc"})
		if took := time.Since(start); took > 5*time.Second || !errors.Is(err, ErrBusy) || errors.Is(err, ErrUnreachable) {
			t.Errorf("the next one after %v: %v", took, err)
		}
		time.Sleep(time.Minute)
		nothingKept(t, s)
	})
}

// TestDeadlinePanic: a library that breaks on what a controller says breaks nothing else.
func TestDeadlinePanic(t *testing.T) {
	power := guarded(time.Second, func(context.Context) (inventory.Power, error) {
		var answer []byte
		return inventory.Power(answer[7:]), nil
	}, explain{}, deadline{})
	if _, err := power(t.Context(), Target{Machine: "hv01"}); err == nil || !strings.Contains(err.Error(), "broke the library") || errors.Is(err, ErrUnreachable) {
		t.Errorf("error %v", err)
	}
}

// TestDeadlineEarlier: the caller's deadline holds when it is the earlier one.
func TestDeadlineEarlier(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		power := guarded(time.Hour, func(ctx context.Context) (inventory.Power, error) {
			<-ctx.Done()
			return "", ctx.Err()
		}, deadline{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		if _, err := power(ctx, Target{}); !errors.Is(err, ErrUnreachable) || time.Since(start) > time.Second {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
	})
}
