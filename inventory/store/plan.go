package store

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"socle/inventory"
)

// plan decides what an import does to which machine, and finds everything that contradicts: each line
// against the machine it means, then the inventory as it would be.
func plan(rows []machineRow, fixtures []inventory.Fixture, logins map[string]passwordRow, planned []Planned, now time.Time) ([]step, Conflicts) {
	var steps []step
	var conflicts Conflicts
	known := index(rows)
	names := newNames(rows, planned)
	taken := map[string]int{} // machine ID → line
	for _, p := range planned {
		p.Identity = p.Identity.Normalize()
		if p.Identity.BMCMAC == "" {
			p.Identity.BMCMAC = inventory.NormalizeMAC(p.BMC.MAC)
		}
		st := step{planned: p}
		old, problem := known.meant(p)
		if problem == "" && old != nil {
			if line, twice := taken[old.m.ID]; twice {
				problem = fmt.Sprintf("means the same machine as line %d", line)
			}
			taken[old.m.ID] = p.Line
			st.before, st.machine = old.row, old.m
			if problem == "" {
				problem = forbidden(old.m, p)
			}
		}
		if old == nil && problem == "" && p.Identity.Serial == "" {
			problem = "is not known yet, and has no serial number: the manifest that announces a server names its serial"
		}
		if problem == "" {
			apply(&st, names, now)
			_, known := logins[st.before.ID]
			problem = incomplete(st.machine, p, known || !p.Password.Empty())
		}
		if problem != "" {
			conflicts = append(conflicts, Conflict{Line: p.Line, Name: called(p), Problem: problem})
			continue
		}
		steps = append(steps, st)
	}
	both := append(clashes(known, steps), misplaced(known, fixtures, steps)...)
	slices.SortStableFunc(both, func(a, b Conflict) int { return a.Line - b.Line })
	return steps, append(conflicts, both...)
}

// knownMachines is the inventory by what a line of a manifest can name.
type knownMachines struct {
	all      []knownMachine
	byName   map[string]*knownMachine
	bySerial map[string]*knownMachine
	byOther  map[string][]*knownMachine // by UUID and MACs
	broken   error
}

type knownMachine struct {
	row machineRow
	m   inventory.Machine
}

func index(rows []machineRow) *knownMachines {
	k := &knownMachines{
		all: make([]knownMachine, 0, len(rows)), byName: map[string]*knownMachine{}, bySerial: map[string]*knownMachine{}, byOther: map[string][]*knownMachine{},
	}
	for _, r := range rows {
		m, err := r.machine()
		if err != nil {
			k.broken = err
			continue
		}
		k.all = append(k.all, knownMachine{row: r, m: m})
	}
	for i := range k.all {
		m := &k.all[i]
		k.byName[m.row.Name] = m
		if old := k.bySerial[m.row.SerialKey]; m.row.SerialKey != "" && (old == nil || old.m.State == inventory.Retired) {
			k.bySerial[m.row.SerialKey] = m
		}
		for _, key := range otherKeys(m.m.Identity) {
			k.byOther[key] = append(k.byOther[key], m)
		}
	}
	return k
}

// meant finds the machine that a line means, nil for a new one, or says what is wrong.
func (k *knownMachines) meant(p Planned) (*knownMachine, string) {
	if k.broken != nil {
		return nil, k.broken.Error()
	}
	named := k.byName[p.Name]
	var serial *knownMachine
	if p.Identity.Serial != "" {
		serial = k.bySerial[serialKey(p.Identity.Serial)]
	}
	switch {
	case named != nil && serial != nil && named != serial:
		return nil, fmt.Sprintf("the name is known as the machine with serial %q, but serial %q is known as machine %s: correct the manifest",
			named.m.Serial(), p.Identity.Serial, serial.m.Name)
	case serial != nil:
		return serial, ""
	case named != nil && named.m.Serial() != "" && p.Identity.Serial != "":
		return nil, fmt.Sprintf("the name is taken by the machine with serial %q, here it has serial %q: give this server another name",
			named.m.Serial(), p.Identity.Serial)
	case named != nil:
		return named, ""
	}
	var fits []*knownMachine
	for _, key := range otherKeys(p.Identity) {
		for _, m := range k.byOther[key] {
			if m.row.SerialKey != "" && p.Identity.Serial != "" {
				continue // another serial: boards with one UUID are many, and no match
			}
			if m.m.State != inventory.Retired && !slices.Contains(fits, m) && m.m.Identity.Compare(p.Identity) >= inventory.Likely {
				fits = append(fits, m)
			}
		}
	}
	switch len(fits) {
	case 0:
		return nil, ""
	case 1:
		return fits[0], ""
	default:
		return nil, fmt.Sprintf("its addresses or UUID are those of %s and of %s: add the serial number", fits[0].m.Name, fits[1].m.Name)
	}
}

