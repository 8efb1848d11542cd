package tftp

import (
	"hash/maphash"
	"net/netip"
	"sync"
	"sync/atomic"
)

// registry knows every request that is being answered: for the limits, and so that a request that the
// network or an impatient client repeats does not start a second transfer.
type registry struct {
	max, perClient int

	mu      sync.Mutex
	byPeer  map[netip.AddrPort]*entry
	clients map[netip.Addr]int
	seed    maphash.Seed
}

// entry is one request that is being answered.
type entry struct {
	peer  netip.AddrPort
	local netip.Addr
	asked uint64 // hash of the request
	req   request
	// sender runs the transfer; nil while the file is being opened, and when the library runs it.
	sender atomic.Pointer[sender]
}

type admission uint8

const (
	admitted  admission = iota
	repeated            // the same request is being answered: existing tells by whom
	different           // the client asked for something else from the same port before
	full
	clientFull
)

func newRegistry(limit, perClient int) *registry {
	return &registry{max: limit, perClient: perClient, byPeer: map[netip.AddrPort]*entry{}, clients: map[netip.Addr]int{}, seed: maphash.MakeSeed()}
}

func (r *registry) enter(peer netip.AddrPort, local netip.Addr, datagram []byte, req request) (e *entry, a admission) {
	asked := maphash.Bytes(r.seed, datagram)
	r.mu.Lock()
	defer r.mu.Unlock()
	if e := r.byPeer[peer]; e != nil {
		if e.asked == asked {
			return e, repeated
		}
		return e, different
	}
	if len(r.byPeer) >= r.max {
		return nil, full
	}
	if r.clients[peer.Addr()] >= r.perClient {
		return nil, clientFull
	}
	e = &entry{peer: peer, local: local, asked: asked, req: req}
	r.byPeer[peer] = e
	r.clients[peer.Addr()]++
	return e, admitted
}

func (r *registry) leave(e *entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.byPeer[e.peer] != e {
		return
	}
	delete(r.byPeer, e.peer)
	if r.clients[e.peer.Addr()]--; r.clients[e.peer.Addr()] <= 0 {
		delete(r.clients, e.peer.Addr())
	}
}

// crowded tells that three quarters of the places are taken: who never acknowledged anything goes sooner.
func (r *registry) crowded() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.byPeer) > r.max*3/4
}
