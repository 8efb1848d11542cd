package app

import (
	"context"
	"slices"

	"socle/inventory"
)

// hearsOfPSUs keeps what a BMC tells of the power supplies of its server, and brings it into the facts where the firmware lists none. One
// that tells of none changes nothing: its server runs, so there are some.
func (n nurse) hearsOfPSUs(ctx context.Context, m inventory.Machine, told []inventory.Supply) {
	if len(told) == 0 || slices.Equal(m.BMC.PSUs, told) {
		return
	}
	n.keep(ctx, m, "what a BMC tells of power supplies", func(m *inventory.Machine) (inventory.Note, error) {
		words := "its BMC tells of the power supplies for the first time"
		if len(m.BMC.PSUs) > 0 {
			words = "its BMC tells of other power supplies than before"
		}
		m.BMC.PSUs = told
		if m.Facts != nil {
			f := *m.Facts
			f.TakePSUs(inventory.PSUs(told))
			m.Facts = &f
		}
		return inventory.Note{Kind: "bmc", Reason: words}, nil
	})
}
