package console

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// run keeps the line while it is needed.
func (h *hub) run() {
	defer h.finish()
	for !h.idle() {
		h.keep()
	}
}

// finish closes what is left.
func (h *hub) finish() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for s := range h.seats { // the desk closes
		delete(h.seats, s)
		s.dismiss()
	}
	if h.tape != nil {
		_ = h.tape.close()
		h.tape = nil
	}
}

// idle tells whether the hub is not needed any more and has been retired.
func (h *hub) idle() bool {
	return (h.desk.life.Err() != nil || !h.needed()) && h.desk.retire(h)
}

// keep makes a line and keeps it until it is lost or nobody needs it, then waits as long as is right.
func (h *hub) keep() {
	pause, lostAt := h.desk.o.Pause, time.Time{}
	for {
		h.mu.Lock()
		// A line that we lost is ours for a while in the controller's eyes, until its session ends by itself.
		take := h.force || !lostAt.IsZero() && time.Since(lostAt) < 75*time.Second
		h.force = false
		h.mu.Unlock()
		h.set(nil, Connecting, "")
		line, err := h.desk.o.Dialer.Dial(h.desk.life, h.machine, take)
		if err == nil {
			h.set(line, Up, "")
			began := time.Now()
			if err = h.read(line); err == nil {
				h.set(nil, Closed, "")
				return // nobody needs it
			}
			if !errors.Is(err, ErrTaken) {
				lostAt = time.Now()
			}
			if time.Since(began) > time.Minute {
				pause = h.desk.o.Pause
			}
		}
		wait, state := pause, Down
		switch {
		case errors.Is(err, ErrHeld), errors.Is(err, ErrTaken):
			wait, state, lostAt = time.Minute, Held, time.Time{}
		case errors.Is(err, ErrHopeless):
			wait = 10 * time.Minute
		default:
			pause = min(2*pause, time.Minute)
		}
		h.set(nil, state, err.Error())
		if !h.rest(wait) {
			return
		}
	}
}

// rest waits before the next try; false: nobody needs it any more.
func (h *hub) rest(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
			return h.needed()
		case <-h.desk.life.Done():
			return false
		case <-h.wake:
			h.mu.Lock()
			force := h.force
			h.mu.Unlock()
			if force {
				return true
			}
			if !h.needed() {
				return false
			}
		}
	}
}

// read passes on what comes until the line ends, which is its error, or nobody has needed it for a while.
func (h *hub) read(line Line) error {
	ctx, cancel := context.WithCancel(h.desk.life)
	defer cancel()
	ended := make(chan error, 1)
	go func() { // ends with the line
		buf := make([]byte, 4096)
		var lost uint64
		for {
			n, err := line.Read(buf)
			if n > 0 {
				now := line.Lost()
				h.spread(buf[:n], now != lost)
				lost = now
			}
			if err != nil {
				ended <- err
				return
			}
		}
	}()
	var leave <-chan time.Time
	for {
		select {
		case err := <-ended:
			_ = line.Close()
			return fmt.Errorf("the console was lost: %w", err)
		case <-h.wake:
			leave = nil
			if !h.needed() {
				leave = time.After(h.desk.o.Linger)
			}
			continue
		case <-leave:
			if h.needed() {
				leave = nil
				continue
			}
		case <-ctx.Done():
		}
		_ = line.Close()
		<-ended //nolint:errcheck // that it ends is what is wanted
		return nil
	}
}
