// Package tftptest is a TFTP client for tests and measurements: many transfers at once from one goroutine,
// with windows, with datagrams that get lost on purpose, and with every byte compared. It is cheap, so that
// what is measured is the server, and strict, so that a wrong answer is an error and not a number.
package tftptest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Load says what clients do.
type Load struct {
	Server  netip.AddrPort
	Sources []netip.Addr // client i sends from Sources[i % len]; empty: from where the system likes
	File    string
	Want    []byte // what the file holds
	Clients int    // transfers at once
	// BlockSize and Window are asked for when they are not 0.
	BlockSize, Window int
	// For is how long; a client whose transfer ends begins another until then. 0: one transfer each.
	For time.Duration
	// Lose drops a part of the datagrams, both ways: 0.01 is one of a hundred.
	Lose float64
	Seed uint64        // of what is lost
	Wait time.Duration // until a client repeats itself (default 1 s)
	// GiveUp is how often a client repeats itself before its transfer has failed (default 10).
	GiveUp int
}

// Result is what the clients saw.
type Result struct {
	Bytes     int64 // of data, each counted once
	Transfers int   // that ended complete
	Elapsed   time.Duration
	Repeats   int             // how often a client had to repeat itself
	Extra     int64           // DATA blocks that came again or out of turn
	Times     []time.Duration // of whole transfers
}

// Run does it. A server that refuses, stays silent or sends wrong bytes is an error.
func (l Load) Run(ctx context.Context) (Result, error) {
	if l.Wait <= 0 {
		l.Wait = time.Second
	}
	if l.GiveUp <= 0 {
		l.GiveUp = 10
	}
	r := &runner{load: l, random: rand.New(rand.NewPCG(l.Seed, 1)), began: time.Now(), in: newInbox(l.BlockSize)} //nolint:gosec // repeatable losses
	var err error
	if r.ep, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return Result{}, fmt.Errorf("making an event loop: %w", err)
	}
	defer func() { _ = unix.Close(r.ep) }()
	defer r.closeAll()
	for i := range l.Clients {
		c := &client{run: r, fd: -1, number: i}
		r.clients = append(r.clients, c)
		if err := c.begin(); err != nil {
			return Result{}, err
		}
	}
	err = r.loop(ctx)
	r.result.Elapsed = time.Since(r.began)
	return r.result, err
}

type runner struct {
	load    Load
	random  *rand.Rand
	ep      int
	clients []*client
	byFD    []*client
	running int
	began   time.Time
	now     time.Duration
	scan    time.Duration
	in      *inbox
	result  Result
}

func (r *runner) loop(ctx context.Context) error {
	events := make([]unix.EpollEvent, 128)
	for r.running > 0 {
		n, err := r.wait(events)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("waiting for answers: %w", err)
		}
		r.now = time.Since(r.began)
		if r.load.For > 0 && r.now >= r.load.For {
			return nil
		}
		for i := range max(n, 0) {
			if c := r.byFD[events[i].Fd]; c != nil {
				if err := c.readable(); err != nil {
					return fmt.Errorf("client %d: %w", c.number, err)
				}
			}
		}
		if r.now < r.scan {
			continue
		}
		r.scan = r.now + 50*time.Millisecond
		if ctx.Err() != nil {
			return ctx.Err()
		}
		for _, c := range r.clients {
			if c.fd >= 0 && r.now-c.heard > r.load.Wait {
				if err := c.repeat(); err != nil {
					return fmt.Errorf("client %d: %w", c.number, err)
				}
			}
		}
	}
	return nil
}

// wait asks first without waiting, so that a busy client does not go by the Go scheduler.
func (r *runner) wait(events []unix.EpollEvent) (int, error) {
	n, _, err := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(r.ep), uintptr(unsafe.Pointer(&events[0])), uintptr(len(events)), 0, 0, 0) //nolint:gosec // the events outlive the call
	if err == 0 && n > 0 {
		return int(n), nil
	}
	return unix.EpollWait(r.ep, events, 50)
}

func (r *runner) closeAll() {
	for _, c := range r.clients {
		c.close()
	}
}

// lost decides about one datagram.
func (r *runner) lost() bool { return r.load.Lose > 0 && r.random.Float64() < r.load.Lose }
