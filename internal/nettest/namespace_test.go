package nettest

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestNamespace leaves a client in the background of a namespace, as dhclient does: it ends with the test.
func TestNamespace(t *testing.T) {
	var left, ns string
	t.Run("used", func(t *testing.T) {
		pid := Namespace(t)
		own, err := os.Readlink("/proc/self/ns/net")
		if err != nil {
			t.Fatal(err)
		}
		if ns, err = os.Readlink("/proc/" + pid + "/ns/net"); err != nil || ns == own {
			t.Fatalf("its namespace is %s (%v), and ours", ns, err)
		}
		out, err := exec.Command("nsenter", "-t", pid, "-n", "sh", "-ec", "ip -o link show up; setsid sleep 300 >/dev/null 2>&1 & echo $!").Output()
		if err != nil || !strings.Contains(string(out), ": lo:") {
			t.Fatalf("the loopback is not up: %v: %s", err, out)
		}
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		left = lines[len(lines)-1]
	})
	if now, err := os.Readlink("/proc/" + left + "/ns/net"); err == nil && now == ns {
		t.Errorf("process %s of the namespace still runs", left)
	}
}
