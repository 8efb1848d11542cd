package bmc

import (
	"errors"
	"fmt"

	"github.com/bougou/go-ipmi/pkg/types"
)

// Bits of the fourth byte of a SOL packet (IPMI 2.0 table 15-2). From the controller: status.
const (
	solNACK        = 1 << 6 // what came was not, or not all, taken
	solUnavailable = 1 << 5 // the serial line takes nothing, as while the server is off
	solDeactivated = 1 << 4 // serial over LAN ends
	solOverrun     = 1 << 3 // output was lost before this packet
)

// solBreak is the only operation that we ask for: a break on the line.
const solBreak = 1 << 4

// ErrLineDown says that what was typed did not reach the server: its serial line takes nothing.
var ErrLineDown = errors.New("the server's serial line takes nothing just now: is it switched on?")

// sol is the state of serial over LAN between two ends (IPMI 2.0 section 15.9 to 15.11). Each side has at most one
// packet under way, numbered 1 to 15, and sends it again until the other has acknowledged it by its number and by how
// many characters it took.
type sol struct {
	outSeq  uint8  // number of the last packet with characters that we sent; 0: none yet
	out     []byte // what of it is not taken yet
	outBrk  bool   // it carries a break
	waiting bool   // for its acknowledgement

	inSeq   uint8 // number of the last packet with characters that came; 0: none yet
	inCount uint8 // how many of its characters are taken

	lost uint64
}

// next is the packet number that follows.
func nextSeq(n uint8) uint8 { return n%15 + 1 }

// send makes the packet for characters or a break; the last one must be done with.
func (s *sol) send(chars []byte, brk bool) types.SOLPayloadPacket {
	s.outSeq, s.out, s.outBrk, s.waiting = nextSeq(s.outSeq), chars, brk, true
	return s.again()
}

// again is the packet that is not acknowledged yet. It carries no acknowledgement of its own: those go by themselves,
// so that a packet that comes late takes nothing back.
func (s *sol) again() types.SOLPayloadPacket {
	p := types.SOLPayloadPacket{SequenceNumber: s.outSeq, CharacterData: s.out}
	if s.outBrk {
		p.ControlByte = solBreak
	}
	return p
}

// received is what a packet of the controller means.
type received struct {
	data  []byte                  // the server's output that is new
	ack   *types.SOLPayloadPacket // to be sent
	taken int                     // characters of ours, when acked
	acked bool                    // our packet is done with; what it did not take is for a new one
	down  bool                    // the line takes nothing
}

// errSOLEnded: the controller says that serial over LAN ends.
var errSOLEnded = errors.New("the BMC has ended serial over LAN")

// receive takes a packet in.
func (s *sol) receive(p types.SOLPayloadPacket) (received, error) {
	var r received
	if p.ControlByte&solDeactivated != 0 {
		return r, errSOLEnded
	}
	if p.ControlByte&solOverrun != 0 {
		s.lost++
	}
	r.down = p.ControlByte&solUnavailable != 0
	if s.waiting && p.AckedSequenceNumber == s.outSeq && s.outSeq != 0 {
		// Some count nothing when they took all: only a NACK makes the count mean what it says.
		r.acked, r.taken = true, len(s.out)
		if p.ControlByte&solNACK != 0 || p.AcceptedCharacterCount > 0 {
			r.taken = min(int(p.AcceptedCharacterCount), len(s.out))
		}
		s.waiting, s.out = false, nil
	}
	if p.SequenceNumber == 0 {
		return r, nil
	}
	if len(p.CharacterData) > 255 {
		return r, fmt.Errorf("it sent %d characters in a packet, and 255 is what can be acknowledged", len(p.CharacterData))
	}
	r.data = s.fresh(p)
	r.ack = &types.SOLPayloadPacket{AckedSequenceNumber: s.inSeq, AcceptedCharacterCount: s.inCount}
	return r, nil
}

// fresh is what of a packet's characters did not come before. A packet that is sent again has its old number, and may
// have grown.
func (s *sol) fresh(p types.SOLPayloadPacket) []byte {
	n := uint8(len(p.CharacterData)) //nolint:gosec // receive has bounded it
	switch ahead := (int(p.SequenceNumber) - int(s.inSeq) + 15) % 15; {
	case s.inSeq == 0 || ahead == 1:
	case ahead == 0:
		if n <= s.inCount {
			return nil
		}
		fresh := p.CharacterData[s.inCount:]
		s.inCount = n
		return fresh
	case ahead > 7: // an old one that was long under way
		return nil
	default: // those between are gone
		s.lost++
	}
	s.inSeq, s.inCount = p.SequenceNumber, n
	return p.CharacterData
}
