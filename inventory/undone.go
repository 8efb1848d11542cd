package inventory

import "fmt"

// Undone is one thing that keeps a server from being done in its rack, and what to do about it there.
type Undone struct{ What, Remedy string }

// Undone lists what is still wrong with a server that stands, or is to stand, in a rack: for the person before it.
func (m *Machine) Undone(racked bool, found []Findings) (all []Undone) {
	if m.State == Retired {
		return nil
	}
	switch {
	case m.State == Expected && !racked:
		all = append(all, Undone{"it was neither racked nor seen", fmt.Sprintf("put it into U %d, plug in power and cables, and switch it on", m.Place.U)})
	case m.State == Expected:
		all = append(all, Undone{"it was racked, and not seen yet", "check power and the cables of the BMC and the provisioning network; socle why " + m.Name + " says how far it came"})
	}
	if m.Power == PowerOff {
		all = append(all, Undone{"its power is off", "check both cords and the lights of its power supplies, then switch it on"})
	}
	if m.BMC.Known() && !m.BMC.Protocol.PowerOnly() && m.BMC.Seen.IsZero() && m.State != Expected {
		all = append(all, Undone{"its BMC has never answered", "check the cable of the BMC and its address " + m.BMC.Address})
	}
	if m.Fault != nil {
		all = append(all, Undone{m.Fault.Reason, m.Fault.Remedy})
	}
	if m.Hold != nil {
		all = append(all, Undone{"held: " + m.Hold.Reason, "release it when the reason is gone"})
	}
	for _, source := range found {
		for _, f := range source.List {
			if !f.Minor {
				all = append(all, Undone{f.Sentence(), f.Remedy})
			}
		}
	}
	return all
}
