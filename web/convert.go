package web

import (
	"encoding/json"
	"time"

	"socle/api"
	"socle/inventory"
)

// machineOut is a machine on the wire; order is the one in progress, or nil.
func machineOut(m inventory.Machine, order *inventory.Order) api.Machine {
	out := api.Machine{
		ID: m.ID, Name: m.Name, Version: m.Version,
		State: string(m.State), Since: m.Since, Target: string(m.Target), Deadline: timeOut(m.Deadline), Step: m.Step,
		Fault: faultOut(m.Fault), Intent: string(m.Intent.State), WriteDisks: m.Intent.Disks, Boot: string(m.Boot), Power: powerOut(m.Power),
		Serial: m.Identity.Serial, UUID: m.Identity.UUID, AssetTag: m.Identity.AssetTag, NICMACs: m.Identity.NICMACs,
		Place: api.Place(m.Place), Address: addrOut(m.Address), Role: m.Role, Model: m.Model, Delivery: m.Delivery, InPlan: m.InPlan,
		Wish: wishOut(m.Wish), Progress: progressOut(order), Deployed: deploymentOut(m.Deployed), Facts: m.Facts, FactsAt: timeOut(m.FactsAt), SeenAt: timeOut(m.SeenAt),
	}
	if m.Hold != nil {
		h := api.Hold(*m.Hold)
		out.Hold = &h
	}
	if w := m.Medium; w != nil {
		out.Medium = &api.MachineMedium{Wanted: w.Wanted, Address: w.Address, In: timeOut(w.In), Stuck: w.Stuck}
	}
	if m.InPlan && (m.State == inventory.Expected || m.State == inventory.Discovered) {
		out.Lacks = m.Lacks()
	}
	if m.BMC.Protocol != "" || m.BMC.Address != "" || m.BMC.MAC != "" || m.Identity.BMCMAC != "" {
		out.BMC = &api.BMC{Protocol: string(m.BMC.Protocol), Address: m.BMC.Address, Outlets: m.BMC.Outlets, MAC: m.BMC.MAC, User: m.BMC.User, Seen: timeOut(m.BMC.Seen),
			Origin: m.BMC.Origin.String(), Rotation: m.BMC.Rotation.String(), Certificate: m.BMC.Trust.Certificate}
		if out.BMC.MAC == "" {
			out.BMC.MAC = m.Identity.BMCMAC
		}
	}
	return out
}

// wishOut leaves out a wish that nobody had.
func wishOut(w inventory.PowerWish) *api.PowerWish {
	if w.Since.IsZero() && w.Policy == inventory.PowerByDefault {
		return nil
	}
	out := api.PowerWish{Power: powerOut(w.Power), Actor: w.Actor, Since: timeOut(w.Since), Policy: w.Policy.String(), Drift: w.Trouble()}
	if w.Drift != nil {
		out.Next = timeOut(w.Drift.Next)
	}
	return &out
}

func faultOut(f *inventory.Fault) *api.Fault {
	if f == nil {
		return nil
	}
	return &api.Fault{Kind: string(f.Kind), Reason: f.Reason, Remedy: f.Remedy, Step: f.Step, Since: f.Since, Count: f.Count, RetryAt: timeOut(f.RetryAt)}
}

func progressOut(o *inventory.Order) *api.Progress {
	if o == nil {
		return nil
	}
	return &api.Progress{Order: o.Kind, Done: o.Done, Total: o.Total, Wire: o.Wire, Text: o.Message}
}

func deploymentOut(d inventory.Deployment) *api.Deployment {
	if d.Image == "" && d.Disk == "" {
		return nil
	}
	out := &api.Deployment{
		Image: d.Image, Disk: d.Disk, Written: timeOut(d.Written), PhonedHome: timeOut(d.PhonedHome),
		Verified: timeOut(d.Verified), Evidence: d.Evidence,
	}
	for _, disk := range d.DataDisks {
		out.DataDisks = append(out.DataDisks, api.DataDisk(disk))
	}
	return out
}

func orderOut(o inventory.Order) api.OrderStatus {
	return api.OrderStatus{
		ID: o.ID, Kind: o.Kind, State: string(o.State), Session: o.Session, Done: o.Done, Total: o.Total, Wire: o.Wire,
		Code: o.Code, Message: o.Message, Result: valid(o.Result), IssuedAt: o.IssuedAt, TakenAt: timeOut(o.TakenAt), EndedAt: timeOut(o.EndedAt),
	}
}

func eventOut(e inventory.Event) api.Event {
	return api.Event{
		Seq: e.Seq, Time: e.Time, Machine: e.Name, ID: e.Machine, Actor: e.Actor, Kind: e.Kind, Reason: e.Reason,
		Before: valid(e.Before), After: valid(e.After),
	}
}

// valid drops what is no JSON: one bad object would spoil the whole answer.
func valid(object json.RawMessage) json.RawMessage {
	if !json.Valid(object) {
		return nil
	}
	return object
}

// powerOut says "unknown" where the domain says nothing.
func powerOut(p inventory.Power) string {
	if p == inventory.PowerUnknown {
		return "unknown"
	}
	return string(p)
}

// timeOut leaves out times that are not set.
func timeOut(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
