package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"socle/api"
	"socle/inventory"
	"socle/inventory/offline"
	"socle/web/webtest"
)

// laptop is a technician's computer: it knows no server but by the flags of a world.
type laptop struct {
	t     *testing.T
	world *webtest.World
	flags []string // of commands that speak to the server
	file  string
	ahead atomic.Int64 // of the server's clock, as time.Duration
}

func newLaptop(t *testing.T) *laptop {
	t.Helper()
	l := &laptop{t: t, file: filepath.Join(t.TempDir(), "r7.snapshot")}
	l.world, l.flags = inAisleAt(t, func() time.Time { return time.Now().Add(time.Duration(l.ahead.Load())) })
	t.Setenv("SOCLE_KNOWN_KEYS", filepath.Join(t.TempDir(), "known-keys"))
	t.Setenv("SUDO_USER", "anna")
	return l
}

// run runs a command, wants its exit code, and wants words in what it says, in their order.
func (l *laptop) run(input, line string, code int, words ...string) string {
	l.t.Helper()
	out, err := talk(l.t, input, strings.Fields(line)...)
	if err != nil {
		out += "\n" + err.Error()
	}
	if got := exitCode(err); got != code {
		l.t.Errorf("%s: exit %d, want %d: %s", line, got, code, out)
	}
	rest := out
	for _, w := range words {
		i := strings.Index(rest, w)
		if i < 0 {
			l.t.Errorf("%s: no %q in its turn in\n%s", line, w, out)
			continue
		}
		rest = rest[i:]
	}
	return out
}

func (l *laptop) online(line string, code int, words ...string) string {
	l.t.Helper()
	return l.run("", line+" "+strings.Join(l.flags, " "), code, words...)
}

func (l *laptop) journal() string { return offline.JournalPath(l.file) }

// TestWorkOffline is a technician's day: take a snapshot, work without a server, come back, and find that somebody changed
// the plan meanwhile.
func TestWorkOffline(t *testing.T) {
	l := newLaptop(t)
	l.world.Cable(api.CableReport{Ports: []api.CablePort{{Plan: &api.Cable{Server: "n1", Port: "1", Switch: "leaf-a", SwitchPort: "swp7", Colour: "blue"}}}})
	l.online("snapshot take --rack r7 --file "+l.file, 0, "is trusted from now on", "SHA256:", "r7.snapshot: lab/r7; 2 servers, 1 cable; good until")
	l.online("snapshot sync "+l.file, 0, "0 acts, 0 conflicts")
	// From here on no server is asked: the commands have no flags, and there is none at the default address.
	l.run("", "stack r7 --offline "+l.file, exitUndone, "U 1    n1", "neither racked nor seen")
	l.run("nonsense\nSN-n3\nsn-N1\nnote left rail is bent\nT-n1\nT-n2\n", "rack r7 --offline "+l.file, exitUndone,
		"Next of 2: n1, serial SN-n1, into U 1 to 2 at the front. Scan it:", `REFUSED: no server has the serial, asset tag or name "nonsense"`,
		"REFUSED: n3 goes into rack lab/r8, U 5", "n1 goes into U 1 to 2 at the front. Its light cannot be switched on without a network.",
		"cable: port 1 to leaf-a swp7 blue", "Next of 1: n2", "Written down.", "REFUSED: n1 stands in U 1 already: anna racked it at", "n2 goes into U 3", "2 racked, 3 refused")
	l.run("", "stack lab/r7 --offline "+l.file, exitUndone, "U 1    n1", "it was racked, and not seen yet", "U 3    n2")
	l.run("", "rack r8 --offline "+l.file, 3, "rack r8 is not in the snapshot, which is of lab/r7")
	l.run("", "snapshot show "+l.file, 0, "lab/r7", "2 servers, 9 of other racks, 1 cable", `anna: "nonsense" seen at rack lab/r7`, `anna: "SN-n3" seen`, "anna: n1 into rack lab/r7, U 1 to 2", "anna: note on n1: left rail is bent")
	l.online("snapshot take --rack r7 --file "+l.file, 1, "sync it, then remove it")

	m, err := l.world.Machine(t.Context(), "n2")
	if err != nil {
		t.Fatal(err)
	}
	m.Place.U = 9
	l.world.Put(m)
	l.online("snapshot sync --dry-run "+l.file, exitUndone, "applied", "n1 into rack lab/r7", "conflict", "n2 into rack lab/r7", "6 acts, 1 conflict (dry run)")
	if calls := strings.Join(l.world.Calls(), "\n"); strings.Contains(calls, "racked") {
		t.Errorf("a dry run: %s", calls)
	}
	l.online("snapshot sync "+l.file, exitUndone, "conflict", "is to go into rack lab/r7, U 9 to 10 now", "6 acts, 1 conflict", "socle snapshot conflicts")
	if calls := strings.Join(l.world.Calls(), "\n"); strings.Count(calls, "anna (sent by token:admin) racked n1") != 1 || strings.Contains(calls, "racked n2") {
		t.Errorf("calls: %s", calls)
	}
	l.online("snapshot sync "+l.file, exitUndone, "applied (was sent before)", "conflict (was sent before)")
	out := l.online("snapshot conflicts", exitUndone, "mine", "n2 into rack lab/r7, U 3 to 4: anna in the aisle at", "sent by token:admin",
		"theirs", "n2 goes into rack lab/r7, U 9 to 10: token:bob at", "because", "1 conflict to decide")
	id := strings.Fields(out)[1]
	l.online("stack r7", exitUndone, "n2", "done in the aisle, and known otherwise: it was to go into", "socle snapshot resolve "+id)
	l.online("snapshot resolve "+id[:6], 2, "--take mine or --take theirs")
	l.online("snapshot resolve --take mine "+id[:6], 0, id, "mine")
	l.online("snapshot resolve --take theirs "+id, exitConflict, "decided already")
	l.online("snapshot resolve --take theirs NOTHING", 3)
	if out := l.online("stack r7", exitUndone); strings.Contains(out, "known otherwise") {
		t.Errorf("what is decided is still wrong:\n%s", out)
	}
	l.online("snapshot conflicts", 0, "0 conflicts to decide, 1 decided")
	l.online("snapshot conflicts --all -o json", 0, `"outcome": "mine"`)
	l.online("snapshot sync "+l.file, 0, "mine (was sent before)", "6 acts, 0 conflicts")
}

