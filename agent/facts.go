package agent

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"socle/agent/probe"
	"socle/api"
	"socle/hardware"
)

// listenFor is how long LLDP is listened for: switches speak every 30 s.
const listenFor = 40 * time.Second

// maxNeighbors bounds what one interface may hear; a hub shows a few, an attacker many.
const maxNeighbors = 8

// collect measures the machine and adds what LLDP told so far.
func (a *Agent) collect(ctx context.Context) hardware.Facts {
	measure := a.Collect
	if measure == nil {
		measure = a.Root.Collect
	}
	f := measure(ctx)
	a.mu.Lock()
	defer a.mu.Unlock()
	for i := range f.NICs {
		n := &f.NICs[i]
		n.LLDP = slices.Clone(a.neighbors[n.Name])
		n.Boot = n.Name == a.BootNIC && n.Name != "" || a.BootNIC == "" && a.Params.MAC != "" && strings.EqualFold(n.MAC, a.Params.MAC)
	}
	return f
}

// post sends facts until they are answered. A server that does not want them says so on the console; that is
// no reason to stop.
func (a *Agent) post(ctx context.Context, order string, f hardware.Facts) error {
	err := a.persist(ctx, "posting facts", func() error {
		return a.Client.Facts(ctx, api.FactsPost{Order: order, Facts: f})
	})
	if err == nil || errors.Is(err, ErrEnded) || ctx.Err() != nil {
		return err
	}
	a.Log.Error("The server does not take this machine's facts", "err", err)
	return nil
}

// listen hears LLDP on all interfaces for a while in the background and posts the facts again when something
// new was heard. The returned group ends when ctx does, or when the time is over.
func (a *Agent) listen(ctx context.Context, f hardware.Facts) *sync.WaitGroup {
	var wg sync.WaitGroup
	if a.Listen == nil {
		return &wg
	}
	news := make(chan struct{}, 1)
	lctx, cancel := context.WithTimeout(ctx, listenFor)
	var listeners sync.WaitGroup
	for _, nic := range f.NICs {
		listeners.Go(func() {
			err := a.Listen(lctx, nic.Name, func(n hardware.Neighbor) {
				if a.heard(nic.Name, n) {
					select {
					case news <- struct{}{}:
					default:
					}
				}
			})
			if err != nil {
				a.Log.Warn("Cannot listen for the switch", "nic", nic.Name, "err", err)
			}
		})
	}
	wg.Go(func() { listeners.Wait(); cancel(); close(news) })
	wg.Go(func() {
		for range news {
			select { // more may come at once
			case <-time.After(time.Second):
			case <-ctx.Done():
				return
			}
			if err := a.post(ctx, "", a.collect(ctx)); err != nil {
				return // the main loop meets the same error and says it
			}
		}
	})
	return &wg
}

// heard keeps a neighbour and tells whether it is new.
func (a *Agent) heard(nic string, n hardware.Neighbor) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	known := a.neighbors[nic]
	for i, k := range known {
		if k.ChassisID == n.ChassisID && k.PortID == n.PortID {
			known[i] = n
			return k.PortDesc != n.PortDesc || k.SystemName != n.SystemName
		}
	}
	if len(known) >= maxNeighbors {
		return false
	}
	a.neighbors[nic] = append(known, n)
	a.Log.Info("Heard the switch", "nic", nic, "switch", probe.Clean(n.SystemName+" "+n.ChassisID), "port", n.PortID)
	return true
}
