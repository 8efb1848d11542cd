package ui

import (
	"net/url"
	"time"

	"socle/inventory"
)

// Move is a part that came to a machine or left it.
type Move struct {
	inventory.Stay
	Came  time.Time
	Other []Other // where else it sat, the newest first
}

// Other is another stay of a part.
type Other struct {
	Machine, Link, Slot string
	From, Until         time.Time // Until is zero while it is there
}

// NewMove makes the line of a stay out of all stays of its part, the newest first.
func NewMove(stay inventory.Stay, all []inventory.Stay) Move {
	m := Move{Stay: stay, Came: stay.FirstSeen}
	for _, o := range all {
		if o.Machine == stay.Machine && o.Slot == stay.Slot && o.FirstSeen.Equal(stay.FirstSeen) {
			continue
		}
		other := Other{Machine: o.Name, Slot: o.Slot, From: o.FirstSeen, Until: o.Gone}
		if o.Name != "" {
			other.Link = "/machines/" + url.PathEscape(o.Name)
		}
		m.Other = append(m.Other, other)
	}
	return m
}
