package app

import (
	"net/netip"

	"socle/dhcp"
	"socle/inventory"
	"socle/inventory/view"
)

// hosts lets DHCP ask the view of the inventory, however old that is: while the database is away the last copy
// stays.
type hosts struct {
	view  *view.View
	tries *tries
}

// Host implements dhcp.View.
func (h hosts) Host(mac string) (dhcp.Host, bool) { return hostOf(h.view.ByMAC(mac)) }

// HostByUUID finds a machine of which no NIC is known yet, by its system UUID. Where boards were shipped with
// equal UUIDs, none of them is found.
func (h hosts) HostByUUID(uuid string) (dhcp.Host, bool) { return hostOf(h.view.ByUUID(uuid)) }

// Reserved keeps the addresses of active machines, which others rely on, from being given to other ones.
func (h hosts) Reserved(addr netip.Addr) (mac string, ok bool) {
	s, ok := h.view.ActiveAt(addr)
	if !ok || !addr.Is4() || len(s.Identity.NICMACs) == 0 {
		return "", false
	}
	return s.Identity.NICMACs[0], true
}

// NetBoot tells DHCP what was tried to boot the machine behind a MAC.
func (h hosts) NetBoot(mac string) inventory.NetBoot { return h.tries.of(mac) }

func hostOf(s inventory.Sketch, ok bool) (dhcp.Host, bool) {
	if !ok {
		return dhcp.Host{}, false
	}
	h := dhcp.Host{Machine: s.ID, Name: s.Name, Stray: !s.InPlan, Boot: s.Boot}
	if s.State == inventory.Active && s.Address.Is4() && len(s.Identity.NICMACs) > 0 {
		h.Addr = s.Address
	}
	return h, true
}
