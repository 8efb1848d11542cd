package inventory

import (
	"fmt"
	"time"
)

// Make is which kind of controller a server has, by what it says of itself.
type Make struct {
	Vendor   string `json:"vendor,omitempty"` // of the server
	Model    string `json:"model,omitempty"`
	Firmware string `json:"firmware,omitempty"` // version of the controller's own
}

// Known tells whether it says enough to learn from.
func (m Make) Known() bool { return m.Vendor != "" && m.Model != "" }

// BootHabit is what became of the next boots that were ordered of controllers of one make, by what DHCP and the agents saw.
type BootHabit struct {
	Make
	Kept   int
	Forgot int // the server booted its disk though the network was ordered, and the controller had shown that it would
	Streak int // forgotten since one was last kept
	Last   time.Time
}

// forgetful is after how many in a row a make counts as one that forgets.
const forgetful = 2

// Forgets tells whether controllers of this make cannot be relied on for a next boot.
func (h BootHabit) Forgets() bool { return h.Streak >= forgetful }

// String says it for people; nothing when nothing was seen.
func (h BootHabit) String() string {
	if h.Kept+h.Forgot == 0 {
		return ""
	}
	text := fmt.Sprintf("next boots kept: %d, forgotten: %d", h.Kept, h.Forgot)
	if h.Forgets() {
		text += "; this make forgets"
	}
	return text
}
