package boot

import (
	"context"
	"strings"
	"testing"
	"time"
)

// TestDeclineAnAddressInUse: the kernel finds another host at the address that the server gave; the agent refuses it and
// takes another one, which lasts no longer than its lease.
func TestDeclineAnAddressInUse(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	r := newRoom(t, "2001:db8:1::1/64", "2001:db8:1::10/64")
	srv := r.socle(server6{Reserve: "2001:db8:1::10"})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	got, err := configure6(ctx, "agent-nic", r.names(), logger(t))
	if err != nil || !strings.HasPrefix(got, "2001:db8:1::1:") || !strings.HasSuffix(got, "/128") {
		t.Fatalf("got %q, error %v, want an address of the pool", got, err)
	}
	srv.await(t, time.Second, 1, agentMAC, "SOLICIT", "REPLY 2001:db8:1::10")
	srv.await(t, time.Second, 1, agentMAC, "DECLINE for=2001:db8:1::10", "in use by somebody else")
	if a, ok := address(t, "2001:db8:1::10/"); ok {
		t.Errorf("the address of the other host is still set: %+v", a)
	}
	a, ok := address(t, got)
	if !ok || a.ValidLft < 40 || a.ValidLft > 60 || a.PreferedLft < 25 || a.PreferedLft > 45 {
		t.Errorf("the kernel has %v (%v), preferred for %d s and valid for %d s; the lease says 45 and 60", a, ok, a.PreferedLft, a.ValidLft)
	}
}
