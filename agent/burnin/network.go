package burnin

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"time"

	"socle/api"
)

// ErrNobody says that no other server came to test the network with.
var ErrNobody = errors.New("no other server came")

// Link is how the network is tested: from one interface, with another server that is tested at the same time.
type Link struct {
	Name, MAC string // of the interface
	Listen    func(ctx context.Context) (net.Listener, error)
	Dial      func(ctx context.Context, network, address string) (net.Conn, error)
	// Partner asks for another server, which is told at which port this one listens. ErrNobody: none came before ctx ended.
	Partner func(ctx context.Context, port int) (api.Partner, error)
}

// Bounds of the test between two.
const (
	patience   = 5 * time.Minute  // for a partner, or the time of a test when that is longer
	meetTime   = 20 * time.Second // for the two to find each other, and for each word on the way
	helloTime  = 5 * time.Second
	againTime  = 200 * time.Millisecond
	meetTries  = 3
	streams    = 4 // TCP connections at once: one alone does not fill a fast link
	chunkBytes = 256 << 10
	sendBytes  = 1 << 20     // of a connection that the kernel may hold back: on a slow link the rest of it takes its time
	drainTime  = time.Minute // for that rest, after the time of a part
	mostGuests = 64          // connections that have not said who they are
)

// The parts of the test, as they are told on the wire: who dialled sends, who listened sends, both do.
const (
	onlyDialer byte = iota + 1
	onlyListener
	bothWays
	control byte = 0 // the connection that all is agreed on
)

// network sends to another server and receives from it, each alone and then both at once.
func (r *run) network(ctx context.Context) {
	if r.Link == nil {
		r.note("no interface was found to test the network from")
		return
	}
	l, err := r.Link.Listen(ctx)
	if err != nil {
		r.note("the network was not tested: %v", err)
		return
	}
	defer func() { _ = l.Close() }()
	at, ok := l.Addr().(*net.TCPAddr)
	if !ok {
		r.note("the network was not tested: it is not known at which port of %s it is listened", l.Addr())
		return
	}
	door := newDoor()
	life, end := context.WithCancel(ctx)
	defer end()
	go door.keep(life, l) // it ends with the listener
	waiting := max(r.part(1), patience)
	until := time.Now().Add(waiting)
	for try := 1; ; try++ {
		ask, cancel := context.WithDeadline(ctx, until)
		partner, err := r.Link.Partner(ask, at.Port)
		cancel()
		switch {
		case ctx.Err() != nil:
			return
		case errors.Is(err, ErrNobody):
			r.note("the network was not tested: no other server of this model came to its test within %s", waiting.Round(time.Second))
			return
		case err != nil:
			r.note("the network was not tested: %v", err)
			return
		}
		m, err := meet(ctx, door, r.Link, partner)
		if err != nil {
			if try < meetTries && ctx.Err() == nil {
				continue // its machine went away, or it was given another partner
			}
			r.note("the network was not tested: %s was not reached: %v", partner.Machine, err)
			return
		}
		r.pair(ctx, m, partner.Machine)
		return
	}
}

// pair runs the three parts and keeps what was measured.
func (r *run) pair(ctx context.Context, m *meeting, name string) {
	defer m.close()
	stop := context.AfterFunc(ctx, func() { _ = m.control.Close() })
	defer stop()
	for _, part := range []byte{onlyDialer, onlyListener, bothWays} {
		mine, theirs, err := m.part(ctx, part, r.part(3))
		if ctx.Err() != nil {
			return
		}
		var silent net.Error
		broken := errors.As(err, &silent) && silent.Timeout()
		if err != nil && !broken { // it was stopped, or its agent died
			r.note("the network was not tested to the end: %s went away: %v", name, err)
			return
		}
		if err != nil {
			r.failed(api.TestNetwork, r.Link.Name, r.Link.MAC, "the connection between %s and %s broke under load: %v", r.Link.Name, name, err)
			return
		}
		suffix := ""
		if part == bothWays {
			suffix = ".all"
		}
		if mine > 0 {
			r.measured("network.receive"+suffix, r.Link.Name, r.Link.MAC, "bit/s", mine)
		}
		if theirs > 0 {
			r.measured("network.send"+suffix, r.Link.Name, r.Link.MAC, "bit/s", theirs)
		}
	}
	r.note("the network was tested with %s", name)
}

