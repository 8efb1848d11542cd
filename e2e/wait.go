package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"socle/api"
)

// every is how often things are looked at.
const every = 250 * time.Millisecond

// Until waits until something holds, and fails the test when it does not in time.
func Until(t testing.TB, within time.Duration, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(every)
	defer tick.Stop()
	for deadline := time.Now().Add(within); !holds(); {
		if time.Now().After(deadline) {
			t.Fatalf("waited %s in vain until %s", within, what)
		}
		select {
		case <-tick.C:
		case <-t.Context().Done():
			t.Fatalf("stopped while waiting until %s", what)
		}
	}
}

// Await waits until something holds of a machine. A fault that waits for a person ends the test.
func (s *Server) Await(t testing.TB, name string, within time.Duration, what string, holds func(api.Machine) bool) api.Machine {
	t.Helper()
	var m api.Machine
	Until(t, within, name+" "+what, func() bool {
		now, err := s.API.Machine(t.Context(), name)
		if err != nil {
			return false // it is not known yet, or the server is down
		}
		if m = now; holds(m) {
			return true
		}
		if f := m.Fault; f != nil && f.RetryAt == nil {
			t.Fatalf("%s, wanted until it %s, has the fault %s: %s (%s)", name, what, f.Kind, f.Reason, f.Remedy)
		}
		return false
	})
	return m
}

// Active waits until machines are at work, and tells how long the parts of the road took.
func (s *Server) Active(t testing.TB, within time.Duration, names ...string) {
	t.Helper()
	deadline := time.Now().Add(within)
	for _, name := range names {
		m := s.Await(t, name, time.Until(deadline), "is active", func(m api.Machine) bool { return m.State == "active" })
		if m.Deployed == nil || m.Deployed.PhonedHome == nil {
			t.Errorf("%s is active and has not called home", name)
		}
		for _, p := range m.Timing {
			t.Logf("%s: %s %.0f s, %d bytes over the wire", name, p.Name, p.Seconds, p.Wire)
		}
	}
}

// Faulty waits until a machine has a fault of a kind, and wants it to say what happened and what to do.
func (s *Server) Faulty(t testing.TB, within time.Duration, name, kind string, says ...string) api.Machine {
	t.Helper()
	var m api.Machine
	began := time.Now()
	Until(t, within, name+" has the fault "+kind, func() bool {
		now, err := s.API.Machine(t.Context(), name)
		if err != nil {
			return false
		}
		m = now
		return m.Fault != nil && m.Fault.Kind == kind
	})
	t.Logf("%s: %s after %s: %s | %s", name, m.Fault.Kind, time.Since(began).Round(time.Second), m.Fault.Reason, m.Fault.Remedy)
	if m.Fault.Remedy == "" {
		t.Errorf("%s: the fault does not say what to do", name)
	}
	for _, text := range says {
		if !strings.Contains(m.Fault.Reason+" "+m.Fault.Remedy, text) {
			t.Errorf("%s: the fault does not say %q: %s | %s", name, text, m.Fault.Reason, m.Fault.Remedy)
		}
	}
	return m
}

// Orders are the orders of one kind that a machine's agents were given, newest first.
func (s *Server) Orders(t testing.TB, name, kind string) (of []api.OrderStatus) {
	t.Helper()
	all, err := s.API.Orders(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range all {
		if o.Kind == kind {
			of = append(of, o)
		}
	}
	return of
}

// WantOneImage fails the test unless a machine got exactly one order to write its image, which was done.
func (s *Server) WantOneImage(t testing.TB, name string) api.OrderStatus {
	t.Helper()
	of := s.Orders(t, name, api.OrderWriteImage)
	if len(of) != 1 || of[0].State != "done" {
		t.Fatalf("%s: its orders to write an image are %+v, want one that is done", name, of)
	}
	return of[0]
}

// Tail is the end of a text file.
func Tail(path string, lines int) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	return lastLines(string(text), lines)
}

func lastLines(text string, n int) string {
	all := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(all[max(len(all)-n, 0):], "\n")
}

// escapes are the codes by which consoles move the cursor and change colours.
var escapes = regexp.MustCompile(`\x1b\[[0-9;?=]*[A-Za-z]|\r`)

// Dir is a fresh folder of the test. It goes when the test passes and stays, with all logs, when it fails.
func Dir(t testing.TB, a Artefacts) string {
	t.Helper()
	dir := filepath.Join(a.Runs, t.Name())
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("logs, disks and database are in %s", dir)
		} else if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}
