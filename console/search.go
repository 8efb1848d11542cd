package console

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"time"
)

// Hit is a line of a recording that a search has found.
type Hit struct {
	Recording string
	Time      time.Time // when its first character came
	Line      string    // as text, without what moves a cursor or colours it
}

// Bounds of a search.
const (
	maxLine = 2000 // bytes; what is longer counts as several lines
	MaxHits = 1000
)

// Search returns the lines of a server's recordings that a pattern fits, the newest limit of them, oldest first.
func (a *Archive) Search(ctx context.Context, machine string, pattern *regexp.Regexp, limit int) ([]Hit, error) {
	list, err := a.List(machine)
	if err != nil {
		return nil, err
	}
	limit = max(1, min(limit, MaxHits))
	var hits []Hit
	for _, r := range slices.Backward(list) {
		found, err := a.searchOne(ctx, machine, r.ID, pattern, limit)
		if errors.Is(err, ErrNoRecording) {
			continue // deleted meanwhile
		}
		if err != nil {
			return nil, err
		}
		hits = append(found, hits...)
		if over := len(hits) - limit; over >= 0 {
			return hits[over:], nil
		}
	}
	return hits, nil
}

func (a *Archive) searchOne(ctx context.Context, machine, id string, pattern *regexp.Regexp, limit int) ([]Hit, error) {
	r, err := a.Open(machine, id)
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }()
	var hits []Hit
	var p plain
	line := func(at time.Time, text string) {
		if pattern.MatchString(text) {
			if len(hits) >= 2*limit {
				hits = append(hits[:0], hits[limit:]...)
			}
			hits = append(hits, Hit{id, at, text})
		}
	}
	for n := 0; ; n++ {
		rec, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("searching recording %s: %w", id, err)
		}
		if n%256 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		switch rec.Kind {
		case string(rune(kindOutput)):
			p.feed(rec.Time, rec.Data, line)
		case string(rune(kindMark)):
			line(rec.Time, "["+string(rec.Data)+"]")
		}
	}
	p.flush(line)
	return hits[max(0, len(hits)-limit):], nil
}
