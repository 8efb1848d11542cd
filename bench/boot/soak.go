package main

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// How a soak goes: loads of soakBurst with pauses as long, which is half of the rate that a server reaches.
const (
	soakBurst = time.Second
	// A server's memory may still grow in the first fifth of the time: caches fill, and the heap finds its size.
	soakWarm = 5
	// Afterwards it may be this much more at the end than in the beginning, the noise of the heap.
	soakNoise = 8 << 20
)

// soak loads ours for d at half the rate that it reaches, and fails when its memory does not stay flat.
func soak(ctx context.Context, b *bed, w work, d time.Duration) error {
	s, err := w.peers[0].start(ctx, b)
	if err != nil {
		return err
	}
	defer s.stop()
	var sizes []int64
	var done float64
	lost := 0
	pause := time.NewTicker(2 * soakBurst)
	defer pause.Stop()
	for began, told := time.Now(), time.Now(); time.Since(began) < d; {
		r, err := w.load(ctx, b, soakBurst)
		if err != nil {
			return fmt.Errorf("after %s: %w; it said: %s", time.Since(began).Round(time.Second), err, s.said())
		}
		u, err := s.usage()
		if err != nil {
			return err
		}
		done, lost, sizes = done+r.done, lost+r.lost, append(sizes, u.rss)
		if time.Since(told) > time.Minute {
			told = time.Now()
			fmt.Printf("  %6s  %.0f done, %d lost, %d MiB\n", time.Since(began).Round(time.Second), done, lost, u.rss>>20)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-pause.C:
		}
	}
	first, last, err := flat(sizes)
	fmt.Printf("  %s: %.0f done in %s at half the rate that is reached, %d lost, memory %d MiB in the beginning and %d MiB at the end\n",
		w.peers[0].name, done, d, lost, first>>20, last>>20)
	return err
}

// flat tells whether memory stayed what it was: it compares the middle of the second fifth of the time with that of the
// last.
func flat(sizes []int64) (first, last int64, err error) {
	n := len(sizes) / soakWarm
	if n == 0 {
		return 0, 0, fmt.Errorf("%d looks at the memory are too few: soak for longer", len(sizes))
	}
	middle := func(of []int64) int64 { of = slices.Sorted(slices.Values(of)); return of[len(of)/2] }
	first, last = middle(sizes[n:2*n]), middle(sizes[len(sizes)-n:])
	if last > first+soakNoise {
		return first, last, fmt.Errorf("memory grew from %d to %d MiB", first>>20, last>>20)
	}
	return first, last, nil
}
