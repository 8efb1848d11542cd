package netns_test

import (
	"net"
	"os"
	"testing"

	"socle/internal/netns"
	"socle/internal/nettest"
)

func TestMain(m *testing.M) {
	nettest.Isolate("network namespaces")
	os.Exit(m.Run())
}

// TestDo listens in a namespace of its own: the socket stays there, and this process is where it was.
func TestDo(t *testing.T) {
	own, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	n, err := netns.New()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = n.Close() }()
	var there string
	var names []net.Interface
	err = n.Do(func() (err error) {
		if there, err = os.Readlink("/proc/thread-self/ns/net"); err == nil {
			names, err = net.Interfaces()
		}
		return err
	})
	if err != nil || there == own || len(names) != 1 || names[0].Flags&net.FlagUp != 0 {
		t.Errorf("inside: %s of %s, %v, %v: it is to be another one, with a loopback that is down", there, own, names, err)
	}
	if now, err := os.Readlink("/proc/self/ns/net"); err != nil || now != own {
		t.Errorf("afterwards this process is in %s (%v), it was in %s", now, err, own)
	}
	if err := n.Do(func() error { return os.ErrExist }); err != os.ErrExist { //nolint:errorlint // it comes back as it is
		t.Errorf("what fn returned comes back as %v", err)
	}
}
