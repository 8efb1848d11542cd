package dhcp

import (
	"errors"
	"fmt"
	"math/rand/v2"

	"socle/inventory"
)

// workBatch is how many datagrams a worker takes at once: enough to share a lock and a system call, few
// enough for the other worker to get some.
const workBatch = 32

// few is how many datagrams who received them answers itself: handing them to a worker takes longer than that.
const few = 2

func randomSalt() uint32 { return rand.Uint32() } //nolint:gosec // it spreads servers over a pool, it is no secret

// worker is what one goroutine needs to read, decide and answer.
type worker struct {
	batch []*exchange
	out   sender
}

// work reads, decides and answers what is queued; several workers do.
func (s *Server) work() {
	var w worker
	for {
		if w.batch = s.queue.pop(w.batch[:0], workBatch); len(w.batch) == 0 {
			return
		}
		s.serve(&w)
	}
}

// serve answers a batch.
func (s *Server) serve(w *worker) {
	for _, x := range w.batch {
		s.read(x)
	}
	s.decideAll(w.batch)
	for _, x := range w.batch {
		s.route(x, &w.out)
	}
	s.flush(&w.out)
}

// read makes a request of the datagram.
func (s *Server) read(x *exchange) {
	defer s.survive(x, "reading")
	var err error
	if decode(x.data, &x.packet) {
		x.req, err = read(&x.packet)
	} else {
		x.req, err = parse(x.data)
	}
	if err != nil {
		x.req = nil
		s.stats.malformed.Add(1)
		s.opt.Log.Debug("not a DHCP request", "interface", x.port.link.Interface, "err", err)
	}
}

// survive keeps the server alive when a packet is worse than anybody thought of.
func (s *Server) survive(x *exchange, doing string) {
	if r := recover(); r != nil {
		x.req = nil
		s.stats.malformed.Add(1)
		s.opt.Log.Error(doing+" a DHCP packet panicked", "interface", x.port.link.Interface, "panic", fmt.Sprint(r))
	}
}

func (s *Server) decideAll(batch []*exchange) {
	now := s.opt.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, x := range batch {
		if x.req == nil {
			continue
		}
		func() {
			defer s.survive(x, "answering")
			x.out = s.h.handle(x.req, x.link(), now)
		}()
	}
}

// route takes an exchange to what it waits for next: the store, the wire, or nothing.
func (s *Server) route(x *exchange, out *sender) {
	if x.req == nil {
		s.queue.release(x)
		return
	}
	if x.out.alarm != "" {
		s.alarm(x.out.alarm, x.out.host)
	}
	if len(x.out.save) == 0 {
		out.add(x)
		return
	}
	select {
	case s.storing <- x:
	default:
		s.withhold(x, "no answer: the lease store is too slow; the client asks again")
	}
}

func (s *Server) withhold(x *exchange, why string) {
	s.stats.withheld.Add(1)
	x.out.saw.outcome = inventory.OutUnstored
	s.record(x, why)
	s.queue.release(x)
}

// flush sends the answers of a batch, records them, and gives the exchanges back.
func (s *Server) flush(out *sender) {
	out.send(func(x *exchange, err error) {
		switch {
		case x.out.reply == nil:
			s.record(x, x.out.why)
		case err != nil:
			if !errors.Is(err, errClosed) {
				s.opt.Log.Warn("sending DHCP reply failed", "mac", x.req.mac, "to", x.out.to, "err", err)
			}
			x.out.saw.outcome = inventory.OutNotSent
			s.record(x, x.out.why+", not sent: "+err.Error())
		default:
			s.stats.answered.Add(1)
			s.record(x, x.out.why)
		}
	})
	s.queue.release(out.batch...)
	out.batch = out.batch[:0]
}

// alarm tells an operator.
func (s *Server) alarm(text string, h Host) {
	s.opt.Log.Warn("DHCP: " + text)
	if s.opt.Alarm != nil {
		s.opt.Alarm(inventory.Event{Time: s.opt.Now(), Machine: h.Machine, Name: h.Name, Actor: inventory.ActorDHCP, Kind: "address", Reason: text})
	}
}
