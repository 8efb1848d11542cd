package netbox

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"socle/inventory"
)

// What a role of NetBox's devices can mean besides the kinds of fixtures.
const (
	server  = "server"
	skipped = "skip"
)

// Meaning says for roles of NetBox's devices, by name or slug in lower case, what they are: "server", "server:ROLE" with
// a role of ours, a kind of fixture ("switch", "pdu", "patch-panel", "spare", "other"), or "skip".
type Meaning map[string]string

// ParseMeaning reads "NETBOX ROLE=what", one for each role.
func ParseMeaning(all []string) (Meaning, error) {
	m := Meaning{}
	for _, text := range all {
		role, what, ok := strings.Cut(text, "=")
		kind, of, hasRole := strings.Cut(what, ":")
		if !ok || role == "" || hasRole && (kind != server || of == "") || !slices.Contains(meanings(), kind) {
			return nil, fmt.Errorf("%q: write the name or slug of a role of NetBox, = and what it is: %s, or server:ROLE", text, strings.Join(meanings(), ", "))
		}
		m[strings.ToLower(strings.TrimSpace(role))] = what
	}
	return m, nil
}

func meanings() []string {
	all := []string{server, skipped}
	for _, k := range inventory.FixtureKinds() {
		if k != inventory.RackFixture {
			all = append(all, string(k))
		}
	}
	return all
}

// words are what names of roles that nobody explained are recognised by, the first that is in one counts.
var words = [][2]string{
	{"console", string(inventory.OtherFixture)}, {"terminal", string(inventory.OtherFixture)},
	{"patch", string(inventory.PatchAsset)}, {"panel", string(inventory.PatchAsset)}, {"pdu", string(inventory.PDUAsset)}, {"ups", string(inventory.PDUAsset)},
	{"power", string(inventory.PDUAsset)}, {"spare", string(inventory.SpareAsset)},
	{"switch", string(inventory.SwitchAsset)}, {"leaf", string(inventory.SwitchAsset)}, {"spine", string(inventory.SwitchAsset)}, {"tor", string(inventory.SwitchAsset)},
	{"router", string(inventory.SwitchAsset)}, {"firewall", string(inventory.SwitchAsset)}, {"access", string(inventory.SwitchAsset)},
	{"server", server}, {"hypervisor", server}, {"compute", server}, {"storage", server}, {"node", server}, {"host", server},
	{"other", string(inventory.OtherFixture)},
}

// reader knows what roles mean, and finds out for others.
type reader struct {
	meaning Meaning
	ours    []string // roles of ours
	unknown map[string]int
}

// what is what a device is, and the role of ours that it has; "" when nobody knows.
func (m *reader) what(r record) (what, role string) {
	name, slug := strings.ToLower(r.get("role")), strings.ToLower(r.get("role.slug"))
	for _, ref := range []string{name, slug} {
		if said, there := m.meaning[ref]; there {
			what, role, _ = strings.Cut(said, ":")
			return what, role
		}
	}
	for _, ref := range []string{slug, name} {
		if slices.Contains(m.ours, ref) {
			return server, ref
		}
	}
	parts := strings.FieldsFunc(name, func(c rune) bool { return c == ' ' || c == '-' || c == '_' || c == '/' })
	for _, w := range words {
		for _, p := range parts {
			if p == w[0] || len(w[0]) > 3 && strings.Contains(p, w[0]) {
				return w[1], ""
			}
		}
	}
	m.unknown[r.get("role")]++
	return "", ""
}

// complain says which roles nobody knows.
func (m *reader) complain(bad *Problems) {
	for _, role := range slices.Sorted(maps.Keys(m.unknown)) {
		bad.add(fmt.Sprintf("role %q", role), "%d devices have it, and it is not known what they are: say so, %s=server or another of %s", m.unknown[role], role, strings.Join(meanings(), ", "))
	}
}
