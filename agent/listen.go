package agent

import (
	"context"
	"sync"
	"time"

	"socle/agent/cable"
	"socle/agent/probe"
	"socle/api"
	"socle/hardware"
)

// How the server is told of what is plugged in. A plug that is pushed in makes several changes in a row; a cable that is
// broken makes them all day.
const (
	debounce = 300 * time.Millisecond
	burst    = 10              // messages that may follow each other at once
	refill   = 5 * time.Second // until one more may
)

// listen hears LLDP on all interfaces and watches their links in the background, as long as the agent runs, and tells the
// server of every change. Without one it costs nothing: everything waits for the kernel. The returned group ends after ctx.
func (a *Agent) listen(ctx context.Context) *sync.WaitGroup {
	var wg sync.WaitGroup
	if a.Listen == nil {
		return &wg
	}
	var names []string
	for _, l := range a.ports.Links(a.Now()) {
		names = append(names, l.NIC)
		wg.Go(func() {
			err := a.Listen(ctx, l.NIC, func(n hardware.Neighbor) {
				if a.ports.Hear(l.NIC, n, a.Now()) {
					a.Log.Info("Heard the switch", "nic", l.NIC, "switch", probe.Clean(n.SystemName+" "+n.ChassisID), "port", n.PortID)
				}
			})
			if err != nil {
				a.Log.Warn("Cannot listen for the switch", "nic", l.NIC, "err", err)
			}
		})
	}
	if a.Links != nil {
		wg.Go(func() {
			err := a.Links(ctx, names, func(nic string, up bool, speed int) {
				if a.ports.Carrier(nic, up, speed, a.Now()) {
					a.Log.Info("The link changed", "nic", nic, "up", up)
				}
			})
			if err != nil {
				a.Log.Warn("Cannot watch the links", "err", err)
			}
		})
	}
	wg.Go(func() { a.tell(ctx) })
	return &wg
}

// tell tells the server what is plugged in whenever that has changed, until ctx or the session ends.
func (a *Agent) tell(ctx context.Context) {
	left, last := burst, a.Now()
	for {
		var timer <-chan time.Time // of what changes by itself
		if now, next := a.Now(), a.ports.Next(a.Now()); !next.IsZero() {
			timer = time.After(next.Sub(now))
		}
		select {
		case <-ctx.Done():
			return
		case <-a.ports.News():
		case <-timer:
		}
		now := a.Now()
		grown := int(now.Sub(last) / refill)
		left, last = min(burst, left+grown), last.Add(time.Duration(grown)*refill)
		pause := debounce
		if left--; left < 0 {
			left, pause = 0, refill
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		if err := a.postLinks(ctx); err != nil {
			return // the main loop meets the same error and says it
		}
	}
}

// postLinks tells the server what is plugged in, unless it knows.
func (a *Agent) postLinks(ctx context.Context) error {
	a.posting.Lock()
	defer a.posting.Unlock()
	var links []hardware.Link
	err := a.persist(ctx, "telling what is plugged in", func() error {
		links = a.ports.Links(a.Now()) // it may be otherwise by the time that the server answers
		if cable.Same(links, a.told) {
			return nil
		}
		return a.Client.Links(ctx, api.LinksPost{Links: links})
	})
	if err == nil {
		a.told = links
	}
	return a.refused(ctx, err, "The server does not want to know what is plugged in")
}
