package inventory

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Need is what brings new firmware into force.
type Need string

// The needs. Empty is NeedsNothing.
const (
	NeedsNothing Need = "nothing"
	NeedsReboot  Need = "reboot"      // of the server: its power is taken away and given back
	NeedsBMC     Need = "bmc-restart" // which most BMCs do themselves
)

// Document is one version of a text that people write and the system goes by, as somebody put it: a baseline of
// firmware, or the profile of a model.
type Document struct {
	Name    string
	Version int // from 1
	Text    string
	Actor   string
	Time    time.Time
}

// Baseline says which firmware machines are to run.
type Baseline = Document

// FirmwareLook is what one look at a BMC says of the firmware.
type FirmwareLook struct {
	Vendor, Model, Serial string // of the server
	Power                 Power
	Health                Health // of the BMC itself
	Components            []Component
}

// Campaign brings machines to a baseline, wave by wave.
type Campaign struct {
	ID       string    `json:"-"`
	Baseline string    `json:"baseline"`
	Version  int       `json:"version"`
	Waves    []Wave    `json:"waves"`
	Wave     int       `json:"wave"` // index of the one that is under way
	Parallel int       `json:"parallel"`
	Active   bool      `json:"active,omitempty"` // also machines that do their work
	Actor    string    `json:"actor"`
	Began    time.Time `json:"began"`
	// Stopped is when somebody, or a failure, stopped it; it can go on. Ended is when all was done.
	Stopped time.Time `json:"stopped,omitzero"`
	Ended   time.Time `json:"ended,omitzero"`
	End     bool      `json:"end,omitempty"`    // it is not to go on any more
	Reason  string    `json:"reason,omitempty"` // why it stopped
	Updates []Update  `json:"-"`                // of the machines, in the order in which they are taken
}

// UpdateState is where a machine stands in a campaign.
type UpdateState string

// The states of a machine in a campaign.
const (
	UpdateWaiting  UpdateState = "waiting"
	UpdateWorking  UpdateState = "working"
	UpdateDone     UpdateState = "done"
	UpdateUnneeded UpdateState = "unneeded" // nothing is below the baseline
	UpdateSkipped  UpdateState = "skipped"  // held, off, not to be reached …
	UpdateFailed   UpdateState = "failed"
)

// Update is one machine in a campaign.
type Update struct {
	Machine string       `json:"-"` // ID
	Name    string       `json:"name"`
	Serial  string       `json:"serial,omitempty"` // when it was ordered: no other server's firmware is touched
	State   UpdateState  `json:"state"`
	Wave    int          `json:"wave"` // index of the wave in which it was begun
	Reason  string       `json:"reason,omitempty"`
	Health  Health       `json:"health,omitempty"` // of the BMC before
	Since   time.Time    `json:"since,omitzero"`
	Stuck   string       `json:"stuck,omitempty"` // a task of the BMC that was found and does not end
	Items   []UpdateItem `json:"items,omitempty"`
}

// Phase is how far the update of one component is.
type Phase string

// The phases, in their order. Each is written down before its work is begun; who finds one looks first.
const (
	PhaseWaiting Phase = ""
	PhaseOrder   Phase = "order"   // the BMC is told to update
	PhaseFollow  Phase = "follow"  // its task is followed
	PhaseBack    Phase = "back"    // the BMC restarts
	PhaseRestart Phase = "restart" // the BMC has not, and is told to
	PhaseOff     Phase = "off"     // the server's power is taken away
	PhaseOn      Phase = "on"      // and given back
	PhaseVerify  Phase = "verify"
	PhaseDone    Phase = "done"
)

// UpdateItem is the update of one component.
type UpdateItem struct {
	Component string    `json:"component"` // its ID, else its name
	From      string    `json:"from"`
	Asks      string    `json:"asks"` // ">= 2.17.1"
	File      string    `json:"file,omitempty"`
	SHA256    string    `json:"sha256,omitempty"`
	URL       string    `json:"url,omitempty"`
	Needs     Need      `json:"needs,omitempty"`
	Phase     Phase     `json:"phase,omitempty"`
	Task      string    `json:"task,omitempty"`    // the BMC's own, by which it is followed
	Adopted   bool      `json:"adopted,omitempty"` // the task was found, and may be another one's
	At        time.Time `json:"at,omitzero"`       // when the phase began
}

