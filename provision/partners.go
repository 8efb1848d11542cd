package provision

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"socle/api"
	"socle/inventory"
)

// partners brings together servers that are to test the network between them. It lives in memory: an agent that waits asks
// again and again, also after the server has restarted.
type partners struct {
	mu      sync.Mutex
	waiting map[string][]*waiter // by what they must have in common, the longest waiting first
}

// waiter is an agent that waits at this moment.
type waiter struct {
	machine string // ID
	name    string
	address string
	partner chan api.Partner // holds one
}

// meet waits for another machine of the same kind; nil when none came before ctx ended. The one that waited is dialled.
func (p *partners) meet(ctx context.Context, kind string, w *waiter) *api.Partner {
	if found := p.find(kind, w); found != nil {
		return found
	}
	select {
	case got := <-w.partner:
		return &got
	case <-ctx.Done():
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.leave(kind, func(x *waiter) bool { return x == w })
	select {
	case got := <-w.partner: // it came at the last moment
		return &got
	default:
		return nil
	}
}

// find takes the longest waiting one, or lets w wait. What the same machine asked before is taken back.
func (p *partners) find(kind string, w *waiter) *api.Partner {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.leave(kind, func(x *waiter) bool { return x.machine == w.machine })
	if all := p.waiting[kind]; len(all) > 0 {
		other, token := all[0], rand.Text()
		p.leave(kind, func(x *waiter) bool { return x == other })
		other.partner <- api.Partner{Machine: w.name, Token: token}
		return &api.Partner{Machine: other.name, Address: other.address, Token: token}
	}
	if p.waiting == nil {
		p.waiting = map[string][]*waiter{}
	}
	p.waiting[kind] = append(p.waiting[kind], w)
	return nil
}

func (p *partners) leave(kind string, gone func(*waiter) bool) {
	rest := slices.DeleteFunc(p.waiting[kind], gone)
	if delete(p.waiting, kind); len(rest) > 0 {
		p.waiting[kind] = rest
	}
}

// Partner waits for another server that comes to the same test of the network: one of the same model, whose test takes as long.
// nil means that none came. remote is where the agent's own server is reached.
func (e *Engine) Partner(ctx context.Context, s inventory.Session, order string, req api.PartnerRequest, remote netip.Addr, wait time.Duration) (*api.Partner, error) {
	if err := e.touch(ctx, s); err != nil {
		return nil, err
	}
	if req.Port < 1 || req.Port > 65535 || !remote.IsValid() {
		return nil, problem(http.StatusUnprocessableEntity, api.ErrInvalid, "port %d is not between 1 and 65535", req.Port)
	}
	orders, err := e.Store.Orders(ctx, s.Machine)
	if err != nil {
		return nil, err
	}
	var plan api.BurnIn
	at := slices.IndexFunc(orders, func(o inventory.Order) bool { return o.ID == order && o.Session == s.ID })
	if at < 0 || orders[at].Kind != api.OrderBurnIn || orders[at].State.Final() {
		return nil, problem(http.StatusNotFound, api.ErrNotFound, "this session has no tests under way by the order %s", order)
	}
	if err := json.Unmarshal(orders[at].Params, &plan); err != nil || !slices.Contains(plan.Tests, api.TestNetwork) {
		return nil, problem(http.StatusConflict, api.ErrConflict, "the order %s has no test of the network", order)
	}
	m, err := e.Store.Machine(ctx, s.Machine)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, min(max(wait, 0), time.Minute))
	defer cancel()
	w := &waiter{machine: m.ID, name: m.Name, address: net.JoinHostPort(remote.String(), strconv.Itoa(req.Port)), partner: make(chan api.Partner, 1)}
	return e.partners.meet(ctx, fmt.Sprint(plan.Seconds, " ", strings.ToLower(m.Model)), w), nil
}
