//go:build e2e

package probe

import (
	"context"
	"os/exec"
	"runtime"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"socle/hardware"
)

// TestListenE2E hears a switch over a pair of interfaces in a network namespace of its own; it needs root.
func TestListenE2E(t *testing.T) {
	runtime.LockOSThread() // and never unlocked: the thread with the namespace ends with the test
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "ip", "link", "add", "agent-nic", "type", "veth", "peer", "name", "agent-switch").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, name := range []string{"agent-nic", "agent-switch"} {
		link, err := netlink.LinkByName(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := netlink.LinkSetUp(link); err != nil {
			t.Fatal(err)
		}
	}
	peer, err := netlink.LinkByName("agent-switch")
	if err != nil {
		t.Fatal(err)
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		for {
			_ = unix.Sendto(fd, []byte(untagged+leaf()), 0, &unix.SockaddrLinklayer{Ifindex: peer.Attrs().Index, Halen: 6})
			select {
			case <-stop:
				return
			case <-time.After(100 * time.Millisecond):
			}
		}
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	var got hardware.Neighbor
	if err := Listen(ctx, "agent-nic", func(n hardware.Neighbor) { got = n; cancel() }); err != nil {
		t.Fatal(err)
	}
	if got.SystemName != "leaf1" || got.PortID != "Ethernet1/7" {
		t.Errorf("heard %+v", got)
	}
}
