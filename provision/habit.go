package provision

import (
	"context"
	"errors"
	"slices"

	"socle/inventory"
)

// Habits remembers, by make of controller, what became of the next boots that were ordered.
type Habits interface {
	BootHabit(ctx context.Context, m inventory.Make) (inventory.BootHabit, error)
	CountBoot(ctx context.Context, m inventory.Make, kept bool) error
}

// verdictDisk is the verdict that a server booted its disk although the network was ordered.
const verdictDisk = "disk-instead"

// chooseBoot writes down whose controller is about to be told to boot the network, and how: once, or, where its make was
// seen to forget that, for every boot. Then DHCP sends a server that shall boot its disk on to it. A controller that
// cannot tell its make is told as usual.
func (e *Engine) chooseBoot(ctx context.Context, m *inventory.Machine) error {
	if m.ByMedium() || !m.Op.Boot.RAM() || m.Op.Make.Known() {
		return nil
	}
	info, err := e.BMC.Probe(ctx, *m)
	made := inventory.Make{Vendor: info.Vendor, Model: info.Model, Firmware: info.Firmware}
	if err != nil || !made.Known() {
		e.Log.Debug("the make of a BMC is not known", "machine", m.Name, "err", err)
		return nil
	}
	habit, err := e.Store.BootHabit(ctx, made)
	if err != nil {
		return err
	}
	return e.change(ctx, m, func(m *inventory.Machine) (inventory.Note, error) {
		if m.Op == nil {
			return inventory.Note{}, errStale
		}
		m.Op.Make, m.Op.Always = made, habit.Forgets()
		reason := "the next boot is ordered from the network"
		if m.Op.Always {
			reason = "every boot is ordered from the network: " + made.Vendor + " " + made.Model + " with firmware " + made.Firmware + " forgets what holds once"
		}
		return inventory.Note{Kind: "boot", Reason: reason}, nil
	})
}

// judgeBoot counts, once for each boot, whether the controller kept what was ordered. What holds for every boot proves
// nothing about the next one.
func (e *Engine) judgeBoot(ctx context.Context, m *inventory.Machine, kept bool) error {
	if m.Op == nil || m.Op.Judged || m.Op.Always || !m.Op.Make.Known() {
		return nil
	}
	made := m.Op.Make
	note := inventory.Note{Kind: "boot", Reason: "the BMC kept what the next boot was to be from"}
	if !kept {
		note.Reason = "the BMC forgot that the next boot was to be from the network"
	}
	err := e.change(ctx, m, func(m *inventory.Machine) (inventory.Note, error) {
		if m.Op == nil || m.Op.Judged {
			return inventory.Note{}, errStale
		}
		m.Op.Judged = true
		return note, nil
	})
	if err != nil {
		return err
	}
	return e.Store.CountBoot(ctx, made, kept)
}

// forgot counts a boot that went to the disk, and tells whether there is another way to try at once.
func (e *Engine) forgot(ctx context.Context, m *inventory.Machine) (again bool, err error) {
	v, known := e.whyNot(ctx, m)
	if !known || v.ID != verdictDisk || m.Op.Always || !m.Op.Make.Known() {
		return false, nil
	}
	lines, err := e.Store.Evidence(ctx, m.ID, evidenceRead)
	if err != nil {
		return false, err
	}
	if slices.ContainsFunc(lines, func(l inventory.Evidence) bool { return l.Client == inventory.StageFirmware && l.Time.After(m.Op.On) }) {
		return false, nil // its firmware did try the network
	}
	if err := e.judgeBoot(ctx, m, false); err != nil {
		return false, err
	}
	habit, err := e.Store.BootHabit(ctx, m.Op.Make)
	return habit.Forgets(), err
}

// dropped counts a next boot that the controller did not even show as it was ordered, and has it ordered anew at once, for
// every boot, where the make is known for that by now. Else the cause is the error.
func (e *Engine) dropped(ctx context.Context, m *inventory.Machine, cause error) error {
	var f *Failure
	if !errors.As(cause, &f) || !f.Dropped || m.Op.Always || !m.Op.Make.Known() {
		return cause
	}
	if err := e.judgeBoot(ctx, m, false); err != nil {
		return err
	}
	habit, err := e.Store.BootHabit(ctx, m.Op.Make)
	if err != nil {
		return err
	}
	if !habit.Forgets() {
		return cause
	}
	err = e.change(ctx, m, func(m *inventory.Machine) (inventory.Note, error) {
		if m.Op == nil {
			return inventory.Note{}, errStale
		}
		m.Op.Always = true
		return inventory.Note{Kind: "boot", Reason: "every boot is ordered from the network: " + m.Op.Make.Vendor + " " + m.Op.Make.Model + " forgets what holds once"}, nil
	})
	if err == nil {
		err = errStale
	}
	return err
}
