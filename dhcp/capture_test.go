package dhcp

import (
	"bufio"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"

	"socle/internal/nettest"
)

// capture records DHCP on an interface here. The function that it returns ends that, and returns the replies
// as tshark, which knows nothing of ours, decodes them: one line each with message type, yiaddr and the codes
// of the options in their order. Whatever tshark finds wrong with one fails the test.
func capture(t *testing.T, iface string) (replies func() []string) {
	t.Helper()
	end := record(t, iface)
	return func() []string {
		t.Helper()
		return dissect(t, end())
	}
}

// record begins a capture; the function that it returns ends it and names its file.
func record(t *testing.T, iface string) (end func() string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "pcap")
	cmd := exec.Command("tcpdump", "-U", "--immediate-mode", "-Z", "root", "-i", iface, "-w", file, "udp port 67 or udp port 68 or udp port 4011")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	runtime.LockOSThread() // Pdeathsig follows the thread
	t.Cleanup(runtime.UnlockOSThread)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop := sync.OnceFunc(func() { _ = cmd.Process.Signal(syscall.SIGINT); _ = cmd.Wait() })
	t.Cleanup(stop)
	for sc := bufio.NewScanner(stderr); ; {
		if !sc.Scan() {
			t.Fatal("tcpdump does not listen")
		}
		if strings.Contains(sc.Text(), "listening on") {
			break
		}
	}
	return func() string { stop(); return file }
}

// dissect has tshark decode the replies of a capture.
func dissect(t *testing.T, file string) (replies []string) {
	t.Helper()
	out := nettest.Run(t, "tshark", "-n", "-r", file, "-d", "udp.port==4011,dhcp", "-Y", "dhcp.type == 2", "-T", "fields", "-E", "separator=;",
		"-e", "dhcp.option.dhcp", "-e", "dhcp.ip.your", "-e", "dhcp.option.type", "-e", "_ws.malformed", "-e", "_ws.expert.message")
	for line := range strings.Lines(out) {
		f := strings.Split(strings.TrimSpace(line), ";")
		if len(f) < 5 {
			continue // what tshark says of itself
		}
		if f[3] != "" || f[4] != "" {
			t.Errorf("tshark finds wrong with a reply: %s", line)
		}
		replies = append(replies, strings.Join(f[:3], " "))
	}
	return replies
}

// decoded checks that there are replies of the given kinds (message type and yiaddr).
func decoded(t *testing.T, replies []string, want ...string) {
	t.Helper()
	all := "\n" + strings.Join(replies, "\n")
	for _, w := range want {
		if !strings.Contains(all, "\n"+w) {
			t.Errorf("tshark saw no reply %q:%s", w, all)
		}
	}
}
