package webtest

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"socle/api"
	"socle/inventory"
)

// host is how a machine is, and what its BMC says.
type host struct {
	condition inventory.Condition
	alarms    []inventory.Alarm
	samples   []inventory.Sample
	log       []inventory.LogEntry
	locator   inventory.Locator
	image     string // in its virtual drive
	boot      api.BootOverride
	silent    bool
	pending   inventory.Values // settings that wait for the next boot
	secure    bool             // Secure Boot, at the next boot
	deleted   bool             // its volume
	orders    []api.StorageOrder
}

// hostOf returns the machine's host, made when it is not there; the caller holds the lock.
func (w *World) hostOf(m inventory.Machine) *host {
	if w.hosts == nil {
		w.hosts = map[string]*host{}
	}
	if w.hosts[m.ID] == nil {
		w.hosts[m.ID] = &host{locator: inventory.LocatorOff}
	}
	return w.hosts[m.ID]
}

// Ail makes a machine one that was looked at, and whose BMC answers; silent is one that does not.
func (w *World) Ail(ref string, c inventory.Condition, alarms []inventory.Alarm, samples []inventory.Sample, log []inventory.LogEntry, silent bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	m, err := w.find(ref)
	if err != nil {
		panic(err) // the test names one that is not there
	}
	h := w.hostOf(m)
	c.Machine, c.Name = m.ID, m.Name
	h.condition, h.alarms, h.samples, h.log, h.silent = c, alarms, samples, log, silent
}

// Condition implements web.Health.
func (w *World) Condition(_ context.Context, id string) (inventory.Condition, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if h := w.hosts[id]; h != nil && h.condition.Machine != "" {
		return h.condition, w.fail
	}
	return inventory.Condition{}, inventory.ErrNotFound
}

// Samples implements web.Health.
func (w *World) Samples(_ context.Context, id string, _ time.Time) ([]inventory.Sample, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if h := w.hosts[id]; h != nil {
		return h.samples, w.fail
	}
	return nil, w.fail
}

// Alarms implements web.Health.
func (w *World) Alarms(_ context.Context, id string) ([]inventory.Alarm, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []inventory.Alarm
	for of, h := range w.hosts {
		if id == "" || of == id {
			all = append(all, h.alarms...)
		}
	}
	return all, w.fail
}

// ask finds a machine whose BMC answers, and notes a call that changes something; the caller holds the lock.
func (w *World) ask(ref, call string) (*host, error) {
	m, err := w.find(ref)
	if err != nil {
		return nil, err
	}
	h := w.hostOf(m)
	if h.silent {
		return nil, api.NewProblem(http.StatusBadGateway, "bmc-unreachable", "the BMC of "+m.Name+" does not answer")
	}
	if call != "" {
		w.calls = append(w.calls, call+" "+m.Name)
	}
	return h, w.fail
}

// List implements web.BMCs.
func (w *World) List(context.Context) ([]api.BMCEntry, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []api.BMCEntry
	for _, m := range w.machines {
		if m.BMC.Known() {
			all = append(all, api.BMCEntry{Machine: m.Name, Protocol: string(m.BMC.Protocol), Address: m.BMC.Address, User: m.BMC.User, Origin: m.BMC.Origin.String()})
		}
	}
	return all, w.fail
}

// Adopt implements web.Verbs.
func (w *World) Adopt(_ context.Context, actor, ref string, r api.AdoptRequest) (api.AdoptReply, error) {
	how, user := api.AdoptInBand, "socle-a"
	if r.User != "" {
		how, user = api.AdoptTaken, r.User
	}
	m, err := w.change(strings.TrimSpace("adopt as "+r.User), actor, ref, func(*inventory.Machine) error { return nil })
	return api.AdoptReply{Machine: m.Name, How: how, User: user}, err
}

// Identify implements web.BMCs.
func (w *World) Identify(_ context.Context, ref string) (api.BMCInfo, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, err := w.ask(ref, ""); err != nil {
		return api.BMCInfo{}, err
	}
	return api.BMCInfo{Protocol: "redfish", Address: "198.18.1.1", User: "socle", Vendor: "Supermicro", Model: "SYS", Firmware: "1.73.06"}, nil
}