// hello is the first word of every connection: who may not know the token has no business here.
type hello [sha256.Size + 1]byte

func newHello(token string, kind byte) hello {
	sum := sha256.Sum256([]byte(token))
	return hello(append(sum[:], kind))
}

// meeting is the connection of two servers that test the network between them.
type meeting struct {
	token   string
	dial    func(ctx context.Context) (net.Conn, error) // nil: the other one dials
	door    *door
	control net.Conn
	early   []guest // came before their turn
}

// meet brings two together: one dials, the other lets in who knows the token.
func meet(ctx context.Context, door *door, link *Link, p api.Partner) (m *meeting, err error) {
	m = &meeting{token: p.Token, door: door}
	ctx, cancel := context.WithTimeout(ctx, meetTime)
	defer cancel()
	if p.Address == "" {
		door.open(p.Token)
		if m.control, err = m.await(ctx, control); err != nil {
			m.close()
		}
		return m, err
	}
	m.dial = func(ctx context.Context) (net.Conn, error) { return link.Dial(ctx, "tcp", p.Address) }
	for {
		if m.control, err = m.call(ctx, control); err == nil || ctx.Err() != nil {
			return m, err
		}
		select { // the other one may not have heard of us yet
		case <-ctx.Done():
		case <-time.After(againTime):
		}
	}
}

func (m *meeting) close() {
	if m.control != nil {
		_ = m.control.Close()
	}
	for _, g := range m.early {
		_ = g.conn.Close()
	}
}

// call opens a connection of a kind.
func (m *meeting) call(ctx context.Context, kind byte) (net.Conn, error) {
	c, err := m.dial(ctx)
	if err != nil {
		return nil, err
	}
	word := newHello(m.token, kind)
	_ = c.SetDeadline(time.Now().Add(helloTime)) // the write tells
	if _, err := c.Write(word[:]); err != nil {
		_ = c.Close()
		return nil, err
	}
	// The answer tells that the other one waits for this very connection.
	if _, err := io.ReadFull(c, word[:1]); err != nil {
		_ = c.Close()
		return nil, fmt.Errorf("it does not let us in: %w", err)
	}
	return c, nil
}

// await waits for a connection of a kind. One of another kind may overtake it, and is kept for its turn.
func (m *meeting) await(ctx context.Context, kind byte) (net.Conn, error) {
	want := newHello(m.token, kind)
	if i := slices.IndexFunc(m.early, func(g guest) bool { return g.word == want }); i >= 0 {
		g := m.early[i]
		m.early = slices.Delete(m.early, i, i+1)
		return g.conn, nil
	}
	for {
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("it does not come: %w", context.Cause(ctx))
		case g := <-m.door.in:
			switch {
			case g.word == want:
				return g.conn, nil
			case g.word == newHello(m.token, g.word[sha256.Size]) && len(m.early) < mostGuests:
				m.early = append(m.early, g)
			default:
				_ = g.conn.Close() // of a meeting that is over
			}
		}
	}
}

// door lets in who knows the token; nobody before there is one.
type door struct {
	in     chan guest
	places chan struct{}
	mu     sync.Mutex
	token  string
}

// guest is a connection that said the right word.
type guest struct {
	conn net.Conn
	word hello
}

func newDoor() *door { return &door{in: make(chan guest), places: make(chan struct{}, mostGuests)} }

func (d *door) open(token string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.token = token
}

// knows tells whether a word is said by who knows the token.
func (d *door) knows(word hello) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	want := newHello(d.token, 0)
	return d.token != "" && subtle.ConstantTimeCompare(word[:sha256.Size], want[:sha256.Size]) == 1
}

// keep lets guests in until the listener is closed; who is not fetched goes with ctx.
func (d *door) keep(ctx context.Context, l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		select {
		case d.places <- struct{}{}:
			go func() {
				defer func() { <-d.places }()
				d.greet(ctx, c)
			}()
		default:
			_ = c.Close()
		}
	}
}

func (d *door) greet(ctx context.Context, c net.Conn) {
	var word hello
	_ = c.SetDeadline(time.Now().Add(helloTime)) // the read tells
	_, err := io.ReadFull(c, word[:])
	if err == nil && d.knows(word) {
		if _, err = c.Write([]byte{1}); err == nil {
			select {
			case d.in <- guest{c, word}:
				return
			case <-ctx.Done():
			}
		}
	}
	_ = c.Close()
}
