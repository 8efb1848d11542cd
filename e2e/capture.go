package e2e

import (
	"bufio"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// Capture is everything that was sent on the rack's provisioning network, long data cut short.
type Capture struct {
	file string
	stop func()
}

// Capture begins to record.
func (r *Rack) Capture(t testing.TB) *Capture {
	t.Helper()
	c := &Capture{file: filepath.Join(r.Dir, "boot.pcap")}
	cmd := command("tcpdump", "-U", "--immediate-mode", "-B", "16384", "-Z", "root", "-s", "600", "-i", r.Interface(), "-w", c.file)
	words, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	lines := bufio.NewScanner(words)
	for lines.Scan() && !strings.Contains(lines.Text(), "listening on") {
		said.WriteString(lines.Text() + "\n")
	}
	if !strings.Contains(lines.Text(), "listening on") {
		t.Fatalf("tcpdump does not listen:\n%s", said.String())
	}
	c.stop = sync.OnceFunc(func() {
		_ = cmd.Process.Signal(syscall.SIGINT)
		for lines.Scan() {
			t.Log("tcpdump: " + lines.Text())
		}
		_ = cmd.Wait()
	})
	t.Cleanup(c.stop)
	return c
}

// Read ends the recording and has tshark, which knows nothing of ours, print the packets that a filter of its language
// matches, one line each; one empty line is none.
func (c *Capture) Read(t testing.TB, filter string) []string {
	t.Helper()
	c.stop()
	args := []string{"-n", "-r", c.file, "-Y", filter}
	out, err := exec.CommandContext(t.Context(), "tshark", args...).Output() // it warns of root elsewhere
	if err != nil {
		t.Fatalf("tshark %q: %v", args, err)
	}
	return strings.Split(strings.TrimSpace(string(out)), "\n")
}
