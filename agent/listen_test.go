package agent

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"socle/agent/agenttest"
	"socle/api"
	"socle/hardware"
)

// plugs is a machine with one interface, whose switch and link a test plays.
type plugs struct {
	*rig
	heard chan hardware.Neighbor
	link  chan bool
}

func newPlugs(t *testing.T) plugs {
	t.Helper()
	p := plugs{&rig{Server: agenttest.New(t), root: fakeMachine(t, serial, nil), state: t.TempDir()}, make(chan hardware.Neighbor), make(chan bool)}
	nic := filepath.Join(p.root.Sys, "class/net/eth0")
	if err := os.MkdirAll(filepath.Join(nic, "device"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(nic, "address"), []byte("52:54:00:00:00:01\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p.start(t, func(o *Options) {
		o.Listen = func(ctx context.Context, _ string, heard func(hardware.Neighbor)) error {
			for {
				select {
				case n := <-p.heard:
					heard(n)
				case <-ctx.Done():
					return nil
				}
			}
		}
		o.Links = func(ctx context.Context, nics []string, told func(string, bool, int)) error {
			for {
				select {
				case up := <-p.link:
					told(nics[0], up, 10000)
				case <-ctx.Done():
					return nil
				}
			}
		}
	})
	return p
}

// TestLinks: the server is told of every change of what is plugged in while the agent waits for orders, and of nothing that
// it knows; an inspection says the same.
func TestLinks(t *testing.T) {
	r := newPlugs(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	one := hardware.Neighbor{ChassisID: "02:00:00:00:00:01", PortID: "Eth1/7", SystemName: "leaf1", TTL: 120}
	other := one
	other.PortID = "Eth1/8"
	var all []api.LinksPost
	told := func(up bool, said ...hardware.Neighbor) { // sooner or later
		t.Helper()
		want := hardware.Link{NIC: "eth0", MAC: "52:54:00:00:00:01", Up: up, LLDP: said}
		for {
			var err error
			if all, err = r.WaitLinks(ctx, len(all)+1); err != nil {
				t.Fatalf("%v; the last message is %+v, want %+v", err, all[len(all)-1:], want)
			}
			if last := all[len(all)-1].Links; len(last) == 1 && last[0].SameAs(want) {
				return
			}
		}
	}
	r.link <- true
	told(true)
	r.heard <- one
	told(true, one)
	r.heard <- one // known: nothing is told
	r.link <- true // likewise
	r.link <- false
	told(false)
	r.link <- true
	r.heard <- other
	told(true, other)
	r.want(t, r.Issue(api.OrderInspect, serial, struct{}{}), "done", "")
	posts := r.Facts()
	if len(posts) != 2 {
		t.Fatalf("%d facts were posted", len(posts))
	}
	if f := posts[0].Facts.NICs[0]; f.Link || len(f.LLDP) != 0 {
		t.Errorf("the first look knew the switch before it spoke: %+v", f)
	}
	for i := 1; i < len(all); i++ {
		if all[i].Links[0].SameAs(all[i-1].Links[0]) {
			t.Errorf("message %d says again what the server knows: %+v", i, all[i])
		}
	}
	if diff := cmp.Diff([]hardware.Neighbor{other}, posts[1].Facts.NICs[0].LLDP); diff != "" {
		t.Errorf("neighbours of the inspection (-want +got):\n%s", diff)
	}
}

// TestFlapping: a cable that is broken costs the server a bounded number of messages.
func TestFlapping(t *testing.T) {
	r := newPlugs(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	flap := time.NewTicker(20 * time.Millisecond)
	defer flap.Stop()
	begun := time.Now()
	for up := true; time.Since(begun) < 2*time.Second; up = !up {
		<-flap.C
		r.link <- up
	}
	posts, err := r.WaitLinks(ctx, 1)
	if err != nil {
		t.Fatal(err)
	}
	if most := int(time.Since(begun)/debounce) + 1; len(posts) > most {
		t.Errorf("%d messages in %s, want %d at most", len(posts), time.Since(begun), most)
	}
}