// TestSnapshotIsTrustedOrRefused: no work begins with what nobody trusted signed, what was changed, or what is too old, and
// none is lost when the computer dies.
func TestSnapshotIsTrustedOrRefused(t *testing.T) {
	l := newLaptop(t)
	l.online("snapshot take", 2, "--rack")
	l.online("snapshot take --site nowhere --file "+l.file, 3, `site "nowhere" has no racks`)
	l.online("snapshot take --site lab --hours 2 --file "+l.file, 0, "lab/r7, lab/r8")
	text, err := os.ReadFile(l.file)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{webtest.AdminToken, "password", "sealed"} {
		if strings.Contains(string(text), secret) {
			t.Errorf("the snapshot holds %q", secret)
		}
	}
	bad := l.file + ".bad"
	put := func(text string) {
		t.Helper()
		if err := os.WriteFile(bad, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put(strings.Replace(string(text), `"payload":"H4sI`, `"payload":"H4sJ`, 1))
	l.run("", "rack r7 --offline "+bad, 1, "signature")
	put("a photograph")
	l.run("", "stack r7 --offline "+bad, 1, "no snapshot of Socle")
	l.run("", "stack r7 --offline "+bad+".none", 1, "no such file")
	l.run("", "stack r7 --watch --offline "+l.file, 2, "nothing changes in a snapshot")

	l.run("SN-n1\n", "rack r7 --as bob --offline "+l.file, 0, "n1 goes into U 1")
	whole, err := os.ReadFile(l.journal())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(l.journal(), append(slices.Clone(whole), whole[:30]...), 0o600); err != nil {
		t.Fatal(err)
	}
	l.online("snapshot sync "+l.file, 0, "bob", "1 act, 0 conflicts", "torn by a crash (30 bytes)")
	l.run("SN-n1\nquit\n", "rack r7 --offline "+l.file, exitUndone, "Next of 1: n2", "bob racked it at")
	whole[5] ^= 1
	if err := os.WriteFile(l.journal(), whole, 0o600); err != nil {
		t.Fatal(err)
	}
	l.run("", "rack r7 --offline "+l.file, 1, "the journal is damaged: line 1")

	t.Setenv("SOCLE_KNOWN_KEYS", filepath.Join(t.TempDir(), "none"))
	l.run("", "stack r7 --offline "+l.file, 1, "not among those that are trusted")
	if err := os.WriteFile(os.Getenv("SOCLE_KNOWN_KEYS"), []byte("# mine\n"+l.flags[1]+" bm90aGluZw==\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	l.online("snapshot take --rack r7 --file "+l.file+"2", 1, "is known with SHA256:", "somebody is between you and it")
}

// TestExpiredAndWrongClocks: by when a snapshot was taken and is good, this computer's clock is judged.
func TestExpiredAndWrongClocks(t *testing.T) {
	l := newLaptop(t)
	l.ahead.Store(int64(-9 * 24 * time.Hour))
	l.online("snapshot take --rack r7 --file "+l.file, 0)
	l.run("", "rack r7 --offline "+l.file, 1, "the snapshot has expired at", "or set the clock")
	l.ahead.Store(int64(5 * time.Hour))
	l.online("snapshot take --rack r7 --file "+l.file, 0, "before the snapshot was taken: it is wrong")
	l.run("SN-n1\nquit\n", "rack r7 --offline "+l.file, 0, "WARNING: this computer's clock says")
	l.online("snapshot sync "+l.file, 0, "WARNING: this computer's clock is 5h0m0s behind", "WARNING: n1 into rack lab/r7", "before the snapshot was taken")
	world, err := l.world.Acts(t.Context(), inventory.ActFilter{Limit: 1})
	if err != nil || len(world) != 1 || offline.Skew(world[0].Skew) != "5h0m0s behind" {
		t.Errorf("%+v, %v", world, err)
	}
}
