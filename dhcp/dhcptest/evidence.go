package dhcptest

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"socle/inventory"
)

// Evidence collects what is recorded as lines, and lets a test wait for one.
type Evidence struct {
	mu    sync.Mutex
	lines []string
	news  chan struct{}
	t     testing.TB
}

// NewEvidence fails the test when what it waits for does not come.
func NewEvidence(t testing.TB) *Evidence { return &Evidence{news: make(chan struct{}, 1), t: t} }

// Record implements pxe.Recorder.
func (e *Evidence) Record(v inventory.Evidence) {
	e.mu.Lock()
	e.lines = append(e.lines, fmt.Sprintf("%s %s: %s -> %s", v.Source, v.MAC, v.Asked, v.Reply))
	e.mu.Unlock()
	select {
	case e.news <- struct{}{}:
	default:
	}
}

// All returns the lines so far, each as "source MAC: asked -> reply".
func (e *Evidence) All() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.lines)
}

// Await waits until a line has all of the texts.
func (e *Evidence) Await(limit time.Duration, texts ...string) {
	e.t.Helper()
	e.AwaitLine(limit, fmt.Sprintf("%q", texts), func(line string) bool { return HasAll(line, texts) })
}

// AwaitLine waits until a line matches; what names it in the failure.
func (e *Evidence) AwaitLine(limit time.Duration, what string, match func(line string) bool) {
	e.t.Helper()
	deadline := time.After(limit)
	for !slices.ContainsFunc(e.All(), match) {
		select {
		case <-e.news:
		case <-deadline:
			e.t.Fatalf("no evidence with %s after %s; there is:\n%s", what, limit, strings.Join(e.All(), "\n"))
		}
	}
}

// HasAll tells whether a line has all of the texts.
func HasAll(line string, texts []string) bool {
	return !slices.ContainsFunc(texts, func(x string) bool { return !strings.Contains(line, x) })
}
