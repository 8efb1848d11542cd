package offline

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"socle/inventory"
)

// Kind is what was done in the aisle.
type Kind string

// The kinds of acts.
const (
	ActRacked Kind = "racked" // a server was put to its place
	ActSeen   Kind = "seen"   // something was scanned that was refused
	ActNote   Kind = "note"   // a person wrote something down
)

// Entry is one act.
type Entry struct {
	ID      string          `json:"id"`    // made at random, for ever its own
	Time    time.Time       `json:"time"`  // by the laptop's clock
	Actor   string          `json:"actor"` // who says so
	Kind    Kind            `json:"kind"`
	Rack    string          `json:"rack"`              // full name, in which the person worked
	Machine string          `json:"machine,omitempty"` // ID; empty when none is meant
	Name    string          `json:"name,omitempty"`    // of the machine in the snapshot
	Code    string          `json:"code,omitempty"`    // as it was scanned
	Place   inventory.Place `json:"place,omitzero"`    // where the server was put
	Text    string          `json:"text,omitempty"`    // the note, or why something was refused
}

// Limits of a journal.
const (
	maxText    = 500     // bytes of each text of an entry
	maxEntries = 20000   // of a journal
	maxLine    = 8 << 10 // bytes
)

// ErrDamaged says that a journal is not as it was written.
var ErrDamaged = errors.New("the journal is damaged")

// seed is what the first line of a snapshot's journal is chained to.
func seed(snapshot string) string { return digest("socle-journal/1 " + snapshot) }

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// Chain is a journal in memory: what was done, and the hash that the next line is chained to.
type Chain struct {
	Entries []Entry
	last    string
}

// NewChain begins the journal of a snapshot.
func NewChain(snapshot string) *Chain { return &Chain{last: seed(snapshot)} }

// Add appends an entry, with an ID of its own, and returns its line as it is to be written.
func (c *Chain) Add(e Entry) ([]byte, error) {
	e.ID, e.Time = rand.Text(), e.Time.UTC().Round(time.Millisecond)
	e.Actor, e.Code, e.Text = cut(e.Actor), cut(e.Code), cut(e.Text)
	if err := e.check(); err != nil {
		return nil, err
	}
	if len(c.Entries) == maxEntries {
		return nil, fmt.Errorf("the journal has %d entries: sync it, and take a new snapshot", maxEntries)
	}
	text, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("encoding an entry of the journal: %w", err)
	}
	c.last = digest(c.last + string(text))
	c.Entries = append(c.Entries, e)
	return []byte(c.last + " " + string(text) + "\n"), nil
}

// Parse reads a journal. torn is what a crash left behind the last whole line: it was never acknowledged to anybody, and is
// no error. Anything else that does not fit is ErrDamaged, with its line.
func Parse(text []byte, snapshot string) (c *Chain, torn []byte, err error) {
	c = NewChain(snapshot)
	ids := map[string]bool{}
	for n := 1; len(text) > 0; n++ {
		line, rest, whole := bytes.Cut(text, []byte("\n"))
		if !whole {
			return c, text, nil
		}
		e, hash, err := c.read(line)
		switch {
		case err != nil:
		case ids[e.ID]:
			err = errors.New("its entry is there already")
		case len(c.Entries) == maxEntries:
			err = fmt.Errorf("there are more than %d entries", maxEntries)
		}
		if err != nil {
			return nil, nil, fmt.Errorf("%w: line %d: %w", ErrDamaged, n, err)
		}
		ids[e.ID], text, c.last = true, rest, hash
		c.Entries = append(c.Entries, e)
	}
	return c, nil, nil
}

// read reads a line and returns the hash that its successor is chained to.
func (c *Chain) read(line []byte) (e Entry, hash string, err error) {
	if len(line) > maxLine {
		return e, "", fmt.Errorf("it has more than %d bytes", maxLine)
	}
	hash, text, _ := strings.Cut(string(line), " ")
	if digest(c.last+text) != hash {
		return e, "", errors.New("it was changed, or a line before it is missing, or it is of another snapshot")
	}
	if err := json.Unmarshal([]byte(text), &e); err != nil {
		return e, "", fmt.Errorf("reading its entry: %w", err)
	}
	return e, hash, e.check()
}

// check tells whether an entry can be judged at all.
func (e Entry) check() error {
	for _, t := range []string{e.ID, e.Actor, e.Rack, e.Machine, e.Name, e.Code, e.Text} {
		if len(t) > maxText {
			return fmt.Errorf("a text of its entry has more than %d bytes", maxText)
		}
	}
	switch {
	case len(e.ID) < 16 || e.Time.IsZero() || e.Actor == "" || e.Rack == "":
		return errors.New("its entry does not say who did what, when and where")
	case e.Kind == ActRacked && (e.Machine == "" || !e.Place.Known() || e.Place.Top() > inventory.MaxU):
		return errors.New("its entry does not say which server was racked where")
	case e.Kind == ActSeen && e.Code == "":
		return errors.New("its entry does not say what was seen")
	case e.Kind == ActNote && e.Text == "":
		return errors.New("its entry is a note without words")
	case e.Kind != ActRacked && e.Kind != ActSeen && e.Kind != ActNote:
		return fmt.Errorf("its entry is of the kind %q, which this version does not know", brief(string(e.Kind)))
	}
	return nil
}

// cut bounds a text of an entry.
func cut(s string) string {
	if len(s) > maxText {
		return strings.ToValidUTF8(s[:maxText], "")
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

// Odd says which entries have times that cannot be, in words: before the snapshot was taken, after now, or before the entry
// that was written earlier.
func (c *Chain) Odd(s Snapshot, now time.Time) (all []string) {
	last := time.Time{}
	say := func(e Entry, what string) {
		all = append(all, fmt.Sprintf("%s at %s: %s", e.What(), clock(e.Time), what))
	}
	for _, e := range c.Entries {
		switch {
		case e.Time.Before(s.Taken.Add(-slack)):
			say(e, "that is before the snapshot was taken: the laptop's clock was wrong")
		case e.Time.After(now.Add(slack)):
			say(e, "that is still to come: the laptop's clock was wrong")
		case e.Time.Before(last.Add(-slack)):
			say(e, "that is before what was done earlier: the laptop's clock was changed meanwhile")
		}
		last = e.Time
	}
	return all
}

// What is the act in words.
func (e Entry) What() string {
	switch e.Kind {
	case ActRacked:
		return fmt.Sprintf("%s into rack %s, %s", e.Name, e.Place.RackName(), e.Place.Units())
	case ActSeen:
		return fmt.Sprintf("%q seen at rack %s, and refused", e.Code, e.Rack)
	case ActNote:
	}
	if e.Name != "" {
		return fmt.Sprintf("note on %s: %s", e.Name, e.Text)
	}
	return fmt.Sprintf("note at rack %s: %s", e.Rack, e.Text)
}
