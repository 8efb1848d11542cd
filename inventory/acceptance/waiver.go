package acceptance

import (
	"time"

	"socle/inventory"
)

// Waiver is a person's word that one thing of one machine may be as it is. It holds of exactly what was found: another
// reading, or another part, is another thing.
type Waiver struct {
	ID        string            `json:"id"`
	MachineID string            `json:"-"`
	Machine   string            `json:"machine"` // its name when it was waived
	Finding   inventory.Finding `json:"finding"` // as it was shown
	Reason    string            `json:"reason"`
	By        string            `json:"by"`
	At        time.Time         `json:"at"`
	Until     time.Time         `json:"until,omitzero"` // zero: for good
	Withdrawn *Withdrawal       `json:"withdrawn,omitempty"`
}

// Same tells whether two findings are of the same thing, found the same.
func Same(a, b inventory.Finding) bool {
	return a.Key() == b.Key() && a.Want == b.Want && a.Got == b.Got && a.Serial == b.Serial && a.Part == b.Part
}

// Holds tells whether the waiver is in force.
func (w Waiver) Holds(now time.Time) bool {
	return w.Withdrawn == nil && (w.Until.IsZero() || now.Before(w.Until))
}

// Withdrawal ends a waiver before its time.
type Withdrawal struct {
	By string    `json:"by"`
	At time.Time `json:"at"`
}
