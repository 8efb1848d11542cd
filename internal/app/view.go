package app

import (
	"socle/dhcp"
	"socle/inventory/view"
)

// hosts lets DHCP ask the view, however old it is: a lease without the database is refused elsewhere.
type hosts struct{ view *view.View }

// Host implements dhcp.View.
func (h hosts) Host(mac string) (dhcp.Host, bool) {
	s, ok := h.view.ByMAC(mac)
	return dhcp.Host{Machine: s.ID, Name: s.Name, Boot: s.Boot}, ok
}