// otherKeys are what of an identity can agree with another one besides the serial.
func otherKeys(id inventory.Identity) []string {
	keys := slices.Clone(id.NICMACs)
	for _, key := range []string{id.BMCMAC, id.UUID} {
		if key != "" {
			keys = append(keys, key)
		}
	}
	return keys
}

// forbidden says what a manifest may not do to a machine in its present state.
func forbidden(m inventory.Machine, p Planned) string {
	early := m.State == inventory.Expected || m.State == inventory.Discovered
	early = early || m.State == inventory.Inspecting || m.State == inventory.Testing || m.State == inventory.Ready
	switch {
	case m.State == inventory.Retired:
		return fmt.Sprintf("the machine (serial %q) is retired: take the line out of the manifest", m.Serial())
	case p.Name != "" && m.Name != p.Name && m.InPlan && !early:
		return fmt.Sprintf("the machine with this serial is named %s and is %s: it cannot be renamed now", m.Name, m.State)
	case p.Role != "" && m.Role != "" && p.Role != m.Role && !early:
		return fmt.Sprintf("the machine is %s as %s: order a deployment to make it %s", m.State, m.Role, p.Role)
	default:
		return ""
	}
}

// incomplete says what a machine's BMC lacks, now that it has an address.
func incomplete(m inventory.Machine, p Planned, password bool) string {
	var lacks []string
	if m.BMC.Protocol == "" {
		lacks = append(lacks, "bmc_protocol")
	}
	if m.BMC.User == "" && !m.BMC.Protocol.PowerOnly() {
		lacks = append(lacks, "bmc_user")
	}
	if !password {
		lacks = append(lacks, "bmc_password")
	}
	if p.BMC.Address == "" || len(lacks) == 0 {
		return ""
	}
	return fmt.Sprintf("it gets a bmc_address, and its %s is known from no manifest: add what is missing", strings.Join(lacks, ", "))
}

// keepsLogin tells whether a machine's BMC has a login that a manifest does not know of: Socle made it, or is about
// to, and it is still the same BMC.
func keepsLogin(st *step) bool {
	had, b := st.machine.BMC, st.planned.BMC
	same := (b.Protocol == "" || had.Protocol == b.Protocol) && (b.Address == "" || had.Address == b.Address)
	return same && (had.Origin == inventory.FromSocle || had.Rotation != nil)
}

// merged is what is known of a BMC with what a manifest says of it.
func merged(st *step) inventory.BMC {
	had, b := st.machine.BMC, st.planned.BMC
	if b.MAC == "" {
		b.MAC = had.MAC
	}
	if b.Protocol == "" {
		b.Protocol = had.Protocol
	}
	if b.Address == "" {
		b.Address, b.Outlets = had.Address, had.Outlets
	}
	if b.User == "" && !b.Protocol.PowerOnly() {
		b.User = had.User
	}
	same := had.Protocol == b.Protocol && had.Address == b.Address
	if same && (had.User == b.User || keepsLogin(st)) {
		b.Seen, b.Vendor, b.Model, b.Firmware = had.Seen, had.Vendor, had.Model, had.Firmware
	}
	if same {
		b.Trust = had.Trust
	}
	if keepsLogin(st) {
		b.User, b.Origin, b.Rotation = had.User, had.Origin, had.Rotation
	}
	return b
}

// moved is where a machine stands, with what a manifest says of it: what it does not say stays.
func moved(had, p inventory.Place) inventory.Place {
	if !p.Known() {
		p.Rack, p.U = had.Rack, had.U
	}
	p.Site, p.Room, p.Row = cmp.Or(p.Site, had.Site), cmp.Or(p.Room, had.Room), cmp.Or(p.Row, had.Row)
	if p.Height == 0 && p.Face == "" && !p.HalfDepth {
		p.HalfDepth = had.HalfDepth
	}
	p.Height, p.Face = cmp.Or(p.Height, had.Height), cmp.Or(p.Face, had.Face)
	return p
}

