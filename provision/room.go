package provision

import (
	"context"
	"time"

	"socle/inventory"
)

// checkRoom stops work on a machine, with a fault, while Socle's own disk is as good as full: what cannot be
// written down must not be begun. It ends the fault when there is room again. It returns when to look again; 0: go on.
func (e *Engine) checkRoom(ctx context.Context, m *inventory.Machine) (again time.Duration, err error) {
	if e.Room == nil || !wants(m, e.Now()) {
		return 0, nil
	}
	if err := e.Room(); err != nil {
		return e.fail(ctx, m, &Failure{Kind: inventory.FaultServerDisk, Retry: true, Step: m.Step, Reason: err.Error(),
			Remedy: "make room there (socle image gc removes images that nothing needs) or give it a larger disk; the machine goes on by itself then"})
	}
	if m.Fault == nil || m.Fault.Kind != inventory.FaultServerDisk {
		return 0, nil
	}
	return 0, e.change(ctx, m, func(m *inventory.Machine) (inventory.Note, error) {
		m.Fault = nil
		return inventory.Note{Kind: "fault", Reason: "the server's disk has room again"}, nil
	})
}
