//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"socle/api"
	"socle/lab"
)

// TestE2ECabling has two cables of two servers in each other's place. "socle cabling watch" says which plugs to move, tells each move as it
// happens, and ends by itself when all are right, that of a BMC included.
func TestE2ECabling(t *testing.T) {
	one, two := BIOS("cab1", 1), UEFI("cab2", 2)
	one.NICs = []lab.NIC{{Switch: "leaf-a", Port: "swp1"}, {Switch: "leaf-b", Port: "swp2"}}
	two.NICs = []lab.NIC{{Switch: "leaf-a", Port: "swp2"}, {Switch: "leaf-b", Port: "swp1"}}
	two.BMC.Switch, two.BMC.Port = "mgmt-e", "swp1"
	sc := Play(t, Spec(one, two), ServerOptions{Roles: Roles()[:1], Limits: map[string]string{"boot": "15m"}, More: map[string]any{"health": map[string]string{"every": "30s"}}})
	plan := filepath.Join(t.TempDir(), "plan.csv")
	text := "server,port,switch,switch_port,group\ncab1,1,leaf-a,swp1,bond0\ncab1,2,leaf-b.example.net,swp1,bond0\ncab2,1,leaf-a,swp2,bond0\ncab2,2,LEAF-B,swp2,bond0\ncab2,BMC,mgmt-e,swp2,\n"
	if err := os.WriteFile(plan, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	sc.Do(t, "cabling", "import", plan)
	sc.Do(t, "machine", "inspect", "cab1", "cab2")
	for _, name := range []string{"cab1", "cab2"} {
		sc.Await(t, name, 15*time.Minute, "is ready", func(m api.Machine) bool { return m.State == "ready" })
	}
	w := sc.watchCables(t, "cab[1-2]")
	w.says(t, time.Minute, "cab1 port 2 and cab2 port 2 are swapped at leaf-b")
	if out, err := sc.Plug(t, "cab1", "2", "leaf-b", "swp1"); err == nil || !strings.Contains(out, "swp1 of leaf-b has the cable of cab2 port 2 in it: pull that out first") {
		t.Errorf("two plugs in one port: %v, %s", err, out)
	}
	sc.mustPlug(t, "cab1", "2", "--unplug")
	w.says(t, 30*time.Second, "cab1 port 2 has no link")
	sc.mustPlug(t, "cab2", "2", "leaf-b", "swp2")
	w.says(t, 30*time.Second, "cab2 port 2 is right: it is at LEAF-B swp2")
	sc.mustPlug(t, "cab1", "2", "leaf-b", "swp1")
	w.says(t, 3*time.Minute, "cab2 port BMC is at mgmt-e swp1 instead of mgmt-e swp2")
	sc.mustPlug(t, "cab2", "bmc", "mgmt-e", "swp2")
	select {
	case err := <-w.ended:
		if err != nil {
			t.Errorf("the watch ended with %v:\n%s", err, w)
		}
	case <-time.After(3 * time.Minute): // BMCs are asked every 30 s
		t.Fatalf("all is right, and the watch goes on:\n%s", w)
	}
	t.Logf("watched:\n%s", w)
	sc.Do(t, "cabling", "check", "cab[1-2]")
	Until(t, 10*time.Second, "nothing is found, with all cables right", func() bool {
		out, _ := sc.CLI(t, "findings", "cab[1-2]")
		return strings.Contains(out, "nothing was found")
	})
	if out, err := sc.Plug(t); err != nil || strings.Count(out, "leaf-") != 4 {
		t.Errorf("the plugs are shown as\n%s (%v)", out, err)
	}
}

// Plug is "socle lab cable".
func (r *Rack) Plug(t testing.TB, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, r.program, append([]string{"lab", "--name", r.Name, "cable"}, args...)...).CombinedOutput()
	return string(out), err
}

func (r *Rack) mustPlug(t testing.TB, args ...string) {
	t.Helper()
	if out, err := r.Plug(t, args...); err != nil {
		t.Fatalf("socle lab cable %s: %v: %s", strings.Join(args, " "), err, out)
	}
}

// cableWatch is a "socle cabling watch" that runs.
type cableWatch struct {
	ended chan error
	mu    sync.Mutex
	text  bytes.Buffer
}

func (w *cableWatch) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.Write(p)
}

func (w *cableWatch) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

func (sc *Scene) watchCables(t *testing.T, machines string) *cableWatch {
	t.Helper()
	w := &cableWatch{ended: make(chan error, 1)}
	cmd := exec.CommandContext(t.Context(), sc.Server.program, "cabling", "watch", machines, "--server", sc.URL, "--data-dir", sc.Data)
	cmd.Stdout, cmd.Stderr = w, w
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { w.ended <- cmd.Wait() }()
	return w
}

func (w *cableWatch) says(t *testing.T, within time.Duration, what string) {
	t.Helper()
	for deadline := time.Now().Add(within); !strings.Contains(w.String(), what); time.Sleep(every) {
		if time.Now().After(deadline) {
			t.Fatalf("after %s the watch has not said %q:\n%s", within, what, w)
		}
	}
}
