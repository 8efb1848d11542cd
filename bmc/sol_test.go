package bmc

import (
	"bytes"
	"errors"
	"testing"

	"github.com/bougou/go-ipmi/pkg/types"
)

func from(seq, ack, count, status uint8, text string) types.SOLPayloadPacket {
	return types.SOLPayloadPacket{SequenceNumber: seq, AckedSequenceNumber: ack, AcceptedCharacterCount: count, ControlByte: status, CharacterData: []byte(text)}
}

// TestSOLReceive: each character comes once, whatever is sent again, and each packet is acknowledged.
func TestSOLReceive(t *testing.T) {
	var s sol
	var all bytes.Buffer
	for _, c := range []struct {
		name  string
		p     types.SOLPayloadPacket
		acked uint8 // by us; 0: nothing is sent
		count uint8
	}{
		{"first, at any number", from(14, 0, 0, 0, "a"), 14, 1},
		{"next", from(15, 0, 0, 0, "bc"), 15, 2},
		{"the same again", from(15, 0, 0, 0, "bc"), 15, 2},
		{"the same, grown", from(15, 0, 0, 0, "bcd"), 15, 3},
		{"the same, shrunk", from(15, 0, 0, 0, "b"), 15, 3},
		{"an old one", from(14, 0, 0, 0, "a"), 15, 3},
		{"number 0 is skipped", from(1, 0, 0, 0, "e"), 1, 1},
		{"an acknowledgement only", from(0, 3, 1, 0, ""), 0, 0},
		{"one is missing", from(3, 0, 0, 0, "g"), 3, 1},
		{"it says that some are lost", from(4, 0, 0, solOverrun, "h"), 4, 1},
	} {
		r, err := s.receive(c.p)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		all.Write(r.data)
		switch {
		case c.acked == 0 && r.ack != nil:
			t.Errorf("%s: acknowledged", c.name)
		case c.acked != 0 && (r.ack == nil || r.ack.AckedSequenceNumber != c.acked || r.ack.AcceptedCharacterCount != c.count || r.ack.SequenceNumber != 0):
			t.Errorf("%s: answered %+v, want %d of packet %d", c.name, r.ack, c.count, c.acked)
		}
	}
	if all.String() != "abcdegh" || s.lost != 2 {
		t.Errorf("%q, lost %d times", all.String(), s.lost)
	}
	if _, err := s.receive(from(5, 0, 0, solDeactivated, "x")); !errors.Is(err, errSOLEnded) {
		t.Errorf("after its end: %v", err)
	}
	if _, err := s.receive(from(5, 0, 0, 0, string(make([]byte, 256)))); err == nil {
		t.Error("256 characters are taken")
	}
}

// TestSOLSend: what is taken is told by number, count and NACK.
func TestSOLSend(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer types.SOLPayloadPacket
		acked  bool
		taken  int
		down   bool
	}{
		{"all", from(0, 1, 4, 0, ""), true, 4, false},
		{"all, with output", from(7, 1, 4, 0, "out"), true, 4, false},
		{"all, not counted", from(0, 1, 0, 0, ""), true, 4, false},
		{"some", from(0, 1, 2, solNACK, ""), true, 2, false},
		{"some, without a NACK", from(0, 1, 2, 0, ""), true, 2, false},
		{"none: the line is down", from(0, 1, 0, solNACK|solUnavailable, ""), true, 0, true},
		{"more than there were", from(0, 1, 9, 0, ""), true, 4, false},
		{"another packet", from(0, 2, 4, 0, ""), false, 0, false},
		{"no packet", from(3, 0, 0, 0, "out"), false, 0, false},
	} {
		var s sol
		if p := s.send([]byte("text"), false); p.SequenceNumber != 1 || string(p.CharacterData) != "text" || p.ControlByte != 0 {
			t.Errorf("sent %+v", p)
		}
		r, err := s.receive(c.answer)
		if err != nil || r.acked != c.acked || r.taken != c.taken || r.down != c.down {
			t.Errorf("%s: %+v, %v", c.name, r, err)
		}
		if p := s.again(); !c.acked && string(p.CharacterData) != "text" {
			t.Errorf("%s: again %+v", c.name, p)
		}
	}
	s := sol{outSeq: 15}
	if p := s.send(nil, true); p.SequenceNumber != 1 || p.ControlByte != solBreak {
		t.Errorf("a break after 15 is %+v", p)
	}
}

// FuzzSOL: whatever a controller sends, no more comes out than came in, and what is acknowledged is what came last.
func FuzzSOL(f *testing.F) {
	f.Add([]byte{1, 0, 0, 0, 'a', 'b'}, []byte{2, 1, 1, 0, 'c'})
	f.Add([]byte{0, 1, 255, 0x40}, []byte{9, 1, 0, 0x60, 'x'})
	f.Add([]byte{15, 0, 0, 0x08}, []byte{1, 0, 0, 0x10})
	f.Add([]byte{3}, []byte{})
	f.Fuzz(func(t *testing.T, one, two []byte) {
		var s sol
		s.send([]byte("typed"), false)
		for _, b := range [][]byte{one, two, one, two} {
			var p types.SOLPayloadPacket
			if p.Unpack(b) != nil {
				continue
			}
			r, err := s.receive(p)
			if err != nil {
				continue
			}
			if len(r.data) > len(p.CharacterData) || !bytes.HasSuffix(p.CharacterData, r.data) || r.taken > 5 || r.taken < 0 {
				t.Fatalf("%+v of %+v", r, p)
			}
			if (r.ack != nil) != (p.SequenceNumber != 0) {
				t.Fatalf("answered %+v to %+v", r.ack, p)
			}
			if r.acked && s.waiting {
				t.Fatal("acknowledged and still waiting")
			}
		}
	})
}
