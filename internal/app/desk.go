package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"socle/api"
	"socle/bmc"
	"socle/internal/pki"
	"socle/inventory"
	"socle/inventory/store"
	"socle/provision"
)

// desk answers people's questions to BMCs, and does what they want of them. What changes something is in the history,
// before it is done.
type desk struct {
	store *store.Store
	bmcs  *bmcs
	ca    *pki.CA
	now   func() time.Time
}

// reach finds a machine and the login to its BMC.
func (d *desk) reach(ctx context.Context, ref string) (inventory.Machine, bmc.Target, error) {
	m, err := d.store.Machine(ctx, ref)
	if errors.Is(err, inventory.ErrNotFound) {
		return m, bmc.Target{}, api.NewProblem(http.StatusNotFound, api.ErrNotFound, fmt.Sprintf("no machine has the name, serial or ID %q", ref))
	}
	if err != nil {
		return m, bmc.Target{}, err
	}
	if !m.BMC.Known() {
		return m, bmc.Target{}, api.NewProblem(http.StatusConflict, api.ErrConflict, fmt.Sprintf("no BMC of %s is known: name it in the manifest", m.Name))
	}
	t, err := d.bmcs.target(ctx, m)
	return m, t, problemOf(err)
}

// problemOf says in the API what went wrong with a BMC.
func problemOf(err error) error {
	var f *provision.Failure
	if errors.As(err, &f) || errors.As(failure(err), &f) {
		return api.NewProblem(http.StatusBadGateway, string(f.Kind), f.Reason+"; "+f.Remedy)
	}
	return err
}

// tell writes down that somebody does something.
func (d *desk) tell(ctx context.Context, m inventory.Machine, actor, kind, reason string) error {
	return d.store.Append(ctx, inventory.Event{Time: d.now(), Machine: m.ID, Name: m.Name, Actor: actor, Kind: kind, Reason: reason})
}

// ask calls a verb of the driver on one machine's BMC.
func ask[T any](ctx context.Context, d *desk, ref string, verb func(context.Context, bmc.Target) (T, error)) (T, error) {
	_, t, err := d.reach(ctx, ref)
	if err != nil {
		var none T
		return none, err
	}
	v, err := verb(ctx, t)
	return v, problemOf(err)
}

// Identify implements web.BMCs.
func (d *desk) Identify(ctx context.Context, ref string) (api.BMCInfo, error) {
	m, t, err := d.reach(ctx, ref)
	if err != nil {
		return api.BMCInfo{}, err
	}
	i, err := d.bmcs.driver.Probe(ctx, t)
	if err != nil {
		return api.BMCInfo{}, problemOf(err)
	}
	if err := d.keep(ctx, m, i); err != nil {
		return api.BMCInfo{}, err
	}
	habit, err := d.store.BootHabit(ctx, inventory.Make{Vendor: i.Vendor, Model: i.Model, Firmware: i.Firmware})
	return api.BMCInfo{
		Protocol: string(m.BMC.Protocol), Address: m.BMC.Address, User: t.User, Vendor: i.Vendor, Model: i.Model, Serial: i.Serial,
		UUID: i.UUID, Firmware: i.Firmware, MAC: i.MAC, BootHabit: habit.String(),
	}, err
}

// Sensors implements web.BMCs.
func (d *desk) Sensors(ctx context.Context, ref string) ([]inventory.Sensor, error) {
	return ask(ctx, d, ref, d.bmcs.driver.Sensors)
}

// EventLog implements web.BMCs.
func (d *desk) EventLog(ctx context.Context, ref string, since inventory.LogMark) (all []inventory.LogEntry, mark inventory.LogMark, err error) {
	_, t, err := d.reach(ctx, ref)
	if err != nil {
		return nil, since, err
	}
	all, mark, err = d.bmcs.driver.EventLog(ctx, t, since)
	return all, mark, problemOf(err)
}

// Firmware implements web.BMCs.
func (d *desk) Firmware(ctx context.Context, ref string) ([]inventory.Component, error) {
	return ask(ctx, d, ref, d.bmcs.driver.Firmware)
}

// ClearLog implements web.BMCs.
func (d *desk) ClearLog(ctx context.Context, actor, ref string) error {
	m, t, err := d.reach(ctx, ref)
	if err != nil {
		return err
	}
	if err := d.tell(ctx, m, actor, "bmc-log", "clearing the event log of the BMC was ordered"); err != nil {
		return err
	}
	return problemOf(d.bmcs.driver.ClearLog(ctx, t))
}

// ResetBMC implements web.BMCs.
func (d *desk) ResetBMC(ctx context.Context, actor, ref string) error {
	m, t, err := d.reach(ctx, ref)
	if err != nil {
		return err
	}
	if err := d.tell(ctx, m, actor, "bmc-reset", "a restart of the BMC was ordered"); err != nil {
		return err
	}
	start := d.now()
	if err := d.bmcs.driver.ResetBMC(ctx, t); err != nil {
		return problemOf(err)
	}
	return d.tell(ctx, m, actor, "bmc-reset", fmt.Sprintf("the BMC answers again after %v", d.now().Sub(start).Round(time.Second)))
}

// Locate implements web.BMCs. That a light is on is remembered before it is switched on, so that it goes out in time even
// if this process does not live to see it.
func (d *desk) Locate(ctx context.Context, actor, ref string, on bool, last time.Duration) (inventory.Locator, error) {
	m, t, err := d.reach(ctx, ref)
	if err != nil {
		return inventory.LocatorUnknown, err
	}
	reason := "switching the locator light off was ordered"
	if on {
		lit := inventory.Lit{Machine: m.ID, Name: m.Name, Actor: actor, Since: d.now()}
		reason = "switching the locator light on was ordered"
		if last > 0 {
			lit.Until = lit.Since.Add(last)
			reason += fmt.Sprintf(", for %v", last)
		}
		if err := d.store.Light(ctx, lit); err != nil {
			return inventory.LocatorUnknown, err
		}
	}
	if err := d.tell(ctx, m, actor, "locate", reason); err != nil {
		return inventory.LocatorUnknown, err
	}
	l, err := d.bmcs.driver.Locate(ctx, t, on, last)
	switch {
	case err == nil && !on, err != nil && on && last == 0: // one that was to be on for a time is switched off then, to be sure
		err = errors.Join(problemOf(err), d.store.Unlight(ctx, m.ID, time.Time{}))
	case err != nil:
		err = problemOf(err)
	}
	return l, err
}
