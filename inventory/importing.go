package inventory

import (
	"slices"
	"strings"
)

// ImportResult tells what an import of a manifest added, changed and found unchanged.
type ImportResult struct {
	Added, Changed, Same []string // names

	Changes []ImportChange // of those that were added or changed, in the order of the lines
}

// ImportChange is what an import does to one machine.
type ImportChange struct {
	Line   int
	Name   string
	Added  bool
	Fields []FieldChange
}

// FieldChange is a part of a machine before and after a change, in words. Of a password it says only that it changes.
type FieldChange struct {
	Field  string `json:"field"`
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
}

// PlanChanges tells what differs between two states of a machine in what a manifest can say of it, by the names of its
// columns.
func PlanChanges(before, after Machine) (changes []FieldChange) {
	b, a := before.planFields(), after.planFields()
	for i, f := range a {
		if b[i][1] != f[1] {
			changes = append(changes, FieldChange{Field: f[0], Before: b[i][1], After: f[1]})
		}
	}
	return changes
}

// planFields are the columns of a manifest with what the machine has in them.
func (m *Machine) planFields() [][2]string {
	hold := ""
	if m.Hold != nil {
		hold = m.Hold.Reason
	}
	return slices.Concat([][2]string{
		{"name", m.Name}, {"serial", m.Identity.Serial}, {"uuid", m.Identity.UUID}, {"asset_tag", m.Identity.AssetTag},
		{"model", m.Model}, {"delivery", m.Delivery}, {"role", m.Role},
	}, m.Place.fields(), [][2]string{
		{"bmc_protocol", string(m.BMC.Protocol)}, {"bmc_address", m.BMC.Address}, {"bmc_user", m.BMC.User}, {"bmc_mac", m.BMC.MAC},
		{"bmc_outlets", strings.Join(m.BMC.Outlets, ";")}, {"nic_macs", strings.Join(m.Identity.NICMACs, ";")}, {"hold", hold},
	})
}

// Lacks lists what of a machine must be known before Socle can bring it to work, in words.
func (m *Machine) Lacks() (all []string) {
	if m.Identity.Serial == "" {
		all = append(all, "serial")
	}
	if !m.Place.Known() {
		all = append(all, "place")
	}
	switch {
	case m.BMC.Known():
	case m.BMC.Address == "":
		all = append(all, "BMC address")
	default:
		all = append(all, "BMC protocol")
	}
	return all
}
