// Package cable keeps what is plugged into the ports of a server at the moment: which have a link, and which switch each
// hears (LLDP, IEEE 802.1AB). It opens no socket and knows no clock but the times that it is told.
package cable

import (
	"slices"
	"sync"
	"time"

	"socle/hardware"
)

const (
	// Settled is how long a port with a link is listened to before its silence means something: switches speak every 30 s.
	Settled = 36 * time.Second
	// maxNeighbors bounds what one port may hear; a hub shows a few, an attacker many.
	maxNeighbors = 8
	// late is for how long after the loss of a link a frame may still come that was sent before.
	late = 200 * time.Millisecond
)

// Ports are the ports of one server. All methods may be called at the same time.
type Ports struct {
	mu    sync.Mutex
	ports []port
	news  chan struct{}
}

type port struct {
	nic, mac string
	up       bool
	speed    int
	since    time.Time // when the link came up or was lost, or listening began
	heard    []neighbor
}

type neighbor struct {
	hardware.Neighbor
	until time.Time // it is forgotten then
}

// New knows the ports as they were found, and listens from now on.
func New(nics []hardware.NIC, now time.Time) *Ports {
	p := &Ports{news: make(chan struct{}, 1)}
	for _, n := range nics {
		p.ports = append(p.ports, port{nic: n.Name, mac: n.MAC, up: n.Link, speed: n.SpeedMbps, since: now})
	}
	return p
}

// News tells that something may be otherwise than before; it holds one.
func (p *Ports) News() <-chan struct{} { return p.news }

// Hear takes in what a switch said on a port. One that says that it is going (time to live 0) is forgotten.
func (p *Ports) Hear(nic string, n hardware.Neighbor, now time.Time) (changed bool) {
	return p.change(nic, func(x *port) bool {
		if !x.up && now.Sub(x.since) < late {
			return false
		}
		at := slices.IndexFunc(x.heard, func(k neighbor) bool { return k.ChassisID == n.ChassisID && k.PortID == n.PortID })
		switch {
		case n.TTL == 0 && at < 0:
			return false
		case n.TTL == 0:
			x.heard = slices.Delete(x.heard, at, at+1)
			return true
		case at < 0 && len(x.heard) >= maxNeighbors:
			return false
		}
		one := neighbor{n, now.Add(time.Duration(n.TTL) * time.Second)}
		if at < 0 {
			x.up, x.heard = true, append(x.heard, one) // a frame came: there is a link, and the kernel has not said so yet
			return true
		}
		differs := x.heard[at].Neighbor != n
		x.heard[at] = one
		return differs
	})
}

// Carrier takes in whether a port has a link. Who was heard before the link was lost says nothing of the next cable.
func (p *Ports) Carrier(nic string, up bool, speedMbps int, now time.Time) (changed bool) {
	return p.change(nic, func(x *port) bool {
		if x.up == up {
			x.speed = speedMbps
			return false
		}
		x.up, x.speed, x.since, x.heard = up, speedMbps, now, nil
		return true
	})
}

func (p *Ports) change(nic string, fn func(*port) bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.ports {
		if p.ports[i].nic == nic && fn(&p.ports[i]) {
			select {
			case p.news <- struct{}{}:
			default:
			}
			return true
		}
	}
	return false
}

// Next is when something will be otherwise by itself: a neighbour is forgotten, or the silence of a port means something. It
// is zero when nothing will be.
func (p *Ports) Next(now time.Time) time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	var next time.Time
	sooner := func(t time.Time) {
		if next.IsZero() || t.Before(next) {
			next = t
		}
	}
	for _, x := range p.ports {
		for _, n := range x.heard {
			sooner(n.until)
		}
		if settled := x.since.Add(Settled); x.up && len(x.heard) == 0 && settled.After(now) {
			sooner(settled)
		}
	}
	return next
}

// Links is what is plugged in now.
func (p *Ports) Links(now time.Time) []hardware.Link {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := make([]hardware.Link, 0, len(p.ports))
	for i := range p.ports {
		x := &p.ports[i]
		x.heard = slices.DeleteFunc(x.heard, func(n neighbor) bool { return !n.until.After(now) })
		l := hardware.Link{NIC: x.nic, MAC: x.mac, Up: x.up}
		if x.up {
			l.SpeedMbps, l.Listened = x.speed, max(1, int(now.Sub(x.since)/time.Second))
		}
		for _, n := range x.heard {
			l.LLDP = append(l.LLDP, n.Neighbor)
		}
		all = append(all, l)
	}
	return all
}

// Same tells whether nothing that people see differs between two looks at the same ports.
func Same(a, b []hardware.Link) bool {
	return slices.EqualFunc(a, b, func(x, y hardware.Link) bool { return x.SameAs(y) && settled(x) == settled(y) })
}

// settled tells whether the silence of a port means something.
func settled(l hardware.Link) bool {
	return len(l.LLDP) > 0 || l.Listened >= int(Settled/time.Second)
}
