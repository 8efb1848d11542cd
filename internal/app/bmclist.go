package app

import (
	"cmp"
	"context"
	"errors"
	"time"

	"socle/api"
	"socle/bmc"
	"socle/inventory"
)

// List implements web.BMCs. What the BMC said of itself comes before what the agent saw of it from inside.
func (d *desk) List(ctx context.Context) ([]api.BMCEntry, error) {
	machines, err := d.withFacts(ctx)
	if err != nil {
		return nil, err
	}
	conditions, err := d.store.Conditions(ctx)
	if err != nil {
		return nil, err
	}
	looks := make(map[string]inventory.Condition, len(conditions))
	for _, c := range conditions {
		looks[c.Name] = c
	}
	var all []api.BMCEntry
	for _, m := range machines {
		if m.State == inventory.Retired {
			continue
		}
		if e, ok := bmcEntry(m, looks[m.Name]); ok {
			all = append(all, e)
		}
	}
	return all, nil
}

// mostSingly is how many machines are better read one by one than with all others.
const mostSingly = 100

// withFacts are all machines, with facts where these may be asked for: most BMCs have said all of themselves, and facts are
// most of what is to be read.
func (d *desk) withFacts(ctx context.Context) ([]inventory.Machine, error) {
	machines, err := d.store.Roster(ctx)
	if err != nil {
		return nil, err
	}
	var lacking []int
	for i, m := range machines {
		if asksFacts(m) {
			lacking = append(lacking, i)
		}
	}
	if len(lacking) > mostSingly {
		return d.store.Machines(ctx)
	}
	for _, i := range lacking {
		switch m, err := d.store.Machine(ctx, machines[i].ID); {
		case err == nil:
			machines[i] = m
		case !errors.Is(err, inventory.ErrNotFound): // one that is gone meanwhile is shown as it was
			return nil, err
		}
	}
	return machines, nil
}

// asksFacts tells whether the agent may know something of a machine's BMC that is not known otherwise.
func asksFacts(m inventory.Machine) bool {
	b := m.BMC
	return !m.FactsAt.IsZero() && m.State != inventory.Retired &&
		(b.Vendor == "" || b.Model == "" || b.Firmware == "" || b.Address == "" || cmp.Or(b.MAC, m.Identity.BMCMAC) == "")
}

// bmcEntry is what is known of a machine's BMC; false when nothing is.
func bmcEntry(m inventory.Machine, look inventory.Condition) (api.BMCEntry, bool) {
	b := m.BMC
	e := api.BMCEntry{Machine: m.Name, Protocol: string(b.Protocol), Address: b.Address, MAC: cmp.Or(b.MAC, m.Identity.BMCMAC),
		Vendor: b.Vendor, Model: b.Model, Firmware: b.Firmware, User: b.User, Problem: bmcProblem(m, look)}
	if b.User != "" {
		e.Origin = b.Origin.String()
	}
	if f := m.Facts; f != nil {
		e.Vendor, e.Model = cmp.Or(e.Vendor, f.System.Manufacturer), cmp.Or(e.Model, f.System.Product)
		if f.BMC != nil {
			e.Address, e.MAC, e.Firmware = cmp.Or(e.Address, f.BMC.Address), cmp.Or(e.MAC, f.BMC.MAC), cmp.Or(e.Firmware, f.BMC.Version)
		}
	}
	seen := b.Seen
	if look.Time.After(seen) {
		seen = look.Time
	}
	if !seen.IsZero() {
		seen = seen.Round(time.Second)
		e.Seen = &seen
	}
	return e, b.Known() || e.Address != "" || e.MAC != ""
}

// bmcProblem is what is wrong with a BMC, as far as it is known.
func bmcProblem(m inventory.Machine, look inventory.Condition) string {
	switch {
	case m.BMC.Rotation != nil && m.BMC.Rotation.Problem != "":
		return m.BMC.Rotation.String()
	case m.Fault != nil && m.Fault.Kind.OfBMC():
		return m.Fault.Reason
	case look.Failure != "":
		return look.Failure
	case !m.BMC.Known():
		return "no login and no protocol is known: name it in the manifest, or adopt it"
	}
	return ""
}

// keep remembers what a BMC said of itself, when it is anything new.
func (d *desk) keep(ctx context.Context, m inventory.Machine, i bmc.Info) error {
	if m.BMC.Vendor == i.Vendor && m.BMC.Model == i.Model && m.BMC.Firmware == i.Firmware {
		return nil
	}
	_, err := d.store.Change(ctx, m.ID, inventory.ActorProvision, func(m *inventory.Machine) (inventory.Note, error) {
		m.BMC.Vendor, m.BMC.Model, m.BMC.Firmware, m.BMC.Seen = i.Vendor, i.Model, i.Firmware, d.now()
		return inventory.Note{Kind: "bmc", Reason: "its BMC says who it is"}, nil
	})
	return err
}
