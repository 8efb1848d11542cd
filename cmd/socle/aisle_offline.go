package main

import (
	"context"
	"errors"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"socle/api"
	"socle/inventory"
	"socle/inventory/elevation"
	"socle/inventory/offline"
	"socle/web"
)

// carried is the aisle of a snapshot and its journal.
type carried struct {
	snap    offline.Snapshot
	entries []offline.Entry
	actor   string
	write   func(offline.Entry) (offline.Entry, error) // nil: nothing is written down
	now     func() time.Time
}

// currentUser is who works at this computer; empty when nobody knows.
func currentUser() string {
	for _, name := range []string{"SUDO_USER", "USER", "LOGNAME"} {
		if v := os.Getenv(name); v != "" {
			return v
		}
	}
	return ""
}

// rack is a rack of the snapshot.
func (o *carried) rack(ref string) (elevation.Rack, error) {
	var items []elevation.Item
	for _, x := range o.snap.Servers {
		items = append(items, elevation.Item{Name: x.Name, Kind: elevation.ServerKind, Place: x.Place, State: x.State, Fault: x.Fault, Held: x.Held, Power: x.Power, Text: x.Trouble, Serial: x.Serial})
	}
	for _, f := range o.snap.Fixtures {
		if !f.IsRack() {
			items = append(items, elevation.Device(f))
		}
	}
	r, err := elevation.Find(elevation.Racks(o.snap.Fixtures, items), ref)
	if errors.Is(err, inventory.ErrNotFound) || err == nil && !o.snap.Covers(r.Name()) {
		return r, api.NewProblem(http.StatusNotFound, api.ErrNotFound, "rack "+ref+" is not in the snapshot, which is of "+strings.Join(o.snap.Scope, ", "))
	}
	return r, err
}

// Elevation implements aisle: what the snapshot says, and what was done since.
func (o *carried) Elevation(_ context.Context, ref string) (api.Elevation, error) {
	r, err := o.rack(ref)
	if err != nil {
		return api.Elevation{}, err
	}
	return web.ElevationOf(r, func(i elevation.Item) api.ElevationItem {
		out := api.ElevationItem{Name: i.Name, Kind: i.Kind, Place: api.Place(i.Place), Serial: i.Serial, State: i.State, Power: i.Power, Trouble: i.Text, Fault: i.Fault, Held: i.Held}
		n := slices.IndexFunc(o.snap.Servers, func(x offline.Server) bool { return x.Name == i.Name && i.Kind == elevation.ServerKind })
		if n < 0 {
			return out
		}
		x := o.snap.Servers[n]
		out.AssetTag = x.AssetTag
		wrong := x.Wrong
		if racking, racked := o.racked(x); racked {
			out.Racked, wrong = &racking.Time, x.Then
		}
		for _, w := range wrong {
			out.Wrong = append(out.Wrong, api.Wrong(w))
		}
		return out
	}), nil
}

// racked is who put a server to its place: now, or before the snapshot.
func (o *carried) racked(x offline.Server) (inventory.Racking, bool) {
	for _, e := range o.entries {
		if e.Kind == offline.ActRacked && e.Machine == x.ID {
			return inventory.Racking{Machine: x.ID, Place: e.Place, Actor: e.Actor, Time: e.Time}, true
		}
	}
	if x.Racked == nil {
		return inventory.Racking{}, false
	}
	return inventory.Racking{Machine: x.ID, Place: x.Place, Actor: x.Racked.Actor, Time: x.Racked.Time}, true
}

// Rack implements aisle. What is refused is written down as seen: somebody will ask where it came from.
func (o *carried) Rack(_ context.Context, r api.RackingRequest) (api.RackingReply, error) {
	rack, err := o.rack(r.Rack)
	if err != nil {
		return api.RackingReply{}, err
	}
	c, err := inventory.Scanned(o.snap.Candidates(), r.Code, rack.Name())
	if err == nil {
		x, _ := o.snap.Server(c.ID)
		if before, racked := o.racked(x); racked {
			err = inventory.AlreadyRacked(c, before)
		}
	}
	e := offline.Entry{Kind: offline.ActRacked, Rack: rack.Name(), Machine: c.ID, Name: c.Name, Code: r.Code, Place: c.Place}
	var refusal inventory.Refusal
	if errors.As(err, &refusal) {
		e.Kind, e.Place, e.Text = offline.ActSeen, inventory.Place{}, refusal.Text
	}
	if e, err := o.put(e); err != nil || e.Kind == offline.ActRacked {
		return api.RackingReply{Machine: c.Name, Serial: c.Serial, Place: api.Place(c.Place), Racked: &e.Time}, err
	}
	status := http.StatusConflict
	if refusal.Unknown {
		status = http.StatusNotFound
	}
	return api.RackingReply{}, api.NewProblem(status, api.ErrConflict, refusal.Text)
}

// Note implements aisle.
func (o *carried) Note(_ context.Context, rack, machine, text string) error {
	r, err := o.rack(rack)
	if err != nil {
		return err
	}
	e := offline.Entry{Kind: offline.ActNote, Rack: r.Name(), Text: text}
	if i := slices.IndexFunc(o.snap.Servers, func(x offline.Server) bool { return x.Name == machine }); i >= 0 {
		e.Machine, e.Name = o.snap.Servers[i].ID, machine
	}
	_, err = o.put(e)
	return err
}

// put writes an act down. It is on the disk when put returns.
func (o *carried) put(e offline.Entry) (offline.Entry, error) {
	e.Actor, e.Time = o.actor, o.now()
	e, err := o.write(e)
	if err == nil {
		o.entries = append(o.entries, e)
	}
	return e, err
}

// Cabling implements aisle.
func (o *carried) Cabling(_ context.Context, machine string) (all []api.Cable, err error) {
	for _, c := range o.snap.Cables {
		if c.Server == machine {
			all = append(all, web.CableOut(c))
		}
	}
	return all, nil
}

// Light implements aisle.
func (*carried) Light(context.Context, string) string {
	return "Its light cannot be switched on without a network."
}
