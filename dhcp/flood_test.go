package dhcp

import (
	"fmt"
	"testing"
	"time"
)

// TestAFloodOfMACsDoesNotGrow sends DISCOVERs of ever new MACs, more than there are addresses, while offers lapse:
// what the server remembers stays bounded by the pool.
func TestAFloodOfMACsDoesNotGrow(t *testing.T) {
	h := newHandler(t, hosts{})
	const pool = 4 // of testSubnets
	offers, now := 0, t0
	for i := range 20_000 {
		now = now.Add(3 * time.Second) // ten of them while an offer stands
		mac := fmt.Sprintf("52:54:%02x:%02x:%02x:%02x", i>>24, i>>16&255, i>>8&255, i&255)
		if out := h.handle(packet(t, discover, mac), onProv, now); out.reply != nil {
			offers++
		}
	}
	if offers < 20_000/10*pool*9/10 {
		t.Errorf("%d offers: the pool did not recover", offers)
	}
	b := h.book
	if len(b.byAddr) > pool || len(b.byMAC) > pool {
		t.Errorf("%d addresses and %d MACs are remembered", len(b.byAddr), len(b.byMAC))
	}
	for _, x := range b.indexes {
		if len(x.ends) > 4*pool || len(x.keys) > pool || len(x.unprobed) > maxUnprobed || len(x.spares) > mostSpares {
			t.Errorf("the index holds %d endings of %d addresses, %d to be probed, %d spares", len(x.ends), len(x.keys), len(x.unprobed), len(x.spares))
		}
	}
}
