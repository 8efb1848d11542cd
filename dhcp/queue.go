package dhcp

import (
	"net/netip"
	"sync"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"golang.org/x/net/ipv4"
)

// exchange is a datagram and all that becomes of it. There is a fixed number of them, used again and again.
type exchange struct {
	data   []byte
	port   *port
	peer   netip.AddrPort
	to     netip.Addr
	packet dhcpv4.DHCPv4
	req    *request // nil: the datagram was no request
	out    answer
	reply  []byte
	frame  []byte
	// message and what it points to are what the kernel gets.
	message ipv4.Message
}

func (x *exchange) link() Link {
	l := x.port.link
	l.Peer, l.To = x.peer, x.to
	return l
}

// queue holds the datagrams that wait for a worker. REQUESTs and all the rest come before DISCOVERs: their
// clients are further on. When there is no place left the oldest DISCOVER goes: its client has waited longest
// and will ask again first.
type queue struct {
	mu        sync.Mutex
	news      sync.Cond
	free      []*exchange
	left      int // how many more may be made
	urgent    ring
	discovers ring
	closed    bool
}

func newQueue(limit int) *queue {
	q := &queue{left: limit, urgent: ring{places: make([]*exchange, limit)}, discovers: ring{places: make([]*exchange, limit)}}
	q.news.L = &q.mu
	return q
}

// arrival is a datagram that was just received; its bytes are copied into the queue.
type arrival struct {
	data []byte
	kind dhcpv4.MessageType
	peer netip.AddrPort
	to   netip.Addr
}

// push queues datagrams, and returns how many others, or of them, were shed for lack of places.
func (q *queue) push(p *port, arrivals []arrival) (discovers, others int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	discovers, others = q.add(p, arrivals)
	q.news.Signal()
	return discovers, others
}

// pass appends arrivals to batch, when nothing else waits and there are places for them.
func (q *queue) pass(p *port, arrivals []arrival, batch []*exchange) ([]*exchange, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.urgent.n+q.discovers.n > 0 || len(q.free)+q.left < len(arrivals) || q.closed {
		return batch, false
	}
	for _, a := range arrivals {
		x := q.take()
		x.fill(p, a)
		batch = append(batch, x)
	}
	return batch, true
}

func (x *exchange) fill(p *port, a arrival) {
	x.data, x.port, x.peer, x.to = append(x.data[:0], a.data...), p, a.peer, a.to
}

func (q *queue) add(p *port, arrivals []arrival) (discovers, others int) {
	for _, a := range arrivals {
		urgent := a.kind != dhcpv4.MessageTypeDiscover
		x := q.take()
		switch {
		case x != nil:
		case q.discovers.n > 0:
			x = q.discovers.pop()
			discovers++
		case urgent && q.urgent.n > 0:
			x = q.urgent.pop()
			others++
		case urgent:
			others++
			continue
		default:
			discovers++
			continue
		}
		x.fill(p, a)
		if urgent {
			q.urgent.push(x)
		} else {
			q.discovers.push(x)
		}
	}
	return discovers, others
}

func (q *queue) take() *exchange {
	if n := len(q.free); n > 0 {
		x := q.free[n-1]
		q.free = q.free[:n-1]
		return x
	}
	if q.left == 0 {
		return nil
	}
	q.left--
	return &exchange{}
}

// pop waits for datagrams and appends up to n of them to batch; it returns an empty one after close.
func (q *queue) pop(batch []*exchange, n int) []*exchange {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.urgent.n+q.discovers.n == 0 && !q.closed {
		q.news.Wait()
	}
	if q.closed {
		return batch
	}
	for ; n > 0 && q.urgent.n > 0; n-- {
		batch = append(batch, q.urgent.pop())
	}
	for ; n > 0 && q.discovers.n > 0; n-- {
		batch = append(batch, q.discovers.pop())
	}
	if q.urgent.n+q.discovers.n > 0 {
		q.news.Signal() // there is work for another worker
	}
	return batch
}

// release gives exchanges back that are done with.
func (q *queue) release(batch ...*exchange) {
	for _, x := range batch {
		x.req, x.out, x.port = nil, answer{}, nil
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.free = append(q.free, batch...)
}

// close wakes the workers to their end.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.news.Broadcast()
}

// ring is a queue of fixed size.
type ring struct {
	places   []*exchange
	first, n int
}

func (r *ring) push(x *exchange) {
	r.places[(r.first+r.n)%len(r.places)] = x
	r.n++
}

func (r *ring) pop() *exchange {
	x := r.places[r.first]
	r.places[r.first] = nil
	r.first = (r.first + 1) % len(r.places)
	r.n--
	return x
}

// waiting is how many datagrams wait.
func (q *queue) waiting() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.urgent.n + q.discovers.n
}
