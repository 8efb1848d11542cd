package bmc

import (
	"errors"
	"fmt"
	"io"
	"syscall"
	"time"

	"github.com/bougou/go-ipmi/pkg/command/transport"
	"github.com/bougou/go-ipmi/pkg/types"
)

// solRun is what the console's one goroutine works with.
type solRun struct {
	c   *solConsole
	sol sol

	now     typed         // what is being typed
	busy    bool          // now is under way
	left    []byte        // of now, not yet taken
	tries   int           // of the packet that is under way
	refusal int           // times in a row that the line took nothing
	resend  time.Duration // until it is sent again
	again   time.Time     // when; zero: it is not under way
	begun   time.Time     // when the packet that is under way was sent first

	heard    time.Time // when the controller spoke last
	spoke    time.Time // when it last spoke to this console, and not only of its state
	asked    time.Time // when it was asked whether it is there
	answered time.Time // when it last answered to that
	empties  bool      // it acknowledges packets without characters, as it should
}

// run moves packets until the console is closed or lost.
func (c *solConsole) run(packets <-chan solIn) {
	r := &solRun{c: c, heard: time.Now(), spoke: time.Now(), asked: time.Now(), answered: time.Now()}
	timer := time.NewTimer(r.wait())
	defer timer.Stop()
	if err := r.knock(); err != nil {
		c.finish(err, true)
		return
	}
	for {
		typing := c.in
		if r.busy {
			typing = nil
		}
		var err error
		select {
		case <-c.stop:
			c.finish(io.EOF, true)
			return
		case in := <-packets:
			err = r.take(in)
		case r.now = <-typing:
			r.busy, r.left, r.refusal = true, r.now.chars, 0
			err = r.offer()
		case <-timer.C:
			err = r.tick()
		}
		if err != nil {
			c.finish(err, !errors.Is(err, ErrUnreachable))
			return
		}
		timer.Reset(r.wait())
	}
}

// wait is how long nothing is to be done.
func (r *solRun) wait() time.Duration {
	next := r.due()
	if !r.again.IsZero() && r.again.Before(next) {
		next = r.again
	}
	return max(time.Until(next), time.Millisecond)
}

// knock sends a packet without characters. Only the controller that still has this console acknowledges it.
func (r *solRun) knock() error {
	r.now = typed{taken: make(chan error, 1)}
	r.busy, r.left, r.refusal = true, nil, 0
	return r.offer()
}

// due is when the controller is to be asked again. It is asked while output flows, too: to some, only IPMI commands
// keep a session alive, and some end it after half a minute.
func (r *solRun) due() time.Time {
	if r.asked.After(r.answered) && r.asked.After(r.heard) {
		return r.asked.Add(slowest)
	}
	return r.asked.Add(r.c.times.alive)
}

// offer sends what is left of what is typed as a new packet.
func (r *solRun) offer() error {
	r.tries, r.resend, r.begun = 0, r.c.times.resend, time.Now()
	return r.post(r.sol.send(r.left, r.now.brk))
}

func (r *solRun) post(p types.SOLPayloadPacket) error {
	r.tries++
	r.again = time.Now().Add(r.resend)
	r.resend = min(2*r.resend, slowest, r.c.times.alive)
	return r.socket(r.c.sendSOL(p))
}

// passing tells an error that the network sends back, and that may pass.
func passing(err error) bool {
	return errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.EHOSTUNREACH) || errors.Is(err, syscall.ENETUNREACH)
}

// socket judges an error of the socket: how long the controller is silent is measured anyway.
func (r *solRun) socket(err error) error {
	if err == nil || passing(err) {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrUnreachable, err)
}

// done answers the one who typed.
func (r *solRun) done(err error) {
	r.busy, r.again, r.left = false, time.Time{}, nil
	r.now.taken <- err
}

// tick does what is due.
func (r *solRun) tick() error {
	now := time.Now()
	if silence := now.Sub(r.heard); silence > r.c.times.dead {
		return fmt.Errorf("%w: the console has been silent for %v, and it does not answer either", ErrUnreachable, silence.Round(time.Second))
	}
	if !r.again.IsZero() && !now.Before(r.again) {
		if err := r.repeat(); err != nil {
			return err
		}
	}
	if now.Before(r.due()) {
		return nil
	}
	// That serial over LAN is on says nothing: another session may have it. So it is spoken to, too.
	if r.empties && !r.busy && now.Sub(r.spoke) >= r.c.times.alive {
		if err := r.knock(); err != nil {
			return err
		}
	}
	return r.inquire()
}

// repeat sends what was not acknowledged.
func (r *solRun) repeat() error {
	if !r.sol.waiting { // a line that took nothing is offered the rest
		return r.offer()
	}
	if r.tries < r.c.times.tries {
		if r.tries == r.c.times.tries/2 {
			if err := r.inquire(); err != nil {
				return err
			}
		}
		return r.post(r.sol.again())
	}
	if knocking := len(r.left) == 0 && !r.now.brk; knocking && !r.empties {
		r.sol.waiting = false // it does not know such packets
		r.done(nil)
		return nil
	}
	if r.answered.After(r.begun) {
		return fmt.Errorf("%w: it answers, and no longer to this console", ErrTaken)
	}
	return fmt.Errorf("%w: it takes nothing of what is typed, not in %d tries", ErrUnreachable, r.tries)
}

// inquire asks whether serial over LAN is on, which every controller answers somehow.
func (r *solRun) inquire() error {
	r.asked = time.Now()
	return r.socket(r.c.ask(&transport.GetPayloadActivationStatusRequest{PayloadType: types.PayloadTypeSOL}))
}

// take takes in what came.
func (r *solRun) take(in solIn) error {
	if in.err != nil {
		return r.socket(in.err)
	}
	r.heard = time.Now()
	if in.status != nil && !in.status.Instance01Activated {
		return ErrTaken
	}
	if in.sol == nil {
		r.answered = r.heard
		return nil
	}
	r.spoke = r.heard
	got, err := r.sol.receive(*in.sol)
	r.c.lost.Store(r.sol.lost)
	if errors.Is(err, errSOLEnded) {
		return ErrTaken
	}
	if err != nil {
		return err
	}
	if len(got.data) > 0 {
		select {
		case r.c.out <- append([]byte(nil), got.data...):
		case <-r.c.stop:
		}
	}
	if got.ack != nil {
		if err := r.socket(r.c.sendSOL(*got.ack)); err != nil {
			return err
		}
	}
	if got.acked && r.busy {
		return r.acked(got)
	}
	return nil
}

// acked goes on after a packet of ours was answered.
func (r *solRun) acked(got received) error {
	r.left = r.left[got.taken:]
	switch {
	case len(r.left) == 0:
		r.empties = r.empties || len(r.now.chars) == 0
		r.done(nil)
		return nil
	case got.taken > 0:
		r.refusal = 0
		return r.offer()
	}
	if r.refusal++; r.refusal >= refused || got.down {
		r.done(ErrLineDown)
		return nil
	}
	r.again = time.Now().Add(100 * time.Millisecond) // a busy line, at 9600 baud: later
	return nil
}
