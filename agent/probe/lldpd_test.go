package probe

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"socle/hardware"
	"socle/internal/nettest"
)

// TestRealSpeaker hears lldpd over a cable: who it is, at which port, and that it leaves when it is stopped.
func TestRealSpeaker(t *testing.T) {
	const here, there, mac = "lldp-here", "Eth7", "02:00:00:00:00:07"
	pid := nettest.Namespace(t)
	nettest.Run(t, "ip", "link", "add", here, "type", "veth", "peer", "name", there, "address", mac, "netns", pid)
	t.Cleanup(func() { _ = exec.Command("ip", "link", "del", here).Run() })
	nettest.Run(t, "ip", "link", "set", here, "up")
	in := nettest.In(t, pid)
	in("ip", "link", "set", there, "up")
	heard := make(chan hardware.Neighbor, 100)
	nettest.Background(t, func(ctx context.Context) error { return Listen(ctx, here, func(n hardware.Neighbor) { heard <- n }) })

	socket := filepath.Join(openDir(t), "lldpd.socket")
	speaker := exec.Command("nsenter", "-t", pid, "-n", "unshare", "-m", "sh", "-c", `mount -t sysfs sysfs /sys && exec lldpd "$@"`, "lldpd", "-d", "-u", socket, "-I", there, "-C", there, "-O", "/dev/null")
	speaker.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	var said strings.Builder
	speaker.Stdout, speaker.Stderr = &said, &said
	if err := speaker.Start(); err != nil {
		t.Fatal(err)
	}
	stopped := make(chan error, 1)
	go func() { stopped <- speaker.Wait() }()
	t.Cleanup(func() { _ = speaker.Process.Kill() })
	next := func(what string, is func(hardware.Neighbor) bool) hardware.Neighbor {
		t.Helper()
		for end := time.After(time.Minute); ; {
			select {
			case n := <-heard:
				if is(n) {
					return n
				}
			case err := <-stopped:
				t.Fatalf("lldpd ended before it %s: %v", what, err)
			case <-end:
				t.Fatalf("lldpd has not %s within a minute; it said:\n%s", what, said.String())
			}
		}
	}
	next("spoken", func(n hardware.Neighbor) bool { return n.TTL > 0 })
	for _, line := range []string{"configure system hostname leaf-a.example.net", "configure ports " + there + " lldp portidsubtype local Ethernet1/7", "configure ports " + there + " lldp portdescription to-hv01", "configure lldp tx-interval 1"} {
		nettest.Run(t, "lldpcli", append([]string{"-u", socket}, strings.Fields(line)...)...)
	}
	n := next("told its name and port", func(n hardware.Neighbor) bool {
		return n.SystemName == "leaf-a.example.net" && n.PortID == "Ethernet1/7" && n.PortDesc != there
	})
	if n.ChassisID != mac || n.PortDesc != "to-hv01" || n.TTL < 1 {
		t.Errorf("%+v, want the chassis %s and the port's description", n, mac)
	}
	if err := syscall.Kill(-speaker.Process.Pid, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for end := time.After(time.Minute); ; {
		select {
		case n := <-heard:
			if n.TTL == 0 {
				if n.ChassisID != mac {
					t.Errorf("%+v leaves, want the chassis %s", n, mac)
				}
				return
			}
		case <-end:
			t.Fatalf("lldpd was stopped, and nobody was told so")
		}
	}
}

// openDir is a folder that a daemon can use which gives root's rights up.
func openDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "lldpd")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // that is what it is for
		t.Fatal(err)
	}
	return dir
}