// Sensors implements web.BMCs.
func (w *World) Sensors(_ context.Context, ref string) ([]inventory.Sensor, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	h, err := w.ask(ref, "")
	if err != nil {
		return nil, err
	}
	return h.condition.Sensors, nil
}

// EventLog implements web.BMCs.
func (w *World) EventLog(_ context.Context, ref string, since inventory.LogMark) ([]inventory.LogEntry, inventory.LogMark, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	h, err := w.ask(ref, "")
	if err != nil {
		return nil, since, err
	}
	var after []inventory.LogEntry
	for _, e := range h.log {
		if e.ID > since.ID {
			after, since.ID = append(after, e), e.ID
		}
	}
	return after, since, nil
}

// ClearLog implements web.BMCs.
func (w *World) ClearLog(_ context.Context, actor, ref string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	h, err := w.ask(ref, actor+": clear the log of")
	if err == nil {
		h.log = nil
	}
	return err
}

// Firmware implements web.BMCs.
func (w *World) Firmware(_ context.Context, ref string) ([]inventory.Component, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, err := w.ask(ref, ""); err != nil {
		return nil, err
	}
	return []inventory.Component{{ID: "BIOS", Name: "BIOS", Version: "3.4", Updateable: true}, {ID: "BMC", Name: "BMC", Version: "1.73.06", Updateable: true}}, nil
}

// ResetBMC implements web.BMCs.
func (w *World) ResetBMC(_ context.Context, actor, ref string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, err := w.ask(ref, actor+": restart the BMC of")
	return err
}

// Locate implements web.BMCs.
func (w *World) Locate(_ context.Context, actor, ref string, on bool, last time.Duration) (inventory.Locator, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	h, err := w.ask(ref, fmt.Sprintf("%s: light %v for %v at", actor, on, last))
	if err != nil {
		return inventory.LocatorUnknown, err
	}
	h.locator = map[bool]inventory.Locator{true: inventory.LocatorOn, false: inventory.LocatorOff}[on]
	return h.locator, nil
}

// drive is the one drive of each controller of the world.
func (h *host) drive() []api.MediaSlot {
	return []api.MediaSlot{{ID: "CD", Types: []string{"CD", "DVD"}, Inserted: h.image != "", Image: h.image, ReadOnly: h.image != ""}}
}

// Media implements web.Drives.
func (w *World) Media(_ context.Context, ref string) ([]api.MediaSlot, error) {
	return w.drives(ref, "", nil)
}

// InsertMedia implements web.Drives.
func (w *World) InsertMedia(_ context.Context, actor, ref, url string) ([]api.MediaSlot, error) {
	return w.drives(ref, actor+": insert "+url+" into", func(h *host) { h.image = url })
}

// EjectMedia implements web.Drives.
func (w *World) EjectMedia(_ context.Context, actor, ref string) ([]api.MediaSlot, error) {
	return w.drives(ref, actor+": eject from", func(h *host) { h.image = "" })
}

func (w *World) drives(ref, call string, change func(*host)) ([]api.MediaSlot, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	h, err := w.ask(ref, call)
	if err != nil {
		return nil, err
	}
	if change != nil {
		change(h)
	}
	return h.drive(), nil
}

// BootOverride implements web.Drives.
func (w *World) BootOverride(_ context.Context, ref string) (api.BootOverride, error) {
	return w.override(ref, "", nil)
}

// SetBootOverride implements web.Drives.
func (w *World) SetBootOverride(_ context.Context, actor, ref string, r api.BootRequest) (api.BootOverride, error) {
	return w.override(ref, fmt.Sprintf("%s: boot %s (always: %v) on", actor, r.Device, r.Persistent), func(h *host) {
		h.boot = api.BootOverride{Device: r.Device, Persistent: r.Persistent}
	})
}

func (w *World) override(ref, call string, change func(*host)) (api.BootOverride, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	h, err := w.ask(ref, call)
	if err != nil {
		return api.BootOverride{}, err
	}
	if change != nil {
		change(h)
	}
	if h.boot.Device == "" {
		h.boot.Device = "none"
	}
	return h.boot, nil
}
