package burnin

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"syscall"
	"time"
)

// sector is how much a disk writes at once at least: each carries a mark of its own.
const sector = 512

// pattern is what is written. No two sectors are the same, and none is like one of an earlier use, so that a block that was
// not written, or was written somewhere else, is known.
type pattern struct {
	base []byte // large, by chance

	mu   sync.Mutex
	use  uint64
	over map[string]*covered // by serial number
}

// covered is how much of a disk was written in sequence, and how much of it read back.
type covered struct {
	Disk
	next, written, back int64 // blocks of large
}

func newPattern(seed uint64) *pattern {
	p := &pattern{base: make([]byte, large), use: seed, over: map[string]*covered{}}
	chance := rand.New(rand.NewPCG(seed, seed))
	for i := 0; i < large; i += 8 {
		binary.LittleEndian.PutUint64(p.base[i:], chance.Uint64())
	}
	return p
}

// fill makes the block that belongs at a place.
func (p *pattern) fill(buf []byte, at int64, use uint64) {
	copy(buf, p.base[at%large:])
	for i := 0; i+sector <= len(buf); i += sector {
		binary.LittleEndian.PutUint64(buf[i:], uint64(at)+uint64(i)) //nolint:gosec // both are positive
		binary.LittleEndian.PutUint64(buf[i+8:], use)
	}
}

// compare tells what is wrong with a block that was read back.
func (p *pattern) compare(got, want []byte, at int64) error {
	if bytes.Equal(got, want) {
		return nil
	}
	for i := 0; i+sector <= len(got); i += sector {
		g, w := got[i:i+sector], want[i:i+sector]
		if bytes.Equal(g, w) {
			continue
		}
		if other := binary.LittleEndian.Uint64(g); bytes.Equal(g[8:16], w[8:16]) && other != uint64(at)+uint64(i) { //nolint:gosec // both are positive
			return fmt.Errorf("the sector at byte %d gave back what was written at byte %d", at+int64(i), other)
		}
		return fmt.Errorf("the sector at byte %d gave back other bytes than were written", at+int64(i))
	}
	return fmt.Errorf("the block at byte %d gave back other bytes than were written", at)
}

// begin gives a use of a disk a number of its own, and the place where the one before it ended.
func (p *pattern) begin(u *usage, random bool) (use uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.use++
	c := p.over[u.Serial]
	if c == nil {
		c = &covered{Disk: u.Disk}
		p.over[u.Serial] = c
	}
	if !random {
		u.first = c.next
	}
	return p.use
}

// write writes past the caches of the kernel and of the disk for half of the time, at least once, and reads back and compares in the rest
// of it. What is measured is the writing.
func (p *pattern) write(ctx context.Context, u *usage, size int64, random bool) error {
	f, buf, done, err := u.open(os.O_RDWR|syscall.O_EXCL, size)
	if err != nil {
		return err
	}
	defer done()
	use := p.begin(u, random)
	begun := time.Now()
	half := begun
	if until, ok := ctx.Deadline(); ok {
		half = begun.Add(until.Sub(begun) / 2)
	}
	for at := range u.places(size, random) {
		if u.count > 0 && (ctx.Err() != nil || time.Now().After(half)) {
			break
		}
		p.fill(buf, at, use)
		if _, err := f.WriteAt(buf, at); err != nil {
			return fmt.Errorf("writing %d bytes at %d: %w", size, at, err)
		}
		u.count++
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("bringing what was written to the medium: %w", err)
	}
	u.took = time.Since(begun)
	back, err := p.readBack(ctx, f, u, buf, random, use)
	if !random {
		p.cover(u, back)
	}
	return err
}

// readBack compares what a use wrote, at least one block and as many as there is time for.
func (p *pattern) readBack(ctx context.Context, f *os.File, u *usage, buf []byte, random bool, use uint64) (n int64, err error) {
	size := int64(len(buf))
	want := make([]byte, size)
	again := *u
	again.first += max(0, u.count-u.Bytes/size) // a use that came round wrote its first blocks again
	for at := range again.places(size, random) {
		if n == u.count || n == u.Bytes/size || n > 0 && ctx.Err() != nil {
			return n, nil
		}
		if _, err := f.ReadAt(buf, at); err != nil {
			return n, fmt.Errorf("reading back %d bytes at %d: %w", size, at, err)
		}
		p.fill(want, at, use)
		if err := p.compare(buf, want, at); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

func (p *pattern) cover(u *usage, back int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := p.over[u.Serial]
	c.next, c.written, c.back = u.first+u.count, c.written+u.count, c.back+back
}

// note tells how much of each disk was written in sequence.
func (p *pattern) note(r *run) {
	for _, d := range r.Disks {
		if c := p.over[d.Serial]; c != nil {
			whole := max(d.Bytes/large, 1)
			r.note("disk %s (%s): %.3g %% of it was written in sequence, and %.3g %% read back and compared", d.Serial, d.Name,
				100*float64(min(c.written, whole))/float64(whole), 100*float64(min(c.back, whole))/float64(whole))
		}
	}
}