// apply makes the step's machine what its line says.
func apply(st *step, names *names, now time.Time) {
	p, m := st.planned, &st.machine
	if st.before.ID == "" {
		m.State, m.Since, m.Boot = inventory.Expected, now, inventory.BootRamdisk
	}
	if p.Name != "" {
		m.Name = p.Name
	} else if !m.InPlan {
		m.Name = names.of(p.Identity.Serial)
	}
	place := moved(m.Place, p.Place)
	if st.before.ID != "" {
		place = place.As(m.Place)
	}
	m.InPlan, m.Place = true, place
	m.Identity = m.Identity.Merge(p.Identity)
	m.Role, m.Model, m.Delivery = cmp.Or(p.Role, m.Role), cmp.Or(p.Model, m.Model), cmp.Or(p.Delivery, m.Delivery)
	m.BMC = merged(st)
	if m.Hold != nil && m.Hold.Reason == HoldNotInPlan {
		m.Hold = nil
	}
	if m.Fault != nil && m.Fault.Kind == inventory.FaultIdentity {
		m.Fault = nil // the manifest is a person's word on whose the addresses are
	}
}

// clashes finds what two machines cannot both have, in the inventory as it would be after the steps. Every
// clash has a line of the manifest on one side at least; old ones among machines not named there are not
// this import's business.
func clashes(known *knownMachines, steps []step) (conflicts Conflicts) {
	type holder struct {
		name string
		line int // 0: not in the manifest
	}
	holders := map[string]holder{}
	touched := map[string]bool{}
	for _, st := range steps {
		touched[st.before.ID] = true
	}
	for _, k := range known.all {
		if touched[k.m.ID] {
			continue
		}
		for _, key := range claims(k.m) {
			holders[key] = holder{name: k.m.Name}
		}
	}
	for _, st := range steps {
		for _, key := range claims(st.machine) {
			h, taken := holders[key]
			if !taken {
				holders[key] = holder{name: st.machine.Name, line: st.planned.Line}
				continue
			}
			of := "machine " + h.name
			if h.line > 0 {
				of = fmt.Sprintf("%s in line %d", h.name, h.line)
			}
			conflicts = append(conflicts, Conflict{Line: st.planned.Line, Name: st.machine.Name, Problem: key + " is that of " + of + " too"})
		}
	}
	return conflicts
}

// claims are the things of which a machine must be the only holder, in words.
func claims(m inventory.Machine) []string {
	c := []string{"name " + m.Name}
	if m.State == inventory.Retired {
		return c
	}
	id := m.Identity.Normalize()
	if id.Serial != "" {
		c = append(c, "serial "+serialKey(id.Serial))
	}
	macs := slices.Clone(id.NICMACs)
	for _, mac := range []string{id.BMCMAC, inventory.NormalizeMAC(m.BMC.MAC)} {
		if mac != "" {
			macs = append(macs, mac)
		}
	}
	slices.Sort(macs)
	for _, mac := range slices.Compact(macs) {
		c = append(c, "MAC "+mac)
	}
	return append(c, m.BMC.Claims()...)
}

// misplaced finds servers of a manifest that would stand where something else does, or above the top of their rack.
func misplaced(known *knownMachines, fixtures []inventory.Fixture, steps []step) (conflicts Conflicts) {
	touched := map[string]bool{}
	var claims []inventory.PlaceClaim
	for _, st := range steps {
		touched[st.before.ID] = true
		if st.machine.State != inventory.Retired {
			claims = append(claims, inventory.PlaceClaim{Who: st.machine.Name, Line: st.planned.Line, Place: st.machine.Place})
		}
	}
	for _, k := range known.all {
		if !touched[k.m.ID] && k.m.State != inventory.Retired {
			claims = append(claims, inventory.PlaceClaim{Who: "machine " + k.m.Name, Place: k.m.Place})
		}
	}
	for _, f := range fixtures {
		if !f.IsRack() {
			claims = append(claims, inventory.PlaceClaim{Who: f.Title(), Place: f.Place})
		}
	}
	for _, c := range inventory.PlaceClashes(inventory.RacksByKey(fixtures), claims) {
		conflicts = append(conflicts, Conflict{Line: c.Claim.Line, Name: c.Claim.Who, Problem: c.Problem})
	}
	return conflicts
}
