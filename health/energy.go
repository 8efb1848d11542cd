package health

import (
	"context"
	"time"

	"socle/inventory"
)

// energy tells what a look found of the power, where that is not known already.
func (w *Watch) energy(ctx context.Context, p *patient, l *inventory.Look, asked time.Time) {
	seen := inventory.PowerSight{Power: l.Vitals.Power, Asked: asked, Before: p.power, BeforeAsked: p.asked}
	p.power, p.asked = seen.Power, asked
	if w.o.Energy == nil || seen.Power == inventory.PowerUnknown || p.machine.PowerAsKnown(seen.Power) {
		return
	}
	complaint, again, err := w.o.Energy.SeePower(ctx, p.machine, seen)
	if err != nil {
		if ctx.Err() == nil {
			w.o.Log.Warn("comparing the power with what is wanted; the next look will", "machine", l.Name, "err", err)
		}
		return
	}
	l.Drift = complaint
	if again > 0 {
		p.due = time.Now().Add(again)
	}
}
