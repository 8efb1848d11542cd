package bmc

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	ipmiclient "github.com/bougou/go-ipmi/pkg/client"
	"github.com/bougou/go-ipmi/pkg/command/transport"
	"github.com/bougou/go-ipmi/pkg/types"
)

// solTimes are the rhythm of an open console.
type solTimes struct {
	resend time.Duration // after which an unacknowledged packet is sent again; it doubles up to slowest
	tries  int           // how often
	alive  time.Duration // after which the controller is asked whether it is there
	dead   time.Duration // of silence after which it is not
}

// rhythm is that of a console which asks so often whether the controller is there. Sessions end after a minute without
// traffic (IPMI 2.0 section 6.12.15), and some after half of one.
func rhythm(alive time.Duration) solTimes {
	return solTimes{resend: min(500*time.Millisecond, alive/4), tries: 8, alive: alive, dead: 3 * alive}
}

const (
	slowest    = 2 * time.Second
	takeTries  = 8                      // to activate what has just been taken away elsewhere
	takePause  = 250 * time.Millisecond // in between
	refused    = 10                     // times that characters are offered to a line that takes none
	instance   = 1                      // of the SOL payload; nobody has more
	maxTyped   = 200                    // characters a packet; a packet of theirs is at most 255
	leastTyped = 16
)

// solConsole is serial over LAN in a session of go-ipmi. The library's own stream asks for output ten times a second
// and ends when the controller says that output was lost; here the controller speaks when it has something to say, as
// with ipmitool.
type solConsole struct {
	session *ipmiReader
	conn    net.Conn // the session's socket
	times   solTimes
	chunk   int // characters a packet at most

	out    chan []byte   // to Read
	rest   []byte        // of Read's
	in     chan typed    // from Write and Break
	stop   chan struct{} // closed by Close
	once   sync.Once
	ended  chan struct{} // closed when the console has ended, after err is set
	err    error
	lost   atomic.Uint64
	closed chan struct{} // closed when the session is given back
}

type typed struct {
	chars []byte
	brk   bool
	taken chan error
}

// solTap keeps the socket that go-ipmi makes for a session.
type solTap struct{ conn net.Conn }

// Dial implements golang.org/x/net/proxy.Dialer.
func (d *solTap) Dial(network, addr string) (net.Conn, error) {
	conn, err := net.Dial(network, addr) //nolint:noctx // of UDP: nothing is waited for, and the library has no context here
	d.conn = conn
	return conn, err
}

// console implements consoler.
func (p *ipmi) console(ctx context.Context, t Target, take bool, o Options) (Console, error) {
	c, err := p.sol(ctx, t, take, rhythm(o.Alive))
	if err != nil {
		return nil, err // not a nil *solConsole, which would be a Console
	}
	return c, nil
}

func (p *ipmi) sol(ctx context.Context, t Target, take bool, times solTimes) (*solConsole, error) {
	tap := &solTap{}
	s, err := p.session(ctx, t, func(c *ipmiclient.Client) { c.WithUDPProxy(tap) })
	if err != nil {
		return nil, err
	}
	size, err := activate(ctx, s.client, take)
	if err != nil {
		s.close(ctx)
		return nil, err
	}
	c := &solConsole{
		session: s, conn: tap.conn, times: times, chunk: max(min(size-4, maxTyped), leastTyped),
		out: make(chan []byte, 64), in: make(chan typed), stop: make(chan struct{}), ended: make(chan struct{}), closed: make(chan struct{}),
	}
	if err := c.conn.SetReadDeadline(time.Time{}); err != nil {
		s.close(ctx)
		return nil, err
	}
	packets := make(chan solIn)
	go c.listen(packets) // both end with the console
	go c.run(packets)
	return c, nil
}

// activate starts serial over LAN (IPMI 2.0 section 24.1) and returns how large a packet the controller takes.
func activate(ctx context.Context, c *ipmiclient.Client, take bool) (int, error) {
	for try := 0; ; try++ {
		r, err := c.ActivatePayload(ctx, &transport.ActivatePayloadRequest{
			PayloadType: types.PayloadTypeSOL, PayloadInstance: instance, EnableEncryption: true, EnableAuthentication: true,
		})
		if err == nil {
			return int(r.InboundPayloadSize), nil
		}
		answer, ok := types.IsResponseError(err)
		if !ok {
			return 0, ipmiError(err)
		}
		switch answer.CompletionCode() {
		case types.CodeActivatePayloadAlreadyActive, types.CodeActivatePayloadActivationLimitReached:
			if !take {
				return 0, ErrHeld
			}
			if try == takeTries {
				return 0, fmt.Errorf("%w, and is not given up there", ErrHeld)
			}
		case types.CodeActivatePayloadTypeDisabled:
			return 0, fmt.Errorf("%w: serial over LAN is switched off in it: switch it on (ipmitool sol set enabled true), and the redirection to the serial line in the server's firmware", ErrUnsupported)
		default:
			return 0, ipmiError(err)
		}
		// What it answers does not matter: the next try shows whether it is free.
		_, _ = c.DeactivatePayload(ctx, &transport.DeactivatePayloadRequest{PayloadType: types.PayloadTypeSOL, PayloadInstance: instance})
		if err := pause(ctx, takePause); err != nil {
			return 0, err
		}
	}
}

