package tftp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/pin/tftp/v3"
)

// plain serves requests without options by the library. It gets them one by one through a net.PacketConn
// of ours, after limits, file and content are settled, so that nothing is left to it but sending blocks of
// 512 bytes. Its single-port and anticipate modes, which crash on packets that anybody can send, are not on.
type plain struct {
	server  *Server
	library *tftp.Server
	feed    *feed

	mu      sync.Mutex
	waiting map[netip.AddrPort]*job
}

type job struct {
	entry *entry
	data  []byte
}

// A request for the library has to fit the buffer that it reads into.
const libraryBuffer = 516

var errStopping = errors.New(textStopping)

func newPlain(s *Server) *plain {
	p := &plain{server: s, waiting: map[netip.AddrPort]*job{}, feed: &feed{datagrams: make(chan datagram), closed: make(chan struct{})}}
	p.library = tftp.NewServer(p.send, nil)
	// The library waits the same time for each acknowledgement. A short one, so that a lost packet costs
	// little; after three of them pauses that double, so that a silent client is not flooded and one whose
	// own timer is slow comes to its word (see pace.lost).
	quick := s.opt.Timeout / 8
	p.library.SetTimeout(quick)
	p.library.SetRetries(6)
	p.library.SetBackoff(func(n int) time.Duration {
		if n < 3 {
			return 0
		}
		return s.opt.Timeout<<(n-3) - quick
	})
	p.library.SetHook(hook{p})
	return p
}

// hook hears from the library of a request that it could not begin to serve: it had no socket for it.
type hook struct{ p *plain }

// OnSuccess implements tftp.Hook.
func (hook) OnSuccess(tftp.TransferStats) {}

// OnFailure implements tftp.Hook.
func (h hook) OnFailure(stats tftp.TransferStats, err error) {
	if stats.RemoteAddr != nil {
		return // send has reported it
	}
	if j := h.p.take(h.p.feed.last); j != nil {
		h.p.server.opt.Log.Error("TFTP transfer cannot begin", "client", j.entry.peer, "err", err)
		h.p.server.refuse(j.entry, CodeOther, textLater, Failed)
	}
}

// fits tells whether a request is one for the library: without options, and from a client that the system
// answers from the address that was asked, since the library cannot choose the address.
func (p *plain) fits(e *entry) bool {
	if e.req.extended || len(e.req.name) > libraryBuffer-20 {
		return false
	}
	from, err := source(e.peer)
	return err == nil && from == e.local
}

// serve hands a request to the library.
func (p *plain) serve(e *entry, data []byte) {
	p.mu.Lock()
	p.waiting[e.peer] = &job{e, data}
	p.mu.Unlock()
	b := binary.BigEndian.AppendUint16(nil, opRead)
	b = append(append(append(b, e.req.name...), 0), "octet\x00"...) // netascii is converted already
	if !p.feed.give(datagram{b, net.UDPAddrFromAddrPort(e.peer)}) {
		p.take(e.peer)
		p.server.refuse(e, CodeOther, textStopping, Refused)
	}
}

func (p *plain) take(peer netip.AddrPort) *job {
	p.mu.Lock()
	defer p.mu.Unlock()
	j := p.waiting[peer]
	delete(p.waiting, peer)
	return j
}

// run serves until stop, and until the last transfer has ended; one that is silent does after its time-outs.
func (p *plain) run() {
	_ = p.library.Serve(p.feed) // it returns nil at Shutdown, and nothing else
}

func (p *plain) stop() {
	_ = p.feed.Close()
	p.library.Shutdown()
}

// send is called by the library, in a goroutine of the transfer.
func (p *plain) send(_ string, rf io.ReaderFrom) (err error) {
	out, ok := rf.(tftp.OutgoingTransfer)
	if !ok {
		return errors.New(textInternal)
	}
	addr := out.RemoteAddr()
	j := p.take(addr.AddrPort())
	if j == nil {
		return errors.New(textInternal)
	}
	r := p.server.report(j.entry)
	r.BlockSize, r.Window, r.Size, r.Started = plainBlock, 1, int64(len(j.data)), time.Now()
	defer func() {
		if v := recover(); v != nil {
			p.server.opt.Log.Error("TFTP transfer panicked", "client", j.entry.peer, "panic", fmt.Sprint(v))
			r.Outcome, r.Text, err = Failed, textInternal, errors.New(textInternal)
		}
		p.server.finish(j.entry, r)
	}()
	n, err := rf.ReadFrom(&stoppable{bytes.NewReader(j.data), p.server})
	if err == nil {
		r.Outcome, r.Sent = Complete, n
		return nil
	}
	r.Sent = max(0, n-1) / plainBlock * plainBlock // the last block that was read is not acknowledged
	r.Outcome, r.Code, r.Text = libraryEnd(err)
	return nil // the library has sent what there was to send
}

// libraryEnd reads from the library's error how a transfer ended.
func libraryEnd(err error) (o Outcome, code uint16, text string) {
	if ne := net.Error(nil); errors.As(err, &ne) {
		if ne.Timeout() {
			return Stalled, 0, ""
		}
		return Failed, 0, "the client cannot be reached"
	}
	if errors.Is(err, errStopping) {
		return Failed, 0, textStopping
	}
	var block int
	if n, _ := fmt.Sscanf(err.Error(), "sending block %d: code=%d, error: ", &block, &code); n == 2 {
		if _, after, ok := bytes.Cut([]byte(err.Error()), []byte(", error: ")); ok {
			after, _, _ = bytes.Cut(after, []byte{0})
			text = string(bytes.ToValidUTF8(after[:min(len(after), 128)], []byte("?")))
		}
		return Aborted, code, text
	}
	return Failed, 0, textInternal
}

// stoppable is a file that ends with an error when the server stops.
type stoppable struct {
	r *bytes.Reader
	s *Server
}

func (f *stoppable) Read(b []byte) (int, error) {
	if f.s.stopping.Load() {
		return 0, errStopping
	}
	return f.r.Read(b)
}

// feed is the net.PacketConn that the library listens on. Nothing is ever written to it.
type feed struct {
	datagrams chan datagram
	closed    chan struct{}
	once      sync.Once
	last      netip.AddrPort // of the request that was read last; only the library's loop touches it
}

type datagram struct {
	b    []byte
	from *net.UDPAddr
}

func (f *feed) give(d datagram) bool {
	select {
	case f.datagrams <- d:
		return true
	case <-f.closed:
		return false
	}
}

// ReadFrom implements net.PacketConn.
func (f *feed) ReadFrom(b []byte) (int, net.Addr, error) {
	select {
	case d := <-f.datagrams:
		f.last = d.from.AddrPort()
		return copy(b, d.b), d.from, nil
	case <-f.closed:
		return 0, nil, net.ErrClosed
	}
}

// WriteTo implements net.PacketConn.
func (f *feed) WriteTo([]byte, net.Addr) (int, error) { return 0, errors.ErrUnsupported }

// Close implements net.PacketConn.
func (f *feed) Close() error {
	f.once.Do(func() { close(f.closed) })
	return nil
}

// LocalAddr implements net.PacketConn.
func (f *feed) LocalAddr() net.Addr { return &net.UDPAddr{IP: net.IPv4zero} }

// SetDeadline implements net.PacketConn.
func (f *feed) SetDeadline(time.Time) error { return errors.ErrUnsupported }

// SetReadDeadline implements net.PacketConn.
func (f *feed) SetReadDeadline(time.Time) error { return errors.ErrUnsupported }

// SetWriteDeadline implements net.PacketConn.
func (f *feed) SetWriteDeadline(time.Time) error { return errors.ErrUnsupported }
