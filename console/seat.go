package console

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// State is what a line is.
type State string

// The states of a line.
const (
	Connecting State = "connecting"
	Up         State = "up"
	Down       State = "down"   // and it is tried again
	Held       State = "held"   // elsewhere; it is not taken from there unasked
	Closed     State = "closed" // nobody needs it
)

// Notice tells a seat what has changed.
type Notice struct {
	State   State
	Holder  string // who may type; empty: nobody
	Holding bool   // it is this seat
	Text    string // for people
}

// String says a notice in words.
func (n Notice) String() string {
	text := "console " + string(n.State)
	switch {
	case n.Holding:
		text += ", you hold it"
	case n.Holder != "":
		text += ", " + n.Holder + " holds it"
	}
	if n.Text != "" {
		text += ": " + n.Text
	}
	return text
}

// Message is output of the server, or a notice.
type Message struct {
	Data   []byte
	Notice *Notice
}

// maxQueued bounds the bytes that wait for a seat.
const maxQueued = 1 << 20

// ErrWatching says that this seat does not hold the console.
var ErrWatching = errors.New("you are watching: take the console over to type")

// ErrNoLine says that there is no line to the server at the moment.
var ErrNoLine = errors.New("the console is not connected")

// Seat is one who sits at a console.
type Seat struct {
	hub    *hub
	actor  string
	opened string // what is written down of its coming
	wake   chan struct{}
	leave  sync.Once
	left   chan struct{} // closed when it is given up

	mu      sync.Mutex
	queue   []Message
	queued  int // bytes
	skipped int // bytes that did not fit
	gone    bool
}

func newSeat(h *hub, actor string) *Seat {
	return &Seat{hub: h, actor: actor, wake: make(chan struct{}, 1), left: make(chan struct{})}
}

// put queues a message; a seat that does not keep up loses output, and is told how much.
func (s *Seat) put(m Message) {
	s.mu.Lock()
	switch {
	case m.Notice == nil && s.queued+len(m.Data) > maxQueued:
		s.skipped += len(m.Data)
	default:
		s.queue = append(s.queue, m)
		s.queued += len(m.Data)
	}
	s.mu.Unlock()
	s.poke()
}

func (s *Seat) poke() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Next waits for output or a notice. Its error is ctx's, or ErrClosed.
func (s *Seat) Next(ctx context.Context) (Message, error) {
	for {
		if m, ok, gone := s.pop(); ok {
			return m, nil
		} else if gone {
			return Message{}, ErrClosed
		}
		select {
		case <-s.wake:
		case <-ctx.Done():
			return Message{}, ctx.Err()
		}
	}
}

// pop takes what waits, neighbouring output in one piece.
func (s *Seat) pop() (m Message, ok, gone bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.queue) == 0 {
		if s.skipped > 0 {
			n := s.hub.notice(s, fmt.Sprintf("%d bytes were skipped: this connection is too slow", s.skipped))
			s.skipped = 0
			return Message{Notice: n}, true, false
		}
		return m, false, s.gone
	}
	m, s.queue = s.queue[0], s.queue[1:]
	for m.Notice == nil && len(s.queue) > 0 && s.queue[0].Notice == nil && len(m.Data) < 32<<10 {
		m.Data = append(m.Data[:len(m.Data):len(m.Data)], s.queue[0].Data...)
		s.queue = s.queue[1:]
	}
	s.queued -= len(m.Data)
	return m, true, false
}

// Tell queues a remark for this seat.
func (s *Seat) Tell(text string) {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	s.put(Message{Notice: s.hub.noticeLocked(s, text)})
}

// Type sends what is typed to the server. While the line is being made it waits.
func (s *Seat) Type(p []byte) error { return s.hub.typed(s, p) }

// Break sends a break.
func (s *Seat) Break() error { return s.hub.sendBreak(s) }

// Take takes the console over, from its holder and from whoever has it open elsewhere.
func (s *Seat) Take(ctx context.Context) {
	if what := s.hub.take(s); what != "" {
		s.hub.desk.o.Journal.Note(ctx, s.hub.machine, s.actor, what)
	}
}

// Release gives the console up and goes on watching.
func (s *Seat) Release() { s.hub.release(s) }

// Resize tells the size of the seat's terminal, for the recording: a serial line itself has none.
func (s *Seat) Resize(cols, rows int) {
	if s.hub.holds(s) {
		s.hub.record(kindSize, sizeText(cols, rows))
	}
}

// Leave gives the seat up.
func (s *Seat) Leave(ctx context.Context) {
	s.leave.Do(func() {
		close(s.left)
		if s.hub.stand(s) {
			s.hub.desk.o.Journal.Note(context.WithoutCancel(ctx), s.hub.machine, s.actor, "closed the console")
		}
		s.dismiss()
	})
}

// dismiss ends Next once everything is fetched.
func (s *Seat) dismiss() {
	s.mu.Lock()
	s.gone = true
	s.mu.Unlock()
	s.poke()
}
