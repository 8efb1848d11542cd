package main

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// work is one thing that boot servers do, and who does it.
type work struct {
	name  string // as in the document, e.g. "boot scripts, 10,000 machines known"
	aim   string // what ours shall reach, in words
	unit  string // what a server does per second, e.g. "scripts/s", "MB/s"
	cost  string // what its CPU time is counted per, e.g. "µs CPU/script", "CPU-s/GB"
	per   float64
	peers []peer // ours first
	// check, when not nil, looks at one answer of each server before its turn, closer than load can.
	check func(ctx context.Context, b *bed) error
	// warm, when not nil, is the load before the measured one; nil: a fifth of it.
	warm func(ctx context.Context, b *bed) (result, error)
	// load loads the server for about d and counts what it did. It must fail when an answer is wrong: a wrong
	// answer is quick.
	load  func(ctx context.Context, b *bed, d time.Duration) (result, error)
	least time.Duration // how long a turn lasts at least: a p99 wants many answers
}

// peer is a server that can be measured. start starts it in the servers' namespace and returns once it
// answers; what it keeps in the bed's folder stays for the next turn.
type peer struct {
	name  string
	start func(ctx context.Context, b *bed) (*server, error)
}

// result is what a load saw.
type result struct {
	done    float64 // in the work's unit, without "/s"
	elapsed time.Duration
	lost    int             // requests without an answer; any other failure is an error
	times   []time.Duration // of single answers, where that is asked; else nil
}

// turn is what one turn of one peer gave.
type turn struct {
	rate float64 // units/s
	cost float64 // of the server's CPU, by the work's cost
	p50  time.Duration
	p99  time.Duration
	rss  int64
	lost int
}

// measurement is what a work gave: turns[i] are those of peers[i], in order.
type measurement struct {
	work  work
	turns [][]turn
}

// measure gives each peer its turns, one after the other, round by round: what disturbs the machine meets all.
func measure(ctx context.Context, b *bed, w work, o options) (measurement, error) {
	m := measurement{work: w, turns: make([][]turn, len(w.peers))}
	for round := range o.rounds {
		for i := range w.peers {
			if round%2 == 1 {
				i = len(w.peers) - 1 - i // there and back: a trend favours nobody
			}
			t, err := takeTurn(ctx, b, w, w.peers[i], o.time)
			if err != nil {
				return m, fmt.Errorf("%s: %w", w.peers[i].name, err)
			}
			m.turns[i] = append(m.turns[i], t)
			fmt.Printf("  %-28s %s\n", w.peers[i].name, t.words(w))
		}
	}
	return m, nil
}

func takeTurn(ctx context.Context, b *bed, w work, p peer, d time.Duration) (turn, error) {
	s, err := p.start(ctx, b)
	if err != nil {
		return turn{}, err
	}
	defer s.stop()
	if w.check != nil {
		if err := w.check(ctx, b); err != nil {
			return turn{}, fmt.Errorf("its answer: %w; it said: %s", err, s.said())
		}
	}
	warm := w.warm
	if warm == nil {
		warm = func(ctx context.Context, b *bed) (result, error) { return w.load(ctx, b, d/5) }
	}
	if _, err := warm(ctx, b); err != nil {
		return turn{}, fmt.Errorf("warming up: %w; it said: %s", err, s.said())
	}
	before, err := s.usage()
	if err != nil {
		return turn{}, err
	}
	r, err := w.load(ctx, b, max(d, w.least))
	if err != nil {
		return turn{}, fmt.Errorf("%w; it said: %s", err, s.said())
	}
	after, err := s.usage()
	if err != nil {
		return turn{}, err
	}
	if r.done == 0 {
		return turn{}, fmt.Errorf("it did nothing, and said: %s", s.said())
	}
	t := turn{rate: r.done / r.elapsed.Seconds(), cost: (after.cpu - before.cpu).Seconds() * w.per / r.done, rss: after.rss, lost: r.lost}
	if len(r.times) > 0 {
		slices.Sort(r.times)
		t.p50, t.p99 = r.times[len(r.times)/2], r.times[len(r.times)*99/100]
	}
	return t, nil
}

// summary is a peer's middle turn in each respect, and how ours compares.
type summary struct {
	turn
	faster  float64 // ours/peer in rate, median of the rounds; 1 for ours
	cheaper float64 // peer/ours in cost, likewise
	quicker float64 // peer/ours in p99, likewise; 0 when no times were taken
}

func (m measurement) summaries() []summary {
	all := make([]summary, len(m.turns))
	for i, turns := range m.turns {
		s := &all[i]
		s.rate = median(turns, func(t turn) float64 { return t.rate })
		s.cost = median(turns, func(t turn) float64 { return t.cost })
		s.p50 = time.Duration(median(turns, func(t turn) float64 { return float64(t.p50) }))
		s.p99 = time.Duration(median(turns, func(t turn) float64 { return float64(t.p99) }))
		s.rss = int64(median(turns, func(t turn) float64 { return float64(t.rss) }))
		for _, t := range turns {
			s.lost += t.lost
		}
		var faster, cheaper, quicker []float64
		for r, t := range turns {
			ours := m.turns[0][r]
			faster = append(faster, ours.rate/t.rate)
			cheaper = append(cheaper, t.cost/max(ours.cost, 1e-12))
			quicker = append(quicker, float64(t.p99)/max(float64(ours.p99), 1))
		}
		self := func(f float64) float64 { return f }
		s.faster, s.cheaper, s.quicker = median(faster, self), median(cheaper, self), median(quicker, self)
	}
	return all
}

// median is the middle value, of an even number the mean of the middle two.
func median[T any](list []T, value func(T) float64) float64 {
	if len(list) == 0 {
		return 0
	}
	v := make([]float64, 0, len(list))
	for _, x := range list {
		v = append(v, value(x))
	}
	slices.Sort(v)
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}
