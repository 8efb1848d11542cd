package tftp

import "time"

// progress is where a transfer stands: the sender's half of RFC 1350 and RFC 7440, without sockets and
// clocks. Blocks are counted from 1 without end; on the wire their numbers go on with 0 after 65535.
// Block 0 is the OACK.
type progress struct {
	blocks int64 // DATA blocks in all, the last one shorter than the others
	window int64
	begin  int64 // what acked is before anything is acknowledged
	acked  int64 // the last block that the client has; -1: it has not acknowledged the OACK
	sent   int64 // the last block that is on its way
}

// verdict is what an acknowledgement means.
type verdict uint8

const (
	ignore  verdict = iota // old, or from nowhere
	advance                // all that was sent is there: go on
	back                   // a part of the window is lost: send again what follows
	done                   // the file is there
)

func newProgress(size int64, t terms) progress {
	p := progress{blocks: size/int64(t.block) + 1, window: int64(t.window)}
	if len(t.oack) > 0 {
		p.begin = -1
	}
	p.acked, p.sent = p.begin, p.begin
	return p
}

// unheard tells that the client has acknowledged nothing at all.
func (p *progress) unheard() bool { return p.acked == p.begin }

// ack takes an acknowledgement. One that repeats the last is never a reason to send: answering each copy
// with data doubles the traffic for the rest of the transfer (RFC 1123 section 4.2.3.1, "Sorcerer's
// Apprentice"), so only the timer repeats a block whose loss no later acknowledgement tells.
func (p *progress) ack(n uint16) verdict {
	ahead := int64(n - uint16(p.acked)) // modulo 65536: block numbers roll over
	if ahead == 0 || ahead > p.sent-p.acked {
		return ignore
	}
	p.acked += ahead
	if p.acked == p.blocks {
		return done
	}
	if p.acked == p.sent {
		return advance
	}
	p.sent = p.acked
	return back
}

// target is the last block that may be on its way now.
func (p *progress) target() int64 {
	if p.acked < 0 {
		return 0
	}
	return min(p.acked+p.window, p.blocks)
}

// rewind makes everything that is not acknowledged due again.
func (p *progress) rewind() { p.sent = p.acked }

// The bounds of the time that a lost block is waited for.
const (
	firstWait = time.Second            // before the first round trip is known
	leastWait = 100 * time.Millisecond // firmware is slow now and then
	tick      = 10 * time.Millisecond
)

// pace says how long to wait for an acknowledgement: by the measured round trips (RFC 6298), but no longer
// than max, and doubled for each repetition.
type pace struct {
	smooth, spread time.Duration
	wait, max      time.Duration
}

func newPace(longest time.Duration) pace { return pace{wait: min(firstWait, longest), max: longest} }

// sample takes the round trip of something that was sent once only.
func (p *pace) sample(d time.Duration) {
	if p.smooth == 0 {
		p.smooth, p.spread = d, d/2
	} else {
		off := p.smooth - d
		if off < 0 {
			off = -off
		}
		p.spread += (off - p.spread) / 4
		p.smooth += (d - p.smooth) / 8
	}
	p.wait = min(max(p.smooth+4*p.spread, leastWait), p.max)
}

// lost takes that nothing came in time. The wait outgrows max then: there are clients (atftp) that answer a
// repeated block once only, and whose own timer, which would repeat the lost acknowledgement, begins anew
// with each block that comes. Silence is what they need.
func (p *pace) lost() { p.wait = min(2*p.wait, 4*p.max) }
