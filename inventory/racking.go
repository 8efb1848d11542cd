package inventory

import (
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"
)

// ErrRacked says that a server was racked already.
var ErrRacked = errors.New("it was racked already")

// Racking is a person's word that a server stands where it is to be.
type Racking struct {
	Machine string // ID
	Place   Place
	Actor   string
	Time    time.Time
}

// Said is the racking in words: who said so, and when.
func (r Racking) Said() string {
	return r.Actor + " racked it at " + r.Time.UTC().Format("2006-01-02 15:04 MST")
}

// Candidate is a server that a person in the aisle may hold in the hands.
type Candidate struct {
	ID, Name, Serial, AssetTag string
	Place                      Place // planned
}

// Refusal is why a server is not to be put into a rack, for the person before it.
type Refusal struct {
	Unknown bool // no server has what was scanned
	Text    string
}

// Error implements error.
func (r Refusal) Error() string { return r.Text }

// Scanned is the one server with a serial, an asset tag or a name, in any case, if it goes into this rack; else the error is
// a Refusal, and the server is told as far as it is known. Of a code with several words, as inventory/label makes them, the
// first one counts when all of it is of no server.
func Scanned(all iter.Seq[Candidate], code, rack string) (Candidate, error) {
	code = strings.TrimSpace(code)
	fits := called(all, code)
	if first, _, several := strings.Cut(code, " "); several && len(fits) == 0 {
		fits = called(all, first)
	}
	switch {
	case len(fits) == 0:
		return Candidate{}, Refusal{Unknown: true, Text: fmt.Sprintf("no server has the serial, asset tag or name %q: put it aside, and ask who ordered it", code)}
	case len(fits) > 1:
		return Candidate{}, Refusal{Text: fmt.Sprintf("%q is of %s and of %s: scan the serial number", code, fits[0].Name, fits[1].Name)}
	}
	c := fits[0]
	switch {
	case !c.Place.Known():
		return c, Refusal{Text: fmt.Sprintf("no place of %s is planned: put it aside, and import a manifest that says where it goes", c.Name)}
	case !strings.EqualFold(c.Place.RackName(), rack):
		return c, Refusal{Text: fmt.Sprintf("%s goes into rack %s, U %d, not into this one", c.Name, c.Place.RackName(), c.Place.U)}
	}
	return c, nil
}

// called are the servers with a serial, an asset tag or a name.
func called(all iter.Seq[Candidate], code string) (fits []Candidate) {
	for c := range all {
		for _, is := range []string{c.Serial, c.AssetTag, c.Name} {
			if is != "" && strings.EqualFold(is, code) {
				fits = append(fits, c)
				break
			}
		}
	}
	return fits
}

// AlreadyRacked is the Refusal of a server that somebody racked at this place before.
func AlreadyRacked(c Candidate, before Racking) Refusal {
	return Refusal{Text: fmt.Sprintf("%s stands in U %d already: %s", c.Name, c.Place.U, before.Said())}
}

// ActFilter says which of the acts that came from the aisle to read.
type ActFilter struct {
	Open    bool // conflicts that nobody decided yet
	Decided bool // conflicts that somebody decided
	Limit   int
}
