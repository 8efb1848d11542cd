package api

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// EventQuery chooses events of the history.
type EventQuery struct {
	After   int64  // only events with a greater sequence number
	Machine string // name, ID or serial number; empty: all
	Limit   int    // 0: the server's own
	Latest  bool   // the newest instead of the oldest
}

// Events lists events of the history, oldest first.
func (c *Client) Events(ctx context.Context, eq EventQuery) (EventList, error) {
	q := url.Values{}
	if eq.After > 0 {
		q.Set("after", strconv.FormatInt(eq.After, 10))
	}
	if eq.Machine != "" {
		q.Set("machine", eq.Machine)
	}
	if eq.Limit > 0 {
		q.Set("limit", strconv.Itoa(eq.Limit))
	}
	if eq.Latest {
		q.Set("latest", "true")
	}
	var list EventList
	return list, c.request(ctx, http.MethodGet, PathEvents, q, nil, &list)
}

// How a stream is kept alive.
const (
	streamSilence = 45 * time.Second // the server says something every 15 s
	maxEventLine  = 4 << 20
	firstPause    = time.Second
	longestPause  = 15 * time.Second
)

// Follow calls fn for every event after the given sequence number, and for each that happens from then on; -1 starts
// with what happens now. A connection that breaks is made again where it broke. Follow returns when ctx ends,
// when fn returns an error, when the server refuses, as it does a wrong token, or when it could not be reached at
// the first try.
func (c *Client) Follow(ctx context.Context, after int64, machine string, fn func(Event) error) error {
	pause := firstPause
	if after < 0 {
		list, err := c.Events(ctx, EventQuery{Latest: true, Limit: 1})
		if err != nil {
			return err
		}
		after = list.Next
	}
	for first := true; ; first = false {
		last, err := c.stream(ctx, after, machine, fn)
		if last > after {
			after, pause = last, firstPause
		}
		var p *Problem
		var stop stopError
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.As(err, &stop):
			return stop.error
		case errors.As(err, &p) && p.Status < 500, first && errors.Is(err, ErrUnreachable):
			return err
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-timer.C:
		}
		pause = min(2*pause, longestPause)
	}
}

// stopError is an error of the caller's own function: it ends the stream.
type stopError struct{ error }

// stream reads one connection and returns the last event's number.
func (c *Client) stream(parent context.Context, after int64, machine string, fn func(Event) error) (int64, error) {
	ctx, cancel := context.WithCancel(parent)
	defer cancel()
	q := url.Values{"after": {strconv.FormatInt(after, 10)}}
	if machine != "" {
		q.Set("machine", machine)
	}
	header := http.Header{"Accept": {"text/event-stream"}}
	silence := time.AfterFunc(streamSilence, cancel) // also bounds the wait for the first byte
	defer silence.Stop()
	res, err := c.open(ctx, http.MethodGet, PathStream, q, "", nil, header)
	if err != nil {
		return after, err
	}
	defer func() { _ = res.Body.Close() }()
	err = readEvents(res.Body, func() { silence.Reset(streamSilence) }, func(e Event) error {
		after = e.Seq
		if err := fn(e); err != nil {
			return stopError{err}
		}
		return nil
	})
	return after, err
}

// readEvents reads server-sent events whose data is an Event; alive is called for every line.
func readEvents(r io.Reader, alive func(), fn func(Event) error) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 64<<10), maxEventLine)
	var data []byte
	for lines.Scan() {
		alive()
		line := lines.Bytes()
		if len(line) > 0 {
			if d, ok := bytes.CutPrefix(line, []byte("data:")); ok {
				data = append(append(data, bytes.TrimPrefix(d, []byte(" "))...), '\n')
			}
			continue
		}
		if len(data) == 0 {
			continue
		}
		var e Event
		if err := json.Unmarshal(data, &e); err != nil {
			return fmt.Errorf("reading an event: %w", err)
		}
		data = data[:0]
		if err := fn(e); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("reading the stream of events: %w", err)
	}
	return io.ErrUnexpectedEOF
}
