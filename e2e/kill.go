package e2e

import (
	"context"
	"errors"
	"testing"
	"time"

	"socle/api"
)

var errFound = errors.New("this is it")

// KillAt follows a machine's history from an event on, kills the server the moment that it tells of one that is
// waited for, and starts it again. It returns that event's number.
func (s *Server) KillAt(t testing.TB, machine string, after int64, within time.Duration, what string, is func(api.Event) bool) int64 {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	err := s.API.Follow(ctx, after, machine, func(e api.Event) error {
		after = e.Seq
		if !is(e) {
			return nil
		}
		s.Kill(t)
		return errFound
	})
	if !errors.Is(err, errFound) {
		t.Fatalf("waiting for %s to be at %q: %v", machine, what, err)
	}
	t.Logf("killed the server when %s was at %q", machine, what)
	s.Start(t)
	return after
}

// KillWhen is KillAt for what a machine is rather than for what happens to it.
func (s *Server) KillWhen(t testing.TB, machine string, within time.Duration, what string, is func(api.Machine) bool) {
	t.Helper()
	m := s.Await(t, machine, within, what, is)
	s.Kill(t)
	t.Logf("killed the server when %s %s, at step %s, progress %+v", machine, what, m.Step, m.Progress)
	s.Start(t)
}

// Percent tells whether a machine's image is written to more than a part, and not yet whole.
func Percent(min int64) func(api.Machine) bool {
	return func(m api.Machine) bool {
		p := m.Progress
		return p != nil && p.Order == api.OrderWriteImage && p.Done < p.Total && 100*p.Done > min*p.Total
	}
}
