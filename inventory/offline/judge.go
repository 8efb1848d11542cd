package offline

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"socle/inventory"
)

// Outcome is what became of an act on the server.
type Outcome string

// The outcomes.
const (
	Applied  Outcome = "applied"  // it is so now
	Same     Outcome = "same"     // somebody had said the same before
	Conflict Outcome = "conflict" // something changed meanwhile; a person is to decide
	Mine     Outcome = "mine"     // was a conflict: what was done in the aisle is right
	Theirs   Outcome = "theirs"   // was a conflict: what the server knew is right
)

// Standing is what the server knows of a machine now.
type Standing struct {
	Known   bool
	Name    string
	Serial  string
	Place   inventory.Place
	Retired bool
	Racked  *inventory.Racking // at Place; nil when nobody said so
	// Taken says who fills the place of the act, in words; empty when nobody else does.
	Taken string
}

// Words is what the server knows, in words.
func (s Standing) Words() string {
	switch {
	case !s.Known:
		return "there is no such server any more"
	case s.Retired:
		return s.Name + " is retired"
	case !s.Place.Known():
		return "no place of " + s.Name + " is planned"
	}
	text := fmt.Sprintf("%s goes into rack %s, %s", s.Name, s.Place.RackName(), s.Place.Units())
	if s.Racked != nil {
		text += "; " + s.Racked.Said()
	}
	return text
}

// Judge compares an act with what the snapshot said and with what is known now. A conflict has reasons.
func Judge(e Entry, base Server, now Standing) (o Outcome, why []string) {
	if e.Kind != ActRacked {
		return Applied, nil
	}
	say := func(format string, args ...any) { why = append(why, fmt.Sprintf(format, args...)) }
	switch {
	case !now.Known:
		say("%s is not known any more", base.Name)
	case now.Retired:
		say("%s was retired meanwhile", now.Name)
	default:
		if !strings.EqualFold(now.Serial, base.Serial) {
			say("its serial number was %s, and is %s now", dash(base.Serial), dash(now.Serial))
		}
		if now.Place != e.Place {
			say("it was to go into %s, and is to go into %s now", spot(e.Place), spot(now.Place))
		}
		if now.Taken != "" {
			say("%s of rack %s is that of %s now", e.Place.Units(), e.Place.RackName(), now.Taken)
		}
	}
	switch {
	case len(why) > 0:
		return Conflict, why
	case now.Racked != nil:
		return Same, []string{now.Racked.Said()}
	}
	return Applied, nil
}

func spot(p inventory.Place) string {
	if !p.Known() {
		return "no place"
	}
	return fmt.Sprintf("rack %s, %s", p.RackName(), p.Units())
}

func dash(s string) string {
	if s == "" {
		return "unknown"
	}
	return s
}

// Change is who changed what the server knows, as the history has it.
type Change struct {
	Actor string    `json:"actor,omitempty"`
	Time  time.Time `json:"time,omitzero"`
	What  string    `json:"what,omitempty"`
}

// Act is an act that a server has got, and what became of it.
type Act struct {
	Entry
	Snapshot string        `json:"snapshot"`         // ID
	Outcome  Outcome       `json:"outcome"`          // as of now
	Why      []string      `json:"why,omitempty"`    // of a conflict what contradicts; else who said the same
	Serial   string        `json:"serial,omitempty"` // of the machine in the snapshot
	Known    string        `json:"known,omitempty"`  // of a conflict: what the server knew, in words
	Change   Change        `json:"change,omitzero"`  // and who made it so; zero when the history does not say
	SentBy   string        `json:"sent_by"`          // whose token it was
	Synced   time.Time     `json:"synced"`           // by the server's clock
	Skew     time.Duration `json:"skew,omitempty"`   // by how much the laptop's clock was ahead of the server's
	Again    bool          `json:"-"`                // it was sent before, and nothing was done this time
	Decider  string        `json:"decided_by,omitempty"`
	Decided  time.Time     `json:"decided,omitzero"`
	Reason   string        `json:"reason,omitempty"` // of the decision
}

// Who is whose word it is: a journal proves nothing, so whoever sent it is named, too.
func (a Act) Who() string { return a.Actor + " (sent by " + a.SentBy + ")" }

// When is the time of the act in words, with what is wrong about it.
func (a Act) When() string {
	if s := Skew(a.Skew); s != "" {
		return fmt.Sprintf("%s by a clock that was %s", clock(a.Time), s)
	}
	return clock(a.Time)
}

// Errors of decisions.
var (
	// ErrDecided says that somebody decided the conflict before.
	ErrDecided = errors.New("it was decided already")
	// ErrMoved says that what the server knows changed again since the conflict was shown.
	ErrMoved = errors.New("what is known changed again meanwhile: look at the conflict again")
	// ErrImpossible says that what was done in the aisle cannot be what is known.
	ErrImpossible = errors.New("what was done in the aisle cannot be taken")
)

// Batch is what comes from a laptop at once.
type Batch struct {
	Snapshot Snapshot
	Entries  []Entry
	SentBy   string
	Skew     time.Duration
}

// Check refuses a batch whose journal is not that of its snapshot.
func (b Batch) Check() error {
	for _, e := range b.Entries {
		base, known := b.Snapshot.Server(e.Machine)
		switch {
		case e.Machine != "" && !known:
			return fmt.Errorf("%w: entry %s is about a server that the snapshot does not know", ErrDamaged, e.ID)
		case base.Name != e.Name:
			return fmt.Errorf("%w: entry %s names a server %q that the snapshot names %q", ErrDamaged, e.ID, e.Name, base.Name)
		case e.Kind == ActRacked && base.Place != e.Place:
			return fmt.Errorf("%w: entry %s puts %s to another place than the snapshot said", ErrDamaged, e.ID, base.Name)
		}
	}
	return nil
}

// Ended is the decision of a conflict in words.
func (a Act) Ended() string {
	what := "what the server knew stays: " + a.Known
	if a.Outcome == Mine {
		what = "what was done in the aisle was taken: " + a.What()
	}
	text := fmt.Sprintf("%s; %s decided so at %s", what, a.Decider, clock(a.Decided))
	if a.Reason != "" {
		text += ": " + a.Reason
	}
	return text
}
