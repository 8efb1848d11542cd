package bmc

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"
)

// Console is the serial line of a server as its controller passes it on, until it is closed or lost. One goroutine
// may read and another write. It holds a session of its own and no turn: while it is open, every other call to the
// controller goes on as ever.
type Console interface {
	// Read returns what the server has written, as it came. Its error says how the console ended: ErrTaken,
	// ErrUnreachable or io.EOF after Close.
	Read(p []byte) (int, error)
	// Write returns when the controller has taken all of p, or says ErrLineDown: the server takes nothing just now,
	// as while it is off; the console lives on.
	Write(p []byte) (int, error)
	// Break sends the line's break condition, which Linux reads as the magic SysRq key.
	Break() error
	// Lost counts how often output was lost before it reached us, as far as the controller tells.
	Lost() uint64
	// Close ends the console and its session. It says farewell for at most two seconds.
	Close() error
}

// consoler is a protocol that has consoles.
type consoler interface {
	console(ctx context.Context, t Target, take bool, o Options) (Console, error)
}

// Console opens the server's console. A controller has one for all: when another session holds it, take says
// whether it is taken away from there, or the error is ErrHeld. ctx bounds the opening only.
func (d *Driver) Console(ctx context.Context, t Target, take bool) (Console, error) {
	var made handOver
	opened, err := call(ctx, d, t, op{doing: "opening the console of", limit: d.opts.ReadTimeout}, func(ctx context.Context) (Console, error) {
		p, err := d.plain.protocol(t)
		if err != nil {
			return nil, err
		}
		c, ok := p.(consoler)
		if !ok {
			return nil, fmt.Errorf("%w: no console is known over %s", ErrUnsupported, t.Protocol)
		}
		opened, err := c.console(ctx, t, take, d.opts)
		if err == nil {
			made.put(opened)
		}
		return opened, err
	})
	if err != nil {
		made.refuse()
		return nil, err
	}
	return opened, nil
}

// handOver closes what comes after its caller has given up: nobody else ever would.
type handOver struct {
	mu      sync.Mutex
	thing   io.Closer
	refused bool
}

func (h *handOver) put(c io.Closer) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.refused {
		_ = c.Close()
		return
	}
	h.thing = c
}

func (h *handOver) refuse() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.refused = true
	if h.thing != nil {
		_ = h.thing.Close()
	}
}

// farewell is how long the end of a console may take.
const farewell = 2 * time.Second
