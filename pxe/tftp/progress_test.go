package tftp

import (
	"testing"
	"time"
)

// everySent plays what the loop does: all that is due goes out.
func everySent(p *progress) {
	if p.sent < 0 {
		p.sent = 0
	}
	p.sent = max(p.sent, p.target())
}

func TestProgress(t *testing.T) {
	p := newProgress(10*1000, terms{block: 1000, window: 4, oack: []byte{0, 6}}) // 11 blocks, the last one empty
	everySent(&p)
	for _, step := range []struct {
		ack  uint16
		want verdict
		sent int64 // after it
		why  string
	}{
		{5, ignore, 0, "nothing but the OACK was sent"},
		{0, advance, 4, "the OACK"},
		{0, ignore, 4, "the OACK again: Sorcerer's Apprentice"},
		{4, advance, 8, "a whole window"},
		{4, ignore, 8, "it again"},
		{2, ignore, 8, "an old one"},
		{9, ignore, 8, "a block that was not sent"},
		{6, back, 10, "7 is lost"},
		{6, ignore, 10, "the client saw 8 too, and says 6 again"},
		{10, advance, 11, "all that was sent"},
		{11, done, 11, "the end"},
	} {
		if got := p.ack(step.ack); got != step.want {
			t.Fatalf("acknowledgement %d (%s): %d, not %d", step.ack, step.why, got, step.want)
		}
		everySent(&p)
		if p.sent != step.sent {
			t.Fatalf("acknowledgement %d (%s): %d is sent, not %d", step.ack, step.why, p.sent, step.sent)
		}
	}
}

func TestProgressRollsOver(t *testing.T) {
	p := newProgress(8*200_000, terms{block: 8, window: 1})
	for n := int64(1); ; n++ {
		everySent(&p)
		v := p.ack(uint16(n))
		if n == 200_001 {
			if v != done {
				t.Fatalf("block %d: %d", n, v)
			}
			return
		}
		if v != advance {
			t.Fatalf("block %d: %d", n, v)
		}
		if p.ack(uint16(n)) != ignore {
			t.Fatalf("block %d again is not ignored", n)
		}
	}
}

// FuzzProgress wants, whatever is acknowledged in whatever order, that nothing counts as received that was
// not sent, that the window holds, and that only news makes the sender send.
func FuzzProgress(f *testing.F) {
	f.Add(uint32(10_000), uint16(1000), uint16(4), true, []byte{0, 0, 4, 4, 6, 10, 11})
	f.Add(uint32(0), uint16(512), uint16(1), false, []byte{1, 1})
	f.Add(uint32(1<<20), uint16(8), uint16(16), true, []byte{0, 16, 255})
	f.Fuzz(func(t *testing.T, size uint32, block, window uint16, options bool, acks []byte) {
		tm := terms{block: max(int(block), minBlock), window: min(max(int(window), 1), MaxWindow)}
		if options {
			tm.oack = []byte{0, 6}
		}
		p := newProgress(int64(size), tm)
		for _, a := range acks {
			everySent(&p)
			before := p
			v := p.ack(uint16(before.acked) + uint16(a) - 8)
			if p.acked < before.acked || p.acked > before.sent || p.sent > p.acked+p.window || p.sent > p.blocks {
				t.Fatalf("%+v became %+v", before, p)
			}
			if (v == ignore) != (p.acked == before.acked) {
				t.Fatalf("verdict %d for %+v, then %+v", v, before, p)
			}
			if (v == done) != (p.acked == p.blocks) {
				t.Fatalf("verdict %d at %+v", v, p)
			}
			if v == done {
				return
			}
		}
	})
}

func TestPace(t *testing.T) {
	p := newPace(2 * time.Second)
	if p.wait != firstWait {
		t.Errorf("first wait %s", p.wait)
	}
	for range 20 {
		p.sample(300 * time.Microsecond)
	}
	if p.wait != leastWait {
		t.Errorf("on a quick wire it waits %s", p.wait)
	}
	for range 20 {
		p.sample(600 * time.Millisecond)
	}
	if p.wait < 600*time.Millisecond || p.wait > 2*time.Second {
		t.Errorf("on a satellite it waits %s", p.wait)
	}
	for range 10 {
		p.lost()
	}
	if p.wait != 8*time.Second {
		t.Errorf("after many losses it waits %s", p.wait)
	}
	p.sample(time.Minute)
	if p.wait != 2*time.Second {
		t.Errorf("it waits %s, and no more than 2 s were allowed", p.wait)
	}
	if p := newPace(500 * time.Millisecond); p.wait != 500*time.Millisecond {
		t.Errorf("first wait %s, and 500 ms were allowed", p.wait)
	}
}
