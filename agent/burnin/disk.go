package burnin

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"

	"socle/api"
)

const (
	large = 1 << 20 // bytes of one sequential access
	small = 4 << 10 // bytes of one random access
)

// usage is one use of one disk, and what came of it.
type usage struct {
	Disk
	first int64 // where a sequential use begins, in blocks of its size
	count int64 // blocks that were read or written
	took  time.Duration
	err   error
}

// use is a way to use a disk until ctx ends: in blocks of a size, in sequence or at random places.
type use func(ctx context.Context, u *usage, size int64, random bool) error

// disks reads each disk alone, and then all at once; after that it writes to those that it may write to, in the same way.
func (r *run) disks(ctx context.Context) {
	if len(r.Disks) == 0 {
		r.note("no disk was found to be read")
		return
	}
	before := r.health(true)
	defer r.compareHealth(before)
	writable := slices.DeleteFunc(slices.Clone(r.Disks), func(d Disk) bool { return !slices.Contains(r.Write, d.Serial) })
	share := r.part(2 * (rounds(r.Disks) + rounds(writable)))
	r.using(ctx, share, r.Disks, "disk.read", read)
	if len(writable) > 0 {
		p := newPattern(rand.Uint64())
		r.using(ctx, share, writable, "disk.write", p.write)
		p.note(r)
	}
}

// rounds is how many uses there are of some disks, each alone and then all.
func rounds(disks []Disk) int {
	if len(disks) > 1 {
		return len(disks) + 1
	}
	return len(disks)
}

// using uses disks, each alone and then all at once, first in sequence and then at random places.
func (r *run) using(ctx context.Context, share time.Duration, disks []Disk, metric string, how use) {
	for _, random := range []bool{false, true} {
		for _, d := range disks {
			r.tellDisk(together(ctx, share, []Disk{d}, random, how)[0], metric, random, "")
		}
		if len(disks) > 1 {
			for _, u := range together(ctx, share, disks, random, how) {
				r.tellDisk(u, metric, random, ".all")
			}
		}
	}
}

func (r *run) tellDisk(u *usage, metric string, random bool, suffix string) {
	if u.err != nil {
		r.failed(api.TestDisk, u.Name, u.Serial, "disk %s (%s): %v", u.Serial, u.Name, u.err)
		return
	}
	rate := float64(u.count) / max(u.took.Seconds(), 1e-9)
	if random {
		r.measured(metric+".random"+suffix, u.Name, u.Serial, "1/s", rate)
		return
	}
	r.measured(metric+".sequential"+suffix, u.Name, u.Serial, "kB/s", rate*large/1000)
}

// together uses disks at the same time.
func together(ctx context.Context, share time.Duration, disks []Disk, random bool, how use) []*usage {
	ctx, cancel := context.WithTimeout(ctx, share)
	defer cancel()
	all := make([]*usage, len(disks))
	var wg sync.WaitGroup
	for i := range disks {
		all[i] = &usage{Disk: disks[i]}
		wg.Go(func() {
			size := int64(large)
			if random {
				size = small
			}
			if all[i].err = all[i].big(size); all[i].err == nil {
				all[i].err = how(ctx, all[i], size, random)
			}
		})
	}
	wg.Wait()
	return all
}

func (u *usage) big(size int64) error {
	if u.Bytes < size {
		return fmt.Errorf("it has %d bytes only", u.Bytes)
	}
	return nil
}

// read reads past the cache of the kernel, at least once.
func read(ctx context.Context, u *usage, size int64, random bool) error {
	f, buf, done, err := u.open(os.O_RDONLY, size)
	if err != nil {
		return err
	}
	defer done()
	begun := time.Now()
	defer func() { u.took = time.Since(begun) }()
	for at := range u.places(size, random) {
		if u.count > 0 && ctx.Err() != nil {
			return nil
		}
		if _, err := f.ReadAt(buf, at); err != nil {
			return fmt.Errorf("reading %d bytes at %d: %w", size, at, err)
		}
		u.count++
	}
	return nil
}

// open opens the disk past the cache of the kernel, and makes a block of memory for it.
func (u *usage) open(flags int, size int64) (f *os.File, buf []byte, done func(), err error) {
	if f, err = os.OpenFile(u.Path, flags|syscall.O_DIRECT, 0); err != nil {
		return nil, nil, nil, err
	}
	buf, err = syscall.Mmap(-1, 0, int(size), syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_PRIVATE|syscall.MAP_ANON) // O_DIRECT wants pages
	if err != nil {
		_ = f.Close()
		return nil, nil, nil, err
	}
	return f, buf, func() { _ = syscall.Munmap(buf); _ = f.Close() }, nil
}

// places are the bytes at which the blocks of a use begin, without end and the same each time.
func (u *usage) places(size int64, random bool) func(func(int64) bool) {
	return func(yield func(int64) bool) {
		blocks, where := u.Bytes/size, rand.New(rand.NewPCG(1, 2))
		for n := u.first; ; n++ {
			at := n % blocks
			if random {
				at = where.Int64N(blocks)
			}
			if !yield(at * size) {
				return
			}
		}
	}
}