// Read implements Console.
func (c *solConsole) Read(p []byte) (int, error) {
	if len(c.rest) == 0 {
		select {
		case c.rest = <-c.out:
		default:
			select {
			case c.rest = <-c.out:
			case <-c.ended:
				select {
				case c.rest = <-c.out: // what came before the end
				default:
					return 0, c.err
				}
			}
		}
	}
	n := copy(p, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

// Write implements Console.
func (c *solConsole) Write(p []byte) (int, error) {
	n := 0
	for len(p) > n {
		part := p[n:min(n+c.chunk, len(p))]
		if err := c.put(typed{chars: append([]byte(nil), part...)}); err != nil {
			return n, err
		}
		n += len(part)
	}
	return n, nil
}

// Break implements Console.
func (c *solConsole) Break() error { return c.put(typed{brk: true}) }

func (c *solConsole) put(t typed) error {
	t.taken = make(chan error, 1)
	select {
	case c.in <- t:
	case <-c.ended:
		return c.err
	}
	select {
	case err := <-t.taken:
		return err
	case <-c.ended:
		return c.err
	}
}

// Lost implements Console.
func (c *solConsole) Lost() uint64 { return c.lost.Load() }

// Close implements Console.
func (c *solConsole) Close() error {
	c.once.Do(func() { close(c.stop) })
	<-c.closed
	return nil
}

// finish ends the console for its readers and gives the session back.
func (c *solConsole) finish(err error, heard bool) {
	c.err = err
	close(c.ended)
	_ = c.conn.SetReadDeadline(time.Now()) // the listener ends, and the socket is the library's again
	defer close(c.closed)
	if !heard {
		c.session.abandon()
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), farewell)
	defer cancel()
	if !errors.Is(err, ErrTaken) {
		_, _ = c.session.client.DeactivatePayload(ctx, &transport.DeactivatePayloadRequest{PayloadType: types.PayloadTypeSOL, PayloadInstance: instance})
	}
	c.session.close(ctx)
}

// solIn is something that came from the controller.
type solIn struct {
	sol    *types.SOLPayloadPacket
	status *transport.GetPayloadActivationStatusResponse // nil and no sol: it is there, and says nothing of use
	err    error                                         // of the socket
}

// listen reads the socket until the console ends.
func (c *solConsole) listen(to chan<- solIn) {
	buf := make([]byte, 4096)
	for {
		n, err := c.conn.Read(buf)
		in := solIn{}
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			return
		case passing(err):
			continue // an echo of what we sent to nobody; silence is measured elsewhere
		case err != nil:
			in.err = err
		default:
			var ok bool
			if in, ok = c.decode(buf[:n]); !ok {
				continue
			}
		}
		select {
		case to <- in:
		case <-c.ended:
			return
		}
		if in.err != nil {
			return
		}
	}
}

// decode reads one datagram. What cannot be read is nobody's.
func (c *solConsole) decode(datagram []byte) (in solIn, ok bool) {
	defer func() {
		if recover() != nil { // foreign bytes have made the library panic
			ok = false
		}
	}()
	var rmcp types.Rmcp
	if err := rmcp.Unpack(datagram); err != nil || rmcp.Session20 == nil {
		return in, false
	}
	ctx := context.Background()
	switch rmcp.Session20.SessionHeader20.PayloadType {
	case types.PayloadTypeSOL:
		var p types.SOLPayloadResponse
		if err := c.session.client.ParseRmcpResponse(ctx, datagram, types.CommandSOLPayload, &p); err != nil {
			return in, false
		}
		return solIn{sol: &p.SOLPayloadPacket}, true
	case types.PayloadTypeIPMI:
		var s transport.GetPayloadActivationStatusResponse
		if err := c.session.client.ParseRmcpResponse(ctx, datagram, types.CommandGetPayloadActivationStatus, &s); err != nil {
			_, answered := types.IsResponseError(err)
			return in, answered
		}
		return solIn{status: &s}, true
	default:
		return in, false
	}
}

// ask sends a request without waiting for its answer.
func (c *solConsole) ask(r types.Request) error {
	rmcp, err := c.session.client.BuildRmcpRequest(context.Background(), r)
	if err != nil {
		return err
	}
	_, err = c.conn.Write(rmcp.Pack())
	return err
}

func (c *solConsole) sendSOL(p types.SOLPayloadPacket) error {
	return c.ask(&types.SOLPayloadRequest{SOLPayloadPacket: p})
}
