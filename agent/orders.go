package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"socle/agent/disk"
	"socle/agent/probe"
	"socle/api"
)

// States of a report, as package api names them.
const (
	stateTaken   = "taken"
	stateDone    = "done"
	stateFailed  = "failed"
	stateRefused = "refused"
)

// maxMessage bounds the text of a report, in bytes.
const maxMessage = 2048

// handle carries out one order, or refuses it, and reports how it ended.
func (a *Agent) handle(ctx context.Context, o api.Order) (Outcome, error) {
	e := a.ledger.Orders[o.ID]
	sum := contentsOf(o)
	if e != nil && e.Sum == sum && e.Final != nil {
		// carried out; the answer got lost, or the server was restored from a backup
		if err := a.send(ctx, o.ID, *e.Final); err != nil {
			return "", err
		}
		select { // a server that asks for ever shall not be answered as fast as it can ask
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
		return "", context.Cause(ctx)
	}
	if code, why := a.refuse(o, e, sum); code != "" {
		a.Log.Error("Refusing an order", "order", o.Kind, "why", why)
		seq := int64(1)
		if e != nil {
			seq = e.Seq + 1
		}
		return "", a.send(ctx, o.ID, api.Report{Seq: seq, State: stateRefused, Code: code, Message: why, Time: a.Now()})
	}
	if e == nil {
		e = &entry{Sum: sum}
	}
	if err := a.ledger.change(func() { e.Starts++; a.ledger.Orders[o.ID] = e }); err != nil {
		return "", err
	}
	a.Log.Info("Order: "+describe(o), "id", o.ID)
	final := a.perform(ctx, o, e)
	if err := context.Cause(ctx); err != nil {
		return "", err
	}
	if err := a.ledger.change(func() { e.Seq++; final.Seq = e.Seq; e.Final = &final }); err != nil {
		return "", err
	}
	if final.State == stateDone {
		a.Log.Info("Done: " + describe(o))
	} else {
		a.Log.Error("Failed: "+describe(o), "why", final.Message)
	}
	err := a.send(ctx, o.ID, final)
	if final.State == stateDone && !errors.Is(err, ErrEnded) {
		switch o.Kind {
		case api.OrderReboot:
			return Reboot, nil
		case api.OrderPowerOff:
			return PowerOff, nil
		}
	}
	return "", err
}

// refuse tells why an order may not be carried out; an empty code says that it may.
func (a *Agent) refuse(o api.Order, e *entry, sum string) (code, why string) {
	session := a.ledger.Session
	switch {
	case session == nil || o.Session != session.Session:
		return api.CodeWrongSession, fmt.Sprintf("the order is of session %q, and this boot's is another one", probe.Clean(o.Session))
	case e != nil && e.Sum != sum:
		return api.CodeUsedOrder, fmt.Sprintf("an order with the id %s and other contents was given before", probe.Clean(o.ID))
	case !sameSerial(o.Serial, a.serial):
		return api.CodeWrongMachine, fmt.Sprintf("the order is for the machine with serial %q, and this one's is %q", probe.Clean(o.Serial), a.serial)
	case a.serial == "" && destructive(o):
		return api.CodeWrongMachine, "this machine's firmware tells no serial number, by which an order that changes disks must be bound"
	case a.executor(o.Kind) == nil:
		return api.CodeUnknownKind, fmt.Sprintf("this agent (%s) knows no orders of kind %q", a.Version, probe.Clean(o.Kind))
	case e != nil && e.Starts >= maxStarts:
		return api.CodeInternal, fmt.Sprintf("the order was begun %d times and the agent ended in the middle each time", e.Starts)
	}
	return "", ""
}

func sameSerial(a, b string) bool {
	return strings.EqualFold(strings.TrimSpace(a), strings.TrimSpace(b))
}

// destructive tells whether an order changes disks or firmware. Of tests those do that name disks, and those that cannot be
// read might.
func destructive(o api.Order) bool {
	switch o.Kind {
	case api.OrderInspect, api.OrderReboot, api.OrderPowerOff:
		return false
	case api.OrderBurnIn:
		var plan api.BurnIn
		return json.Unmarshal(o.Params, &plan) != nil || len(plan.Write) > 0
	}
	return true
}

// perform runs the order's work while progress is reported beside it, and makes the final report.
func (a *Agent) perform(ctx context.Context, o api.Order, e *entry) api.Report {
	work, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	p := &progress{}
	var wg sync.WaitGroup
	stop := make(chan struct{})
	wg.Go(func() { a.reportProgress(work, stop, o, e, p, cancel) })
	result, err := a.execute(work, o, p)
	close(stop)
	cancel(nil)
	wg.Wait()
	r := p.read()
	r.Time = a.Now()
	r.State = stateDone
	if err != nil {
		r.State, r.Code, r.Message = stateFailed, disk.Code(err), probe.CleanTo(err.Error(), maxMessage)
		if f, ok := errors.AsType[*disk.Failure](err); ok && f.Refused() {
			r.State = stateRefused
		}
	}
	if result != nil {
		r.Result, _ = json.Marshal(result) // our own types can be encoded
	}
	return r
}

// execute calls the executor; a bug in it fails the order and not the machine.
func (a *Agent) execute(ctx context.Context, o api.Order, p *progress) (result any, err error) {
	defer func() {
		if v := recover(); v != nil {
			a.Log.Error("A defect in the agent", "panic", v, "stack", string(debug.Stack()))
			err = fmt.Errorf("a defect in the agent: %v", v)
		}
	}()
	return a.executor(o.Kind)(ctx, a, o, p)
}

// progress is the newest state of the work.
type progress struct {
	mu                sync.Mutex
	done, total, wire int64
	dirty             bool
}

func (p *progress) set(done, total, wire int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done, p.total, p.wire, p.dirty = done, total, wire, true
}

func (p *progress) read() api.Report {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dirty = false
	return api.Report{State: stateTaken, Done: p.done, Total: p.total, Wire: p.wire}
}

func (p *progress) changed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.dirty
}

// reportProgress sends the newest progress about once a second until stop. When the session has ended, the
// work is cancelled.
func (a *Agent) reportProgress(ctx context.Context, stop <-chan struct{}, o api.Order, e *entry, p *progress, cancel context.CancelCauseFunc) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	var said time.Time
	for first := true; ; first = false {
		if first || p.changed() {
			r := p.read()
			r.Time = a.Now()
			if err := a.ledger.change(func() { e.Seq++; r.Seq = e.Seq }); err != nil {
				a.Log.Warn("Cannot keep the ledger", "err", err)
			}
			if err := a.send(ctx, o.ID, r); errors.Is(err, ErrEnded) {
				cancel(err)
				return
			}
			if r.Total > 0 && a.Now().Sub(said) >= 10*time.Second {
				said = a.Now()
				a.Log.Info(fmt.Sprintf("%s: %d of %d MiB (%d %%)", o.Kind, r.Done>>20, r.Total>>20, r.Done*100/r.Total))
			}
		}
		select {
		case <-stop:
			return
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// send delivers a report. A server that answers that it does not want it is told nothing more; only the end of
// the session, or of ctx, is an error.
func (a *Agent) send(ctx context.Context, order string, r api.Report) error {
	err := a.persist(ctx, "reporting", func() error { return a.Client.Report(ctx, order, r) })
	if err == nil || errors.Is(err, ErrEnded) || ctx.Err() != nil {
		return err
	}
	a.Log.Warn("The server does not take a report", "err", err)
	return nil
}
