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
)

// TestLinksE2E pulls and plugs a cable between two interfaces in a network namespace of its own; it needs root.
func TestLinksE2E(t *testing.T) {
	type said struct {
		nic string
		up  bool
	}
	news := make(chan said, 16)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended, plug := make(chan error, 1), make(chan bool)
	go func() { // one thread has the namespace: what watches and what pulls, which Links calls back in between
		runtime.LockOSThread() // and never unlocked: the thread ends with it
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			ended <- err
			return
		}
		if out, err := exec.CommandContext(ctx, "ip", "link", "add", "agent-nic", "up", "type", "veth", "peer", "name", "agent-switch").CombinedOutput(); err != nil {
			t.Logf("%s", out)
			ended <- err
			return
		}
		handle, err := netlink.NewHandle()
		if err != nil {
			ended <- err
			return
		}
		go func() {
			for up := range plug {
				link, err := handle.LinkByName("agent-switch")
				if err == nil && up {
					err = handle.LinkSetUp(link)
				} else if err == nil {
					err = handle.LinkSetDown(link)
				}
				if err != nil {
					t.Errorf("up %v: %v", up, err)
				}
			}
		}()
		ended <- Live.Links(ctx, []string{"agent-nic", "gone"}, func(nic string, up bool, _ int) { news <- said{nic, up} })
	}()
	defer close(plug)
	limit := time.After(30 * time.Second)
	want := func(up bool) {
		t.Helper()
		for {
			select {
			case got := <-news:
				if got.nic != "agent-nic" {
					t.Errorf("told of %s", got.nic)
				}
				if got.up == up {
					return
				}
			case err := <-ended:
				t.Fatalf("it ended: %v", err)
			case <-limit:
				t.Fatalf("not told that the link is up: %v", up)
			}
		}
	}
	want(false)
	for range 2 {
		plug <- true
		want(true)
		plug <- false
		want(false)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
