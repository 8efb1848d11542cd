package dhcp

import (
	"bufio"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"socle/internal/nettest"
	"socle/internal/pgtest"
)

// TestMain moves the whole test process into a network namespace of its own, so that real servers and
// clients of DHCP meet nothing of the host. It ends with the process; nothing is left behind.
func TestMain(m *testing.M) {
	if url := os.Getenv(childURL); url != "" {
		serveAsChild(url)
	}
	nettest.Isolate("DHCP")
	pgtest.Main(m)
}

// namespace makes a network namespace and returns the ID of the process that holds it, and a function that runs a
// command there.
func namespace(t *testing.T) (pid string, in func(name string, args ...string) string) {
	t.Helper()
	pid = nettest.Namespace(t)
	return pid, nettest.In(t, pid)
}

// peer makes a pair of interfaces: host here with the addresses, client in a namespace of its own. It
// returns a function that runs a command there.
func peer(t *testing.T, host, client string, addrs ...string) func(name string, args ...string) string {
	t.Helper()
	pid, in := namespace(t)
	nettest.Run(t, "ip", "link", "add", host, "type", "veth", "peer", "name", client, "netns", pid)
	t.Cleanup(func() { _ = exec.Command("ip", "link", "del", host).Run() })
	for _, a := range addrs {
		nettest.Run(t, "ip", "addr", "add", a, "dev", host)
	}
	nettest.Run(t, "ip", "link", "set", host, "up")
	in("ip", "link", "set", client, "up")
	return in
}

// hosts is a View.
type hosts map[string]Host

func (h hosts) Host(mac string) (Host, bool) { v, ok := h[mac]; return v, ok }

// serve runs a server for the test's time.
func serve(t *testing.T, opt Options) *Server {
	t.Helper()
	s, err := New(opt)
	if err != nil {
		t.Fatal(err)
	}
	nettest.Background(t, s.Serve)
	waitListening(t)
	return s
}

// waitListening waits until the kernel shows a socket on port 67.
func waitListening(t *testing.T) {
	t.Helper()
	for range 100 {
		f, err := os.Open("/proc/self/net/udp")
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for sc := bufio.NewScanner(f); sc.Scan(); {
			found = found || strings.Contains(sc.Text(), "00000000:0043 ")
		}
		_ = f.Close()
		if found {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatal("the server does not listen after 2 s")
}
