package webtest

import (
	"context"
	"strings"
	"time"

	"socle/inventory"
)

// Stays implements web.Parts: of one DIMM that moved from the first machine to the second.
func (w *World) Stays(_ context.Context, f inventory.StayFilter) ([]inventory.Stay, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	at := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	var all []inventory.Stay
	for i, gone := range []time.Time{{}, at} {
		one := inventory.Stay{Kind: "dimm", Slot: "A1", Serial: "S2", Number: "M393", FirstSeen: at.Add(-time.Duration(i) * time.Hour), LastSeen: at, Gone: gone}
		if at := 1 - i; at < len(w.machines) {
			one.Machine, one.Name = w.machines[at].ID, w.machines[at].Name
		}
		if (f.Machine == "" || f.Machine == one.Machine) && (f.Serial == "" || strings.EqualFold(f.Serial, one.Serial)) && (!f.There || gone.IsZero()) {
			all = append(all, one)
		}
	}
	return all, w.fail
}
