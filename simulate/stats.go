package simulate

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"
)

// Milestone is how far a server has come.
type Milestone int

// The milestones, in the order of a server's road.
const (
	PoweredOn Milestone = iota // by its BMC
	GotAddress
	GotScript // that boots the ramdisk
	AgentUp   // its session is open
	FactsTaken
	ImageWritten
	SystemUp // the deployed system has phoned home
	milestones
)

var milestoneNames = [milestones]string{"powered on", "address", "ramdisk", "agent", "facts", "image written", "system up"}

// Count is something that is counted.
type Count int

// What is counted.
const (
	DHCPSent Count = iota // packets
	DHCPAgain
	RenewFailed
	FilesFetched
	FileBytes
	ChunkBytes
	BootsBegun
	BootsFailed
	OrdersDone
	OrdersFailed
	counts
)

var countNames = [counts]string{"DHCP packets sent", "of them again", "renewals that failed", "boot files fetched", "bytes of boot files", "bytes of images",
	"boots begun", "boots that failed", "orders carried out", "orders that failed"}

// Answer is a question to the server, whose answers are timed.
type Answer int

// The questions.
const (
	AnswerDHCP    Answer = iota // a packet to its answer, with repetitions
	AnswerScript                // boot scripts
	AnswerFile                  // the first byte of a boot file
	AnswerSession               // from the agent's start to its session, with TLS
	AnswerFacts
	answers
)

var answerNames = [answers]string{"DHCP", "boot script", "boot file", "agent's session", "facts"}

// mostTimes bounds how many times are kept of one thing; of more, a part chosen by turns.
const mostTimes = 1 << 16

// times keeps durations.
type times struct {
	all  []time.Duration
	next int
}

func (t *times) add(d time.Duration) {
	if len(t.all) < mostTimes {
		t.all = append(t.all, d)
		return
	}
	t.all[t.next%mostTimes] = d
	t.next++
}

// quantile of what was added, 0 of nothing.
func (t *times) quantile(q float64) time.Duration {
	if len(t.all) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(t.all))
	return sorted[int(q*float64(len(sorted)-1))]
}

// Stats is what a fleet has seen. It may be used by many goroutines.
type Stats struct {
	mu       sync.Mutex
	reached  [milestones]int   // servers, ever
	came     map[int]Milestone // by server, the furthest
	phases   [milestones]times // from the power-on, or from the milestone before
	counted  [counts]int64
	answered [answers]times
	failures map[string]int
	begun    time.Time
	newest   [milestones]time.Time
}

func newStats() *Stats {
	return &Stats{came: map[int]Milestone{}, failures: map[string]int{}, begun: time.Now()}
}

func (s *Stats) count(c Count) { s.add(c, 1) }

func (s *Stats) add(c Count, n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counted[c] += n
}

func (s *Stats) took(a Answer, d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answered[a].add(d)
}

// mostFailures bounds how many kinds of failures are told apart.
const mostFailures = 64

func (s *Stats) fail(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counted[BootsFailed]++
	if s.failures[what] > 0 || len(s.failures) < mostFailures {
		s.failures[what]++
	}
}

// reach notes that a server came to a milestone, so long after the one before.
func (s *Stats) reach(server int, m Milestone, after time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.phases[m].add(after)
	s.newest[m] = time.Now()
	if far, known := s.came[server]; known && far >= m {
		return
	}
	first := Milestone(0)
	if far, known := s.came[server]; known {
		first = far + 1
	}
	for i := first; i <= m; i++ {
		s.reached[i]++ // a boot from the disk passes over some
	}
	s.came[server] = m
}

// Reached is how many servers ever came to a milestone.
func (s *Stats) Reached(m Milestone) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reached[m]
}

// Counted is how often something happened.
func (s *Stats) Counted(c Count) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counted[c]
}

// Line tells in one line how far the fleet is.
func (s *Stats) Line() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	parts := []string{fmt.Sprintf("%5.0fs", time.Since(s.begun).Seconds())}
	for m, n := range s.reached {
		if n > 0 || Milestone(m) <= FactsTaken {
			parts = append(parts, fmt.Sprintf("%s %d", milestoneNames[m], n))
		}
	}
	if n := s.counted[BootsFailed]; n > 0 {
		parts = append(parts, fmt.Sprintf("failed boots %d", n))
	}
	return strings.Join(parts, "  ")
}

// Summary tells all at the end.
func (s *Stats) Summary(out io.Writer) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	line := func(format string, args ...any) { _, _ = fmt.Fprintf(w, format+"\n", args...) } // Flush tells
	line("MILESTONE\tSERVERS\tLAST AFTER\tP50\tP99")
	for m := range milestones {
		if t := &s.phases[m]; len(t.all) > 0 {
			line("%s\t%d\t%s\t%s\t%s", milestoneNames[m], s.reached[m], short(s.newest[m].Sub(s.begun)), short(t.quantile(0.5)), short(t.quantile(0.99)))
		}
	}
	line("\nASKED OF THE SERVER\tANSWERS\t\tP50\tP99")
	for a := range answers {
		if t := &s.answered[a]; len(t.all) > 0 {
			line("%s\t%d\t\t%s\t%s", answerNames[a], len(t.all)+t.next, short(t.quantile(0.5)), short(t.quantile(0.99)))
		}
	}
	line("\nCOUNTED\tNUMBER")
	for c, n := range s.counted {
		if n > 0 {
			line("%s\t%d", countNames[c], n)
		}
	}
	for _, what := range slices.SortedFunc(keys(s.failures), func(a, b string) int { return s.failures[b] - s.failures[a] }) {
		line("%d boots failed\t%s", s.failures[what], what)
	}
	return w.Flush()
}

func keys(m map[string]int) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// short is a duration that can be read at a glance.
func short(d time.Duration) string {
	switch {
	case d < 10*time.Millisecond:
		return d.Round(10 * time.Microsecond).String()
	case d < 10*time.Second:
		return d.Round(time.Millisecond).String()
	default:
		return d.Round(100 * time.Millisecond).String()
	}
}
