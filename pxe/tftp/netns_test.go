package tftp_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"socle/internal/nettest"
)

// TestMain moves the whole test process into a network namespace of its own, so that real servers and
// clients meet nothing of the host. It ends with the process; nothing is left behind.
func TestMain(m *testing.M) {
	nettest.Isolate("TFTP")
	for _, line := range []string{"ip link set lo up", "ip addr add 198.18.0.1/24 dev lo", "ip addr add 198.18.0.2/24 dev lo",
		"ip addr add 2001:db8::1/64 dev lo nodad"} {
		args := strings.Fields(line)
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			fmt.Fprintln(os.Stderr, line, err, string(out))
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// run runs a command and returns what it says; the test fails when the command does and must is set.
func run(t *testing.T, must bool, name string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	if err != nil && must {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// lossyLink makes a cable to a namespace with the client's end, where one of so many packets is lost, each
// way. Windows are cut into packets before the cable, so that single blocks get lost. It returns a function
// that runs a command on the client's side; the server's address there is 198.18.9.1.
func lossyLink(t *testing.T, oneOf int) (in func(must bool, name string, args ...string) string) {
	t.Helper()
	pid := nettest.Namespace(t)
	in = func(must bool, name string, args ...string) string {
		t.Helper()
		return run(t, must, "nsenter", append([]string{"-t", pid, "-n", name}, args...)...)
	}
	ip := func(line string) { t.Helper(); run(t, true, "ip", strings.Fields(line)...) }
	ip("link add lossy0 gso_max_segs 1 type veth peer name lossy1 netns " + pid)
	t.Cleanup(func() { _ = exec.Command("ip", "link", "del", "lossy0").Run() })
	ip("addr add 198.18.9.1/24 dev lossy0")
	ip("link set lossy0 up")
	in(true, "ip", "addr", "add", "198.18.9.2/24", "dev", "lossy1")
	in(true, "ip", "link", "set", "lossy1", "up")
	here := func(must bool, name string, args ...string) string { t.Helper(); return run(t, must, name, args...) }
	for _, side := range []func(bool, string, ...string) string{in, here} {
		side(true, "nft", "add table inet lossy; add chain inet lossy in { type filter hook input priority 0; }")
		side(true, "nft", fmt.Sprintf("add rule inet lossy in iifname lossy* meta l4proto udp numgen random mod %d == 0 drop", oneOf))
	}
	t.Cleanup(func() { _ = exec.Command("nft", "delete", "table", "inet", "lossy").Run() })
	return in
}
