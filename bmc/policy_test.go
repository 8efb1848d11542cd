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

// fakeDriver stands where the network would be: these tests are about time, which synctest only moves where
// there are no sockets.
type fakeDriver struct {
	power func(ctx context.Context, t Target) (inventory.Power, error)
}

func (f *fakeDriver) Probe(context.Context, Target) (Info, error) { return Info{}, nil }
func (f *fakeDriver) Power(ctx context.Context, t Target) (inventory.Power, error) {
	return f.power(ctx, t)
}
func (f *fakeDriver) SetPower(ctx context.Context, t Target, _ Action) (inventory.Power, error) {
	return f.power(ctx, t)
}
func (f *fakeDriver) SetNextBoot(ctx context.Context, t Target, _ inventory.Boot, _ bool) error {
	_, err := f.power(ctx, t)
	return err
}

// TestSerial: calls to one address follow each other, those to two do not wait, and nothing is kept after.
func TestSerial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var inside, most atomic.Int32
		s := &serial{next: &fakeDriver{power: func(context.Context, Target) (inventory.Power, error) {
			most.Store(max(most.Load(), inside.Add(1)))
			time.Sleep(time.Second)
			inside.Add(-1)
			return inventory.PowerOn, nil
		}}}
		start := time.Now()
		done := make(chan time.Duration, 10)
		call := func(address string) {
			_, _ = s.Power(t.Context(), Target{Address: address})
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

func nothingKept(t *testing.T, s *serial) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.turns) != 0 {
		t.Errorf("%d turns are kept", len(s.turns))
	}
}

// TestDeadlineStubborn: a library that ignores its context does not hold its caller, and keeps its turn, so
// that the next caller is told that the controller is busy.
func TestDeadlineStubborn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &serial{next: &fakeDriver{power: func(context.Context, Target) (inventory.Power, error) {
			time.Sleep(time.Minute)
			return inventory.PowerOn, nil
		}}}
		d := &explain{next: &deadline{next: s, read: 5 * time.Second, write: 5 * time.Second}}
		start := time.Now()
		_, err := d.Power(t.Context(), Target{Machine: "hv01", Address: "bmc"})
		if took := time.Since(start); took != 5*time.Second || !errors.Is(err, ErrUnreachable) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("after %v: %v", took, err)
		}
		start = time.Now()
		_, err = d.Power(t.Context(), Target{Machine: "hv01", Address: "bmc"})
		if took := time.Since(start); took > 5*time.Second || !errors.Is(err, ErrBusy) || errors.Is(err, ErrUnreachable) {
			t.Errorf("the next one after %v: %v", took, err)
		}
		time.Sleep(time.Minute)
		nothingKept(t, s)
	})
}

// TestDeadlinePanic: a library that breaks on what a controller says breaks nothing else.
func TestDeadlinePanic(t *testing.T) {
	d := &explain{next: &deadline{next: &fakeDriver{power: func(context.Context, Target) (inventory.Power, error) {
		var answer []byte
		return inventory.Power(answer[7:]), nil
	}}, read: time.Second, write: time.Second}}
	if _, err := d.Power(t.Context(), Target{Machine: "hv01"}); err == nil || !strings.Contains(err.Error(), "broke the library") || errors.Is(err, ErrUnreachable) {
		t.Errorf("error %v", err)
	}
}

// TestDeadlineEarlier: the caller's deadline holds when it is the earlier one.
func TestDeadlineEarlier(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &deadline{next: &fakeDriver{power: func(ctx context.Context, _ Target) (inventory.Power, error) {
			<-ctx.Done()
			return "", ctx.Err()
		}}, read: time.Hour, write: time.Hour}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		if _, err := d.Power(ctx, Target{}); !errors.Is(err, ErrUnreachable) || time.Since(start) > time.Second {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
	})
}
