package ui

import (
	"net/url"
	"slices"
	"time"

	"socle/inventory"
)

// Recording is a recorded piece of a console in the list.
type Recording struct {
	ID         string
	Start, End time.Time
	Bytes      int64
	Open       bool // it is being written
	Size       string
	Path       string
}

// Hit is a recorded line that a search has found.
type Hit struct {
	Time time.Time
	Line string
}

// Console is the page of a machine's console.
type Console struct {
	Machine    string
	Link       string // of the machine's page
	Socket     string // of the WebSocket
	Recordings []Recording
	Query      string
	Hits       []Hit
}

func (Console) name() string    { return "console" }
func (c Console) title() string { return "Console of " + c.Machine }

// maxRecordings bounds the list on the page.
const maxRecordings = 50

// NewConsole makes the page; socket is the path of the WebSocket, recordings come oldest first.
func NewConsole(m inventory.Machine, socket string, recordings []Recording, query string, hits []Hit) Console {
	c := Console{Machine: clean(m.Name), Link: link(m), Socket: socket, Query: clean(query), Hits: scrub(hits)}
	for _, r := range slices.Backward(recordings) {
		r.Size, r.Path = size(r.Bytes), c.Link+"/console/recordings/"+url.PathEscape(r.ID)
		if c.Recordings = append(c.Recordings, r); len(c.Recordings) == maxRecordings {
			break
		}
	}
	slices.Reverse(c.Hits) // the newest first
	return c
}
