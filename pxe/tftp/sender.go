package tftp

import (
	"time"

	"golang.org/x/sys/unix"
)

// sender is one transfer of an event loop. Only its loop touches it, but for the fields of the entry.
type sender struct {
	entry *entry
	loop  *loop
	fd    int
	index int // in the loop's list
	data  []byte
	terms terms
	probe bool // it asked for the size: an ERROR before the first block is what firmware does then

	progress progress
	pace     pace
	segments bool // the kernel takes windows as one segmented datagram
	blocked  bool // the socket's buffer is full: go on when it says so

	started  time.Time
	sentAt   time.Duration // when the window was sent; loop time
	heardAt  time.Duration // when the client last got further
	deadline time.Duration // when to send again
	repeated bool          // something of the window was sent twice: its round trip says nothing (Karn)
	resent   int64
}

// start sends the OACK, or the first block when no option was agreed on.
func (s *sender) start() {
	s.heardAt = s.loop.now
	s.push()
}

// push sends what is due, and sets the time to send it again.
func (s *sender) push() {
	p := &s.progress
	s.sentAt = s.loop.now
	s.deadline = s.loop.now + s.pace.wait
	if p.sent < 0 {
		if s.ended(write(s.fd, s.terms.oack)) {
			return
		}
		p.sent = 0
	}
	if p.acked < 0 {
		return
	}
	for target := p.target(); p.sent < target; {
		n, err := s.send(p.sent+1, int(target-p.sent))
		p.sent += int64(n)
		switch {
		case err == 0 || err == unix.EINTR:
		case s.segments && noSegments(err):
			s.segments = false
		case err == unix.EAGAIN:
			s.block(true)
			return
		default:
			// Of the errors only a closed port ends the transfer; a missing route or neighbour may pass, and
			// the timer tries again. What was not sent counts as sent: it is lost, like on the wire.
			if !s.ended(err) {
				p.sent = target
			}
			return
		}
	}
	s.block(false)
}

func (s *sender) send(first int64, n int) (int, unix.Errno) {
	size := s.terms.block
	switch b := s.loop.batch; {
	case n == 1:
		return b.one(s.fd, s.data, size, first)
	case s.segments:
		return b.segmented(s.fd, s.data, size, first, n)
	default:
		return b.each(s.fd, s.data, size, first, n)
	}
}

// block asks the loop to say when the socket takes more, or not to.
func (s *sender) block(on bool) {
	if s.blocked != on {
		s.blocked = on
		s.loop.watch(s, on)
	}
}

// receive takes one datagram of the client, and tells whether it changed anything.
func (s *sender) receive(b []byte) bool {
	op, n, text, ok := parseReply(b)
	switch {
	case !ok:
		return false
	case op == opError:
		o := Aborted
		if s.probe && s.progress.acked <= 0 {
			o = Probed
		}
		s.end(o, n, text)
		return true
	}
	before := s.progress.acked
	switch s.progress.ack(n) {
	case ignore:
		return false
	case done:
		s.end(Complete, 0, "")
		return true
	case advance:
		if !s.repeated {
			s.pace.sample(s.loop.now - s.sentAt)
		}
		s.repeated = false
	case back:
		s.repeated = true
		s.resent += min(before+s.progress.window, s.progress.blocks) - s.progress.acked
	}
	s.heardAt = s.loop.now
	s.push()
	return true
}

// drain reads what the client sent up to the first datagram that brings the transfer further. What lies
// behind it is read when the answer to what is sent now comes, or when the timer runs out: so an
// acknowledgement costs one read, and not a second one that finds nothing.
func (s *sender) drain() {
	l := s.loop
	for {
		n, err := read(s.fd, l.buf[:])
		if err == unix.EINTR {
			continue
		}
		if err != 0 {
			s.ended(err)
			return
		}
		if s.receive(l.buf[:n]) {
			return
		}
	}
}

// expire is called when the deadline has passed.
func (s *sender) expire() {
	before := s.deadline
	if s.drain(); s.index < 0 || s.deadline != before {
		return // there was an answer yet
	}
	silent := s.loop.now - s.heardAt
	shed := s.progress.acked <= 0 && silent > firstWait && s.loop.server.registry.crowded()
	if silent >= s.loop.server.patience(s.terms.timeout) || shed {
		s.tell(CodeOther, "no acknowledgement came")
		s.end(Stalled, 0, "")
		return
	}
	s.again()
}

// again repeats what is not acknowledged.
func (s *sender) again() {
	s.pace.lost()
	s.repeated = true
	s.resent += s.progress.sent - s.progress.acked
	s.progress.rewind()
	s.push()
}

// ended looks at the error of a call: a closed port ends the transfer.
func (s *sender) ended(err unix.Errno) bool {
	if err != unix.ECONNREFUSED {
		return false
	}
	if s.progress.sent == s.progress.blocks {
		s.end(Complete, 0, "")
	} else {
		s.end(Aborted, 0, "its port is closed")
	}
	return true
}

// tell sends an ERROR; whether it arrives does not matter.
func (s *sender) tell(code uint16, text string) { _ = write(s.fd, errorPacket(code, text)) }

// end closes the transfer and reports it.
func (s *sender) end(o Outcome, code uint16, text string) {
	s.loop.drop(s)
	r := s.loop.server.report(s.entry)
	p := s.progress
	r.BlockSize, r.Window, r.Size, r.Resent = s.terms.block, s.terms.window, int64(len(s.data)), s.resent
	r.Sent = min(max(p.acked, 0)*int64(s.terms.block), r.Size)
	r.Outcome, r.Code, r.Text, r.Started = o, code, text, s.started
	if o == Complete {
		r.Sent, r.LastAckUnseen = r.Size, p.acked < p.blocks
	}
	s.loop.server.finish(s.entry, r)
}

// asked takes that the client sent a request from the port of this transfer again: anew begins another.
func (s *sender) asked(a admission, anew func()) {
	switch {
	case s.index < 0:
		anew() // it has ended meanwhile
	case a == repeated && s.progress.unheard():
		s.repeated = true
		s.progress.rewind()
		s.push() // the client did not see the first answer
	case a == repeated && s.loop.now-s.heardAt < s.pace.wait:
		// The network repeated the request: the transfer runs.
	default:
		s.end(Again, 0, "")
		anew()
	}
}