// Is tells whether a component is the one that is updated.
func (i *UpdateItem) Is(c Component) bool {
	return c.ID == i.Component || c.ID == "" && c.Name == i.Component
}

// Item is the first that is not done; nil when all are.
func (u *Update) Item() *UpdateItem {
	for i := range u.Items {
		if u.Items[i].Phase != PhaseDone {
			return &u.Items[i]
		}
	}
	return nil
}

// Update finds a machine by its ID; nil when it is not in the campaign.
func (c *Campaign) Update(machine string) *Update {
	i := slices.IndexFunc(c.Updates, func(u Update) bool { return u.Machine == machine })
	if i < 0 {
		return nil
	}
	return &c.Updates[i]
}

// Open tells whether there is, or may be, something left to do.
func (c *Campaign) Open() bool { return c.Ended.IsZero() }

// Running tells whether something new may be begun.
func (c *Campaign) Running() bool { return c.Open() && c.Stopped.IsZero() }

// Count tells how many machines are in a state.
func (c *Campaign) Count(s UpdateState) (n int) {
	for i := range c.Updates {
		if c.Updates[i].State == s {
			n++
		}
	}
	return n
}

// Next says which machines are to be begun now, and goes on to the next wave when one is over. A wave is over when as many
// machines as it names were really updated: those that are skipped or need nothing do not count, so a first wave of one
// machine always tries the firmware on one. over: nothing is under way and nothing can be begun.
func (c *Campaign) Next() (begin []*Update, over bool) {
	working, updated := c.Count(UpdateWorking), c.Count(UpdateDone)
	if !c.Running() || c.Count(UpdateFailed) > 0 {
		return nil, working == 0
	}
	for working == 0 && c.Wave < len(c.Waves)-1 && updated >= c.Waves[c.Wave].Of(len(c.Updates)) {
		c.Wave++
	}
	room := min(c.Waves[c.Wave].Of(len(c.Updates))-updated-working, c.Parallel-working)
	for i := range c.Updates {
		if u := &c.Updates[i]; room > 0 && u.State == UpdateWaiting {
			begin, room = append(begin, u), room-1
		}
	}
	return begin, working == 0 && len(begin) == 0
}

// Wave is how many machines are updated when it is over, the earlier waves' included: a number, or a part of all.
type Wave struct{ Count, Percent int }

// String is the wave as people write it.
func (w Wave) String() string {
	if w.Percent > 0 {
		return strconv.Itoa(w.Percent) + "%"
	}
	return strconv.Itoa(w.Count)
}

// Of is the wave's size among so many machines: one at least, and no more than there are.
func (w Wave) Of(all int) int {
	n := w.Count
	if w.Percent > 0 {
		n = (all*w.Percent + 99) / 100
	}
	return min(max(n, 1), all)
}

// MarshalText implements encoding.TextMarshaler.
func (w Wave) MarshalText() ([]byte, error) { return []byte(w.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (w *Wave) UnmarshalText(text []byte) error {
	digits, percent := strings.CutSuffix(strings.TrimSpace(string(text)), "%")
	n, err := strconv.Atoi(digits)
	switch {
	case err != nil || n < 1 || n > maxRange || percent && n > 100:
		return fmt.Errorf("wave %q: use a number of machines, such as 1, or a part of all, such as 10%%", text)
	case percent:
		*w = Wave{Percent: n}
	default:
		*w = Wave{Count: n}
	}
	return nil
}

// maxWaves bounds the waves of a campaign.
const maxWaves = 20

// ParseWaves reads "1,10%,100%"; the last wave is always all that are left. Nothing is the usual: 1, then 10 %, then all.
func ParseWaves(text string) ([]Wave, error) {
	if strings.TrimSpace(text) == "" {
		text = "1,10%"
	}
	var all []Wave
	for part := range strings.SplitSeq(text, ",") {
		var w Wave
		if err := w.UnmarshalText([]byte(part)); err != nil {
			return nil, err
		}
		all = append(all, w)
	}
	if all[len(all)-1].Percent != 100 {
		all = append(all, Wave{Percent: 100})
	}
	if len(all) > maxWaves {
		return nil, fmt.Errorf("more than %d waves", maxWaves)
	}
	return all, nil
}
