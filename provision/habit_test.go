package provision_test

import (
	"strings"
	"testing"
	"time"

	"socle/api"
	"socle/inventory"
)

// fromDisk is what a server does whose BMC has forgotten what it was told: the system on its disk asks for its address.
func (s *server) fromDisk() {
	m, err := s.rack.store.Machine(s.rack.t.Context(), s.id.Serial)
	if err != nil {
		s.rack.t.Error(err)
	}
	e := inventory.Evidence{Time: time.Now(), Machine: m.ID, MAC: s.id.NICMACs[0], Source: "dhcp", Kind: inventory.SawRequest, Outcome: inventory.OutAcked,
		Client: inventory.StageSystem, Addr: here, Asked: "REQUEST", Reply: "ACK"}
	recorder{t: s.rack.t, store: s.rack.store}.Record(e)
}

// TestForgetfulMake: a make whose BMCs show the next boot and do not keep it is found out by what the servers do. The first
// such boot is a fault, from the second on the network is ordered for every boot, by itself.
func TestForgetfulMake(t *testing.T) {
	t.Parallel() // it waits most of the time
	onBoth(t, func(t *testing.T, r *rack) {
		within := func(limit time.Duration) {
			r.down()
			r.limits.Boot, r.limits.Loader = limit, limit
			r.start()
		}
		within(300 * time.Millisecond)
		inspect := func(name string) {
			t.Helper()
			_, err := r.engine.Inspect(t.Context(), "test", name, api.InspectRequest{})
			must(t, err)
		}
		for _, name := range []string{"hv01", "hv02", "hv03"} {
			r.add(name, 1).forgets = true
		}
		inspect("hv01")
		m := r.await("hv01", faulty(inventory.FaultNoBoot))
		if !strings.Contains(m.Fault.Reason, "disk-instead") || !r.tells("hv01", "the BMC forgot") {
			t.Errorf("%+v", m.Fault)
		}
		within(4 * time.Second) // for the boot that comes
		inspect("hv02")
		r.await("hv02", in(inventory.Ready))
		if told := r.servers["hv02"].told(); len(told) != 3 {
			t.Errorf("hv02: its BMC was told %v, want on, off, on", told)
		}
		inspect("hv03")
		r.await("hv03", in(inventory.Ready))
		if told := r.servers["hv03"].told(); len(told) != 1 || !r.tells("hv03", "forgets what holds once") {
			t.Errorf("hv03: its BMC was told %v, want one power on", told)
		}
		h, err := r.store.BootHabit(t.Context(), inventory.Make{Vendor: "Test", Model: "BMC"})
		must(t, err)
		if h.Forgot != 2 || h.Kept != 0 {
			t.Errorf("%+v", h)
		}
	})
}

// TestMakeThatDrops: two servers of a make whose BMCs do not even show the next boot that they were told come by themselves,
// because the second one shows that it is the make; each counts once, however often it is tried.
func TestMakeThatDrops(t *testing.T) {
	t.Parallel() // it waits most of the time
	onBoth(t, func(t *testing.T, r *rack) {
		for _, name := range []string{"hv01", "hv02"} {
			r.add(name, 1).drops = true
		}
		for _, name := range []string{"hv01", "hv02"} {
			_, err := r.engine.Inspect(t.Context(), "test", name, api.InspectRequest{})
			must(t, err)
		}
		for _, name := range []string{"hv01", "hv02"} {
			r.await(name, in(inventory.Ready))
			if told := r.servers[name].told(); len(told) != 1 {
				t.Errorf("%s: its BMC was told %v, want one power on", name, told)
			}
		}
		h, err := r.store.BootHabit(t.Context(), inventory.Make{Vendor: "Test", Model: "BMC"})
		must(t, err)
		if h.Forgot != 2 || h.Kept != 0 {
			t.Errorf("%+v", h)
		}
	})
}

// TestMakeThatKeeps: a boot that comes as it was ordered is counted once.
func TestMakeThatKeeps(t *testing.T) {
	t.Parallel() // it waits most of the time
	onBoth(t, func(t *testing.T, r *rack) {
		r.add("hv01", 1)
		r.buildOut()
		r.await("hv01", in(inventory.Active))
		h, err := r.store.BootHabit(t.Context(), inventory.Make{Vendor: "Test", Model: "BMC"})
		must(t, err)
		if h.Kept != 1 || h.Forgot != 0 {
			t.Errorf("%+v", h)
		}
	})
}
