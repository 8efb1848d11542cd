package provision

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"socle/inventory"
)

// attempts is how many boots may be lost in the middle of one order before a person has to look.
const attempts = 3

// work is one piece of work for an agent. Of one kind there is one for each disk; params is asked only when
// the order is really issued, since it may make a token.
type work struct {
	kind   string
	disk   string
	params func() (any, error)
	since  time.Time // orders before that do not count; zero: those before the machine entered its state
}

// order sees to it that the agent carries out one piece of work in this state of the machine: it finds the
// order if it was issued before, waits while it is in progress, and issues it if there is none. It never
// issues a second one while the first may still be carried out, nor after it was done.
func (e *Engine) order(ctx context.Context, m *inventory.Machine, s inventory.Session, w work) (inventory.Order, result, error) {
	o, lost, err := e.lastOrder(ctx, m, w)
	switch {
	case err != nil && !errors.Is(err, inventory.ErrNotFound):
		return o, result{}, err
	case err == nil && o.State == inventory.OrderDone:
		return o, done, nil
	case err == nil && (o.State == inventory.OrderFailed || o.State == inventory.OrderRefused):
		return o, result{}, orderFailure(o)
	case err == nil && !o.State.Final():
		return o, wait, nil
	case lost >= attempts:
		return o, result{}, &Failure{Kind: inventory.FaultAgentLost, Reason: fmt.Sprintf("the server went away %d times in the middle of order %s", lost, w.kind),
			Remedy: "see its console for crashes or power loss; check power supplies and memory, then order it again"}
	}
	raw, err := w.encode()
	if err != nil {
		return o, result{}, err
	}
	o, err = e.Store.Issue(ctx, inventory.Order{Machine: m.ID, Session: s.ID, Kind: w.kind, Serial: m.Serial(), Params: raw})
	return o, wait, err
}

// lastOrder is the newest order of this kind for the same thing since the machine entered its state, or
// since the work says, and how many like it were lost.
func (e *Engine) lastOrder(ctx context.Context, m *inventory.Machine, w work) (inventory.Order, int, error) {
	orders, err := e.Store.Orders(ctx, m.ID) // newest first
	if err != nil {
		return inventory.Order{}, 0, err
	}
	since := w.since
	if since.IsZero() {
		since = m.Since
	}
	var newest *inventory.Order
	lost := 0
	for i, o := range orders {
		if o.Kind != w.kind || o.IssuedAt.Before(since) || diskOf(o.Params) != w.disk {
			continue
		}
		if newest == nil {
			newest = &orders[i]
		}
		if o.State == inventory.OrderLost {
			lost++
		}
	}
	if newest == nil {
		return inventory.Order{}, lost, inventory.ErrNotFound
	}
	return *newest, lost, nil
}

// diskOf is the disk that an order is about; empty when it is about none.
func diskOf(params json.RawMessage) string {
	var p struct {
		Disk string `json:"disk_serial"`
	}
	if json.Unmarshal(params, &p) != nil {
		return ""
	}
	return p.Disk
}

func (w work) encode() (json.RawMessage, error) {
	if w.params == nil {
		return json.RawMessage("{}"), nil
	}
	params, err := w.params()
	if err != nil {
		return nil, err
	}
	raw, err := json.Marshal(params)
	if err != nil {
		return nil, fmt.Errorf("encoding the parameters of order %s: %w", w.kind, err)
	}
	return raw, nil
}
