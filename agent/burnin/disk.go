package burnin

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"syscall"
	"time"

	"socle/api"
)

const (
	large = 1 << 20 // bytes of one sequential read
	small = 4 << 10 // bytes of one random read
)

// reading is what reading one disk gave.
type reading struct {
	Disk
	count int64
	took  time.Duration
	err   error
}

// disks reads each disk alone, and then all at once.
func (r *run) disks(ctx context.Context) {
	if len(r.Disks) == 0 {
		r.note("no disk was found to be read")
		return
	}
	before := r.health(true)
	defer r.compareHealth(before)
	each := r.part(2*len(r.Disks) + 2)
	for _, random := range []bool{false, true} {
		for _, d := range r.Disks {
			r.tellDisk(read(ctx, each, []Disk{d}, random)[0], random, "")
		}
		if len(r.Disks) > 1 {
			for _, got := range read(ctx, each, r.Disks, random) {
				r.tellDisk(got, random, ".all")
			}
		}
	}
}

func (r *run) tellDisk(d *reading, random bool, suffix string) {
	if d.err != nil {
		r.failed(api.TestDisk, d.Name, d.Serial, "disk %s (%s): %v", d.Serial, d.Name, d.err)
		return
	}
	rate := float64(d.count) / max(d.took.Seconds(), 1e-9)
	if random {
		r.measured("disk.read.random"+suffix, d.Name, d.Serial, "1/s", rate)
		return
	}
	r.measured("disk.read.sequential"+suffix, d.Name, d.Serial, "kB/s", rate*large/1000)
}

// read reads disks at the same time.
func read(ctx context.Context, d time.Duration, disks []Disk, random bool) []*reading {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	all := make([]*reading, len(disks))
	var wg sync.WaitGroup
	for i := range disks {
		all[i] = &reading{Disk: disks[i]}
		wg.Go(func() {
			begun := time.Now()
			all[i].err = all[i].read(ctx, random)
			all[i].took = time.Since(begun)
		})
	}
	wg.Wait()
	return all
}

// read reads past the cache of the kernel, at least once.
func (d *reading) read(ctx context.Context, random bool) error {
	size := int64(large)
	if random {
		size = small
	}
	blocks := d.Bytes / size
	if blocks < 1 {
		return fmt.Errorf("it has %d bytes only", d.Bytes)
	}
	f, err := os.OpenFile(d.Path, os.O_RDONLY|syscall.O_DIRECT, 0)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	buf, err := syscall.Mmap(-1, 0, int(size), syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_PRIVATE|syscall.MAP_ANON) // O_DIRECT wants pages
	if err != nil {
		return err
	}
	defer func() { _ = syscall.Munmap(buf) }()
	where := rand.New(rand.NewPCG(1, 2)) // the same places each time
	for d.count == 0 || ctx.Err() == nil {
		at := d.count % blocks
		if random {
			at = where.Int64N(blocks)
		}
		if _, err := f.ReadAt(buf, at*size); err != nil {
			return fmt.Errorf("reading %d bytes at %d: %w", size, at*size, err)
		}
		d.count++
	}
	return nil
}
