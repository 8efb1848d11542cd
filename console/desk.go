package console

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"time"
)

// Line is the serial line of a server. Write says ErrLineDown when the server takes nothing just now; every other error
// is the line's end.
type Line interface {
	io.ReadWriteCloser
	Break() error
	Lost() uint64 // how often output was lost
}

// How a line cannot be made, or ends, as far as the hub acts differently on it.
var (
	// ErrHeld: somebody else has the console open, and not through this process.
	ErrHeld = errors.New("the console is open elsewhere")
	// ErrTaken: somebody else has taken it away, and not through this process.
	ErrTaken = errors.New("the console was taken over elsewhere")
	// ErrHopeless: trying again by itself changes nothing, or does harm.
	ErrHopeless = errors.New("no console")
	// ErrLineDown: the server takes nothing of what is typed.
	ErrLineDown = errors.New("the server's serial line takes nothing just now: is it switched on?")
)

// Machine is a server with a console.
type Machine struct{ ID, Name string }

// Dialer opens the line to a server. take says that whoever else has it loses it. Its errors are ErrHeld, ErrHopeless
// or others, after which it is tried again.
type Dialer interface {
	Dial(ctx context.Context, m Machine, take bool) (Line, error)
}

// Journal writes down who did what to a console.
type Journal interface {
	Note(ctx context.Context, m Machine, actor, what string)
}

// Options are what a Desk is made of; Dialer, Journal and Archive are needed.
type Options struct {
	Dialer  Dialer
	Journal Journal
	Archive *Archive
	// RecordInput also records what is typed, passwords included.
	RecordInput bool
	Linger      time.Duration // how long a line stays open after the last seat is left; 10 s
	Pause       time.Duration // before a lost line is made again; it doubles up to a minute; 1 s
	Log         *slog.Logger  // nil: silent
}

// Desk keeps the consoles of all servers.
type Desk struct {
	o    Options
	life context.Context
	end  context.CancelFunc
	all  sync.WaitGroup

	mu     sync.Mutex
	hubs   map[string]*hub // by the machine's ID
	closed bool
}

// maxSeats bounds how many sit at one console.
const maxSeats = 64

// Why nobody can sit down.
var (
	ErrFull   = errors.New("too many people sit at this console")
	ErrClosed = errors.New("the server is stopping")
)

// New makes a desk; nothing is opened yet.
func New(o Options) *Desk {
	if o.Linger <= 0 {
		o.Linger = 10 * time.Second
	}
	if o.Pause <= 0 {
		o.Pause = time.Second
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	d := &Desk{o: o, hubs: map[string]*hub{}}
	d.life, d.end = context.WithCancel(context.Background())
	return d
}

// Run keeps the desk open until ctx ends, then closes all consoles and waits for them.
func (d *Desk) Run(ctx context.Context) error {
	<-ctx.Done()
	d.Close()
	return nil
}

// Close closes all consoles and waits for them.
func (d *Desk) Close() {
	d.mu.Lock()
	d.closed = true
	d.mu.Unlock()
	d.end()
	d.all.Wait()
}

// Want is how somebody sits down.
type Want struct {
	Watch bool // only look
	Take  bool // take the console over from its holder, and from others who have it open elsewhere
	Cols  int  // size of the terminal; 0: not known
	Rows  int
}

// Join sits down at a console. It returns at once; what becomes of the line comes as notices. The seat must be left.
func (d *Desk) Join(ctx context.Context, m Machine, actor string, w Want) (*Seat, error) {
	d.mu.Lock()
	if d.closed {
		d.mu.Unlock()
		return nil, ErrClosed
	}
	h := d.hub(m)
	s := newSeat(h, actor)
	err := h.sit(s, w)
	d.mu.Unlock()
	if err != nil {
		return nil, err
	}
	h.record(kindSize, sizeText(w.Cols, w.Rows))
	d.o.Journal.Note(ctx, m, actor, s.opened)
	return s, nil
}

// Keep holds the consoles of these servers open, and of no others that nobody sits at.
func (d *Desk) Keep(list []Machine) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return
	}
	keep := map[string]bool{}
	for _, m := range list {
		keep[m.ID] = true
		d.hub(m).pin(true)
	}
	for id, h := range d.hubs {
		if !keep[id] {
			h.pin(false)
		}
	}
}

// hub is the one of a server; d.mu is held.
func (d *Desk) hub(m Machine) *hub {
	h := d.hubs[m.ID]
	if h == nil {
		h = newHub(d, m)
		d.hubs[m.ID] = h
		d.all.Go(h.run)
	}
	return h
}

// retire forgets a hub that nobody needs; false: somebody has come meanwhile.
func (d *Desk) retire(h *hub) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.closed && h.needed() {
		return false
	}
	delete(d.hubs, h.machine.ID)
	return true
}

// Status is who sits at a console.
type Status struct {
	State   State
	Why     string   // of a state that is not Up
	Holder  string   // empty: nobody
	Seats   []string // who sits there, the holder included
	Pinned  bool     // it is kept open for the recording
	Current string   // the recording that is being written; empty: none
}

// Status tells who sits at a server's console; false: it is not open.
func (d *Desk) Status(machineID string) (Status, bool) {
	d.mu.Lock()
	h := d.hubs[machineID]
	d.mu.Unlock()
	if h == nil {
		return Status{}, false
	}
	return h.status(), true
}
