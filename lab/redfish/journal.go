package redfish

import (
	"slices"
	"sync"
	"time"
)

// Request is one that a client made, and what became of it.
type Request struct {
	At     time.Time
	Method string
	Path   string
	User   string // who was let in; empty: nobody
	Body   []byte // of a change; passwords are in it
	Status int    // of the answer; 0: there was none
	Faults []Kind // that happened to it
}

// maxJournal is how many requests are remembered.
const maxJournal = 256

// journal is the bounded memory of what clients did.
type journal struct {
	mu    sync.Mutex
	all   []Request
	total int
}

func (j *journal) add(r Request) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.total++
	if len(j.all) == maxJournal {
		copy(j.all, j.all[1:])
		j.all[maxJournal-1] = r
		return
	}
	j.all = append(j.all, r)
}

// Requests returns the last requests, oldest first; 256 are kept.
func (b *BMC) Requests() []Request {
	b.journal.mu.Lock()
	defer b.journal.mu.Unlock()
	return slices.Clone(b.journal.all)
}

// Asked counts all requests since the start, also those that are forgotten.
func (b *BMC) Asked() int {
	b.journal.mu.Lock()
	defer b.journal.mu.Unlock()
	return b.journal.total
}
