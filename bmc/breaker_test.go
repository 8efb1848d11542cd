package bmc

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"socle/internal/secret"
	"socle/inventory"
)

// sick is a controller whose health a test sets.
type sick struct {
	err   error
	takes time.Duration
	calls int
}

func (s *sick) power(ctx context.Context) (inventory.Power, error) {
	s.calls++
	if err := pause(ctx, s.takes); err != nil {
		return "", err
	}
	return inventory.PowerOn, s.err
}

// TestBreaker: a controller that is dead is asked three times, then left alone, then asked by one call only, and
// is as good as new once it answers.
func TestBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sick{err: fmt.Errorf("%w: no reply", ErrUnreachable)}
		power := guarded(time.Hour, s.power, newBreaker(2*time.Second))
		ask := func(wantCalls int, wantText string) {
			t.Helper()
			_, err := power(t.Context(), Target{Address: "BMC"})
			if s.calls != wantCalls || !errors.Is(err, ErrUnreachable) || !strings.Contains(err.Error(), wantText) {
				t.Fatalf("%d calls, error %v; want %d and %q", s.calls, err, wantCalls, wantText)
			}
		}
		for n := range strikes {
			ask(n+1, "no reply")
		}
		ask(strikes, "left alone for another 2s")
		time.Sleep(2 * time.Second)
		ask(strikes+1, "no reply")
		ask(strikes+1, "left alone for another ")
		if _, err := power(t.Context(), Target{Address: "another"}); s.calls != strikes+2 || !strings.Contains(err.Error(), "no reply") {
			t.Errorf("another controller: %v after %d calls", err, s.calls)
		}
		for range 10 { // the rest grows, and not for ever
			time.Sleep(longRest)
			ask(s.calls+1, "no reply")
		}
		time.Sleep(longRest)
		s.takes = time.Second
		done := make(chan error)
		go func() { _, err := power(t.Context(), Target{Address: "bmc"}); done <- err }()
		synctest.Wait()
		ask(s.calls, "another call is seeing")
		s.err = nil
		<-done
		if _, err := power(t.Context(), Target{Address: "bmc"}); err != nil {
			t.Errorf("after it answered: %v", err)
		}
	})
}

// TestBreakerKnowsItsOwn: what does not say that a controller is silent does not count.
func TestBreakerKnowsItsOwn(t *testing.T) {
	for _, err := range []error{ErrAuth, ErrBusy, ErrReadBack, ErrUnsupported, context.Canceled, errors.New("HTTP 500")} {
		s := &sick{err: err}
		power := guarded(time.Hour, s.power, newBreaker(time.Hour))
		for range 2 * strikes {
			_, _ = power(t.Context(), Target{Address: "bmc"})
		}
		if s.calls != 2*strikes {
			t.Errorf("%v: called %d times", err, s.calls)
		}
	}
}

// TestLogins: no account is asked often enough to be locked, the right password is never held up by a wrong one
// more than it must be, and no password is kept.
func TestLogins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sick{err: fmt.Errorf("%w: wrong password", ErrAuth)}
		power := guarded(time.Hour, s.power, newLogins(10*time.Minute))
		ask := func(password, wantText string, wantCalls int) {
			t.Helper()
			_, err := power(t.Context(), target(password))
			if s.calls != wantCalls || !errors.Is(err, ErrAuth) || !strings.Contains(err.Error(), wantText) {
				t.Fatalf("%q: %d calls, error %v; want %d and %q", password, s.calls, err, wantCalls, wantText)
			}
		}
		ask("one", "wrong password", 1)
		time.Sleep(time.Minute)
		ask("one", "refused this password 1m0s ago, and the same one is not tried again for another 9m0s", 1)
		ask("two", "wrong password", 2)
		ask("three", "a third could lock the account; the next is tried in 9m0s", 2)
		time.Sleep(9 * time.Minute)
		ask("one", "wrong password", 3)
		ask("three", "could lock", 3)
		time.Sleep(time.Minute)
		s.err = nil
		if _, err := power(t.Context(), target("three")); err != nil || s.calls != 4 {
			t.Fatalf("the right password: %v after %d calls", err, s.calls)
		}
		s.err = ErrAuth
		ask("one", "refuses the login", 5) // what went wrong before is forgotten
	})
}

func target(password string) Target {
	return Target{Address: "bmc", User: "admin", Password: secret.New(password)}
}

// TestBudget: a burst goes through at once, then one call each second; who would wait too long is told.
func TestBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sick{}
		power := guarded(5*time.Second, s.power, deadline{}, newBudget(3, time.Second))
		start := time.Now()
		for range 5 {
			if _, err := power(t.Context(), Target{Address: "bmc"}); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(start); took != 2*time.Second {
			t.Errorf("five calls took %v", took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		if _, err := power(ctx, Target{Address: "bmc"}); !errors.Is(err, ErrBusy) || s.calls != 5 {
			t.Errorf("with too little time: %v after %d calls", err, s.calls)
		}
		if _, err := power(t.Context(), Target{Address: "other"}); err != nil {
			t.Errorf("another controller: %v", err)
		}
	})
}

// TestBudgetForgets: what is kept of controllers that are not called any more stays bounded.
func TestBudgetForgets(t *testing.T) {
	b := newBudget(1, time.Nanosecond)
	for n := range 3 * manyLimiters {
		if _, err := b.call(t.Context(), Target{Address: fmt.Sprint(n)}, op{}, func(context.Context) (any, error) { return nil, nil }); err != nil {
			t.Fatal(err)
		}
	}
	if len(b.by) > manyLimiters+1 {
		t.Errorf("%d are kept", len(b.by))
	}
}
