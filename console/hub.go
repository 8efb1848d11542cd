package console

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// hub is one server's console: its line, who sits there, its recording.
type hub struct {
	desk    *Desk
	machine Machine
	wake    chan struct{} // something is wanted of run

	mu     sync.Mutex
	seats  map[*Seat]struct{}
	holder *Seat
	pinned bool
	line   Line // nil while there is none
	state  State
	why    string
	news   chan struct{} // closed when the state changes
	force  bool          // the next line is taken from others
	tail   []byte        // the newest output, for who comes later
	tape   *tape         // nil while nothing is recorded
}

// tailSize is how much output a newcomer sees at once, in bytes: some screens.
const tailSize = 16 << 10

func newHub(d *Desk, m Machine) *hub {
	h := &hub{desk: d, machine: m, wake: make(chan struct{}, 1), seats: map[*Seat]struct{}{}, state: Connecting, news: make(chan struct{})}
	var err error
	if h.tape, err = d.o.Archive.start(m.ID); err != nil {
		d.o.Log.Error("recording a console", slog.String("machine", m.Name), slog.Any("error", err))
	}
	return h
}

func (h *hub) poke() {
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// sit gives a newcomer its seat: what was written last, and the console when nobody holds it.
func (h *hub) sit(s *Seat, w Want) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.seats) >= maxSeats {
		return ErrFull
	}
	h.seats[s] = struct{}{}
	if len(h.tail) > 0 {
		s.put(Message{Data: bytes.Clone(h.tail)})
	}
	s.opened = "opened the console to watch"
	switch {
	case w.Watch:
		s.put(Message{Notice: h.noticeLocked(s, "")})
	case h.holder == nil:
		s.opened = "opened the console"
		h.holder = s
		h.announce("")
	case w.Take:
		s.opened = h.takeLocked(s)
	default:
		s.put(Message{Notice: h.noticeLocked(s, h.holder.actor+" holds the console, you are watching")})
	}
	if w.Take && !w.Watch && h.line == nil {
		h.force = true
	}
	h.poke()
	return nil
}

// takeLocked makes s the holder and says what happened.
func (h *hub) takeLocked(s *Seat) string {
	what := "took the console"
	if h.holder != nil {
		what += " over from " + h.holder.actor
	}
	h.holder = s
	h.markLocked(s.actor + " " + what)
	h.announce(s.actor + " " + what)
	return what
}

// take is takeLocked, and takes the line from whoever has it elsewhere.
func (h *hub) take(s *Seat) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, here := h.seats[s]; !here {
		return ""
	}
	if h.line == nil {
		h.force = true
		h.poke()
	}
	if h.holder == s {
		return ""
	}
	return h.takeLocked(s)
}

func (h *hub) release(s *Seat) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.holder == s {
		h.holder = nil
		h.announce(s.actor + " gave the console up")
	}
}

func (h *hub) holds(s *Seat) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.holder == s
}

// stand takes a seat away; false: it was gone.
func (h *hub) stand(s *Seat) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, here := h.seats[s]; !here {
		return false
	}
	delete(h.seats, s)
	if h.holder == s {
		h.holder = nil
		h.announce(s.actor + " left, nobody holds the console")
	}
	h.poke()
	return true
}

func (h *hub) pin(on bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.pinned != on {
		h.pinned = on
		h.poke()
	}
}

func (h *hub) needed() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.pinned || len(h.seats) > 0
}

// announce tells every seat how things are; h.mu is held.
func (h *hub) announce(text string) {
	for s := range h.seats {
		s.put(Message{Notice: h.noticeLocked(s, text)})
	}
}

func (h *hub) noticeLocked(s *Seat, text string) *Notice {
	n := &Notice{State: h.state, Holding: h.holder == s, Text: text}
	if h.holder != nil {
		n.Holder = h.holder.actor
	}
	if n.Text == "" {
		n.Text = h.why
	}
	return n
}

// notice is for a seat that holds its own lock: the hub's comes first everywhere else, so it is tried only.
func (h *hub) notice(s *Seat, text string) *Notice {
	if !h.mu.TryLock() {
		return &Notice{State: Up, Text: text}
	}
	defer h.mu.Unlock()
	return h.noticeLocked(s, text)
}

// typed passes on what a seat types.
func (h *hub) typed(s *Seat, p []byte) error {
	line, err := h.mine(s)
	for errors.Is(err, errWait) { // what is typed ahead waits
		h.mu.Lock()
		news := h.news
		waiting := h.state == Connecting
		h.mu.Unlock()
		if waiting {
			select {
			case <-news:
			case <-s.left:
			case <-h.desk.life.Done():
				return ErrClosed
			}
		}
		line, err = h.mine(s)
	}
	if err != nil {
		return err
	}
	if h.desk.o.RecordInput {
		h.record(kindInput, p)
	}
	_, err = line.Write(p)
	return err
}

func (h *hub) sendBreak(s *Seat) error {
	line, err := h.mine(s)
	if err != nil {
		return err
	}
	h.mu.Lock()
	h.markLocked(s.actor + " sent a break")
	h.mu.Unlock()
	return line.Break()
}

// errWait is ErrNoLine while a line is being made.
var errWait = fmt.Errorf("%w yet", ErrNoLine)

// mine is the line, for its holder.
func (h *hub) mine(s *Seat) (Line, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.holder != s:
		return nil, ErrWatching
	case h.line == nil && h.state == Connecting:
		return nil, errWait
	case h.line == nil:
		return nil, ErrNoLine
	}
	return h.line, nil
}

// spread gives output to all.
func (h *hub) spread(p []byte, lost bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if lost {
		h.markLocked("output was lost before it reached Socle")
	}
	h.recordLocked(kindOutput, p)
	h.tail = append(h.tail, p...)
	if over := len(h.tail) - tailSize; over > 0 {
		if nl := bytes.IndexByte(h.tail[over:], '\n'); nl >= 0 && nl < tailSize/2 {
			over += nl + 1
		}
		h.tail = append(h.tail[:0], h.tail[over:]...)
	}
	for s := range h.seats {
		s.put(Message{Data: bytes.Clone(p)})
	}
}

// set changes the line's state and tells everybody.
func (h *hub) set(line Line, state State, why string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	changed := h.state != state || h.why != why
	close(h.news)
	h.news = make(chan struct{})
	h.line, h.state, h.why = line, state, why
	if !changed {
		return
	}
	if why == "" {
		h.markLocked("the console is " + string(state))
	} else {
		h.markLocked(why)
	}
	h.announce("")
}

func (h *hub) status() Status {
	h.mu.Lock()
	defer h.mu.Unlock()
	st := Status{State: h.state, Why: h.why, Pinned: h.pinned}
	if h.holder != nil {
		st.Holder = h.holder.actor
	}
	for s := range h.seats {
		st.Seats = append(st.Seats, s.actor)
	}
	if h.tape != nil {
		st.Current = h.tape.id
	}
	return st
}

// record writes to the recording while there is one.
func (h *hub) record(k kind, p []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.recordLocked(k, p)
}

func (h *hub) markLocked(text string) { h.recordLocked(kindMark, []byte(text)) }

func (h *hub) recordLocked(k kind, p []byte) {
	if len(p) == 0 || h.tape == nil {
		return
	}
	if err := h.tape.write(time.Now(), k, p); err != nil {
		h.desk.o.Log.Error("recording a console stopped", slog.String("machine", h.machine.Name), slog.Any("error", err))
		_ = h.tape.close()
		h.tape = nil
		h.announce("the recording stopped: " + err.Error())
	}
}
