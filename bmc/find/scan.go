package find

import (
	"cmp"
	"context"
	"net/netip"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
)

// Found is an address at which a controller answers.
type Found struct {
	Addr    netip.Addr
	Port    uint16 // of its Redfish service
	IPMI    bool   // it answers a presence ping, and says that it speaks IPMI
	Redfish *Root  // nil: no Redfish service there
}

// Options are the bounds of a scan; a zero value means the default.
type Options struct {
	PingRate    int           // pings a second; 500
	Rounds      int           // how often an address that does not answer is pinged; 2
	PingWait    time.Duration // for the answers of a round; 1.5 s
	Parallel    int           // addresses that are asked for Redfish at a time; 64
	DialTimeout time.Duration // for a connection; 1.5 s
	HTTPTimeout time.Duration // for the whole question; 6 s, since some controllers think long over TLS
	AskWait     time.Duration // for answers to a question to everybody; 2 s
	// Ports are those of Redfish services that are known to be at another port than 443.
	Ports map[netip.Addr]uint16
}

func (o Options) withDefaults() Options {
	for _, n := range []struct {
		value    *int
		standard int
	}{{&o.PingRate, 500}, {&o.Rounds, 2}, {&o.Parallel, 64}} {
		if *n.value <= 0 {
			*n.value = n.standard
		}
	}
	for _, d := range []struct {
		value    *time.Duration
		standard time.Duration
	}{{&o.PingWait, 1500 * time.Millisecond}, {&o.DialTimeout, 1500 * time.Millisecond}, {&o.HTTPTimeout, 6 * time.Second}, {&o.AskWait, 2 * time.Second}} {
		if *d.value <= 0 {
			*d.value = d.standard
		}
	}
	return o
}

// Scan looks at all addresses and calls found for each at which a controller answers, as soon as that is known, one
// call at a time. Nothing is logged into. It returns early with an error only when ctx ends or no socket can be made.
func Scan(ctx context.Context, addrs []netip.Addr, o Options, found func(Found)) error {
	o = o.withDefaults()
	ipmi, err := o.ping(ctx, addrs)
	if err != nil {
		return err
	}
	results := make(chan Found)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(o.Parallel + 1)
	g.Go(func() error {
		for range addrs {
			select {
			case f := <-results:
				if f.IPMI || f.Redfish != nil {
					found(f)
				}
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	for _, a := range likelyFirst(addrs, ipmi) {
		g.Go(func() error {
			f := Found{Addr: a, Port: cmp.Or(o.Ports[a], RedfishPort), IPMI: ipmi[a]}
			if r, ok := o.root(ctx, netip.AddrPortFrom(a, f.Port)); ok {
				f.Redfish = &r
			}
			select {
			case results <- f:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	}
	return g.Wait()
}

// likelyFirst puts those who answered a ping first: what there is to find is found soon.
func likelyFirst(addrs []netip.Addr, ipmi map[netip.Addr]bool) []netip.Addr {
	all := slices.Clone(addrs)
	slices.SortStableFunc(all, func(a, b netip.Addr) int {
		switch {
		case ipmi[a] == ipmi[b]:
			return 0
		case ipmi[a]:
			return -1
		default:
			return 1
		}
	})
	return all
}
