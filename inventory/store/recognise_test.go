package store_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"socle/hardware"
	"socle/inventory"
	"socle/inventory/store"
)

const sameUUID = "03000200-0400-0500-0006-000700080009" // what a well-known vendor ships on every board

func (b *bench) recognise(id inventory.Identity) (inventory.Machine, bool) {
	b.t.Helper()
	m, created, err := b.Recognise(b.ctx, id, "dhcp")
	must(b.t, err)
	return m, created
}

func TestRecogniseStray(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		seen := inventory.Identity{Serial: "ZZ 1/x\x00", UUID: sameUUID, NICMACs: []string{"52-54-00-00-00-99"}}
		m, created := b.recognise(seen)
		if !created || m.Name != "stray-zz1x" || m.State != inventory.Discovered || m.InPlan || m.Boot != inventory.BootRamdisk || m.Fault != nil ||
			m.Hold == nil || m.Hold.Reason != store.HoldNotInPlan || m.Hold.Actor != "dhcp" {
			t.Errorf("stray is %+v", m)
		}
		again, created := b.recognise(seen)
		if created || again.ID != m.ID || again.Version != m.Version {
			t.Errorf("seen again: created %v, %+v", created, again)
		}
		other, created := b.recognise(inventory.Identity{Serial: "zz1X", NICMACs: []string{"52:54:00:00:00:98"}})
		if !created || other.Name != "stray-zz1x-2" {
			t.Errorf("another stray: created %v, name %s", created, other.Name)
		}
		byMAC, _ := b.recognise(inventory.Identity{NICMACs: []string{"52:54:00:00:00:97"}})
		if byMAC.Name != "stray-525400000097" {
			t.Errorf("stray without a serial is named %s", byMAC.Name)
		}
		hostile, _ := b.recognise(inventory.Identity{Serial: "'; {{.}} <b>" + strings.Repeat("é9", 500000)})
		if len(hostile.Name) > 60 {
			t.Errorf("hostile name of %d bytes", len(hostile.Name))
		}
		if _, _, err := b.Recognise(b.ctx, inventory.Identity{Serial: "none", UUID: "00000000-0000-0000-0000-000000000000"}, "dhcp"); err == nil {
			t.Error("nothing was recognised")
		}
	})
}

func TestRecogniseConcurrently(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		stores := []*store.Store{b.Store, b.open()}
		const rounds = 12
		for round := range rounds {
			seen := inventory.Identity{Serial: fmt.Sprint("Z", round), NICMACs: []string{fmt.Sprintf("52:54:00:00:01:%02x", round)}}
			var mu sync.Mutex
			ids, made := map[string]int{}, 0
			var wg sync.WaitGroup
			for w := range 12 {
				wg.Go(func() {
					m, created, err := stores[w%2].Recognise(b.ctx, seen, "dhcp")
					if err != nil {
						t.Error(err)
					}
					mu.Lock()
					defer mu.Unlock()
					ids[m.ID]++
					if created {
						made++
					}
				})
			}
			wg.Wait()
			if len(ids) != 1 || made != 1 {
				t.Errorf("one stray is %d machines, made %d times", len(ids), made)
			}
		}
		if all, err := b.Machines(b.ctx); err != nil || len(all) != rounds {
			t.Errorf("%d machines, %v", len(all), err)
		}
		if n := len(b.events(store.EventFilter{})); n != rounds {
			t.Errorf("%d events", n)
		}
	})
}

func TestRecognisePlanned(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		p1, p2 := hv(1), hv(2)
		p1.Identity = inventory.Identity{Serial: "A1"}
		p2.Identity = inventory.Identity{Serial: "A2"}
		m1 := b.plan(p1, p2)
		m2 := b.machine("hv02")
		check := func(what string, id inventory.Identity, want inventory.Machine) {
			t.Helper()
			if got, created := b.recognise(id); created || got.ID != want.ID {
				t.Errorf("%s: recognised as %s, created %v", what, got.Name, created)
			}
		}
		check("serial in another case", inventory.Identity{Serial: "a1", UUID: sameUUID, NICMACs: []string{"52:54:00:00:00:01"}}, m1)
		check("equal UUID", inventory.Identity{Serial: "A2", UUID: sameUUID, NICMACs: []string{"52:54:00:00:00:02"}}, m2)
		check("only the MAC", inventory.Identity{NICMACs: []string{"52:54:00:00:00:02"}}, m2)
		check("MAC and equal UUID", inventory.Identity{UUID: sameUUID, NICMACs: []string{"52:54:00:00:00:01"}}, m1)
		check("swapped NIC", inventory.Identity{Serial: "A1", UUID: sameUUID, NICMACs: []string{"52:54:00:00:00:0a"}}, m1)
		check("the new NIC alone", inventory.Identity{NICMACs: []string{"52:54:00:00:00:0a"}}, m1)
		if got := b.machine("hv01").Identity; cmp.Diff([]string{"52:54:00:00:00:01", "52:54:00:00:00:0a"}, got.NICMACs) != "" || got.UUID != sameUUID {
			t.Errorf("identity became %+v", got)
		}
		if all, err := b.Machines(b.ctx); err != nil || len(all) != 2 {
			t.Errorf("%d machines, %v", len(all), err)
		}
		b.pass(time.Hour)
		version := b.machine("hv01").Version
		check("again", inventory.Identity{Serial: "A1"}, m1)
		if got := b.machine("hv01"); got.Version != version || !got.SeenAt.Equal(b.clock()) {
			t.Errorf("a mere sighting made version %d of %d, seen at %v", got.Version, version, got.SeenAt)
		}
	})
}

// TestRecogniseTwoWithOneUUID: without serials, two boards of equal UUID stay two by their MACs.
func TestRecogniseTwoWithOneUUID(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		m1, c1 := b.recognise(inventory.Identity{UUID: sameUUID, NICMACs: []string{"52:54:00:00:00:01"}})
		m2, c2 := b.recognise(inventory.Identity{UUID: sameUUID, NICMACs: []string{"52:54:00:00:00:02"}})
		if !c1 || !c2 || m1.ID == m2.ID {
			t.Errorf("created %v and %v, %s and %s", c1, c2, m1.Name, m2.Name)
		}
	})
}

func TestRecogniseConflict(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		m := b.plan(hv(1))
		moved := inventory.Identity{Serial: "OTHER", NICMACs: m.Identity.NICMACs}
		c, created := b.recognise(moved)
		if !created || c.ID == m.ID || c.Hold == nil || c.Fault == nil || c.Fault.Kind != inventory.FaultIdentity ||
			!strings.Contains(c.Fault.Reason, "hv01") || c.Fault.Remedy == "" {
			t.Errorf("conflict made %+v", c)
		}
		if again, created := b.recognise(moved); created || again.ID != c.ID {
			t.Errorf("seen again: created %v %s", created, again.Name)
		}
		// By its MAC alone it is the machine that nobody doubts.
		if got, created := b.recognise(inventory.Identity{NICMACs: m.Identity.NICMACs}); created || got.ID != m.ID {
			t.Errorf("by MAC: created %v %s", created, got.Name)
		}
		if diff := cmp.Diff(m.Identity, b.machine("hv01").Identity); diff != "" {
			t.Errorf("the known machine changed:\n%s", diff)
		}
	})
}

func TestRecogniseAmbiguous(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		b.recognise(inventory.Identity{NICMACs: []string{"52:54:00:00:00:01"}})
		b.recognise(inventory.Identity{NICMACs: []string{"52:54:00:00:00:02"}})
		_, _, err := b.Recognise(b.ctx, inventory.Identity{NICMACs: []string{"52:54:00:00:00:01", "52:54:00:00:00:02"}}, "agent")
		if !errors.Is(err, store.ErrAmbiguous) || !strings.Contains(err.Error(), "stray-525400000002") {
			t.Errorf("error %v", err)
		}
	})
}

// TestRecogniseFoldsSightings: a server that DHCP saw first, when only its MAC was known, is later found to be
// a planned one by its serial; it must not stay in the list twice.
func TestRecogniseFoldsSightings(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		p := hv(1)
		p.Identity = inventory.Identity{Serial: "A1"}
		m := b.plan(p)
		s, created := b.recognise(inventory.Identity{UUID: sameUUID, NICMACs: []string{"52:54:00:00:00:01"}})
		if !created {
			t.Fatal("no stray")
		}
		got, created := b.recognise(inventory.Identity{Serial: "A1", UUID: sameUUID, NICMACs: []string{"52:54:00:00:00:01"}})
		if created || got.ID != m.ID {
			t.Errorf("recognised as %s, created %v", got.Name, created)
		}
		if s = b.machine(s.ID); s.State != inventory.Retired || len(s.Identity.NICMACs) != 0 || s.Hold != nil {
			t.Errorf("the sighting stays as %+v", s)
		}
		if got, created := b.recognise(inventory.Identity{NICMACs: []string{"52:54:00:00:00:01"}}); created || got.ID != m.ID {
			t.Errorf("by MAC it is %s, created %v", got.Name, created)
		}
	})
}

// TestRecogniseKeepsFacts: a sighting must not lose what the agent found.
func TestRecogniseKeepsFacts(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		m := b.plan(hv(1))
		_, err := b.Change(b.ctx, m.ID, "agent", func(m *inventory.Machine) (inventory.Note, error) {
			m.Facts = &hardware.Facts{Kernel: "6.1"}
			return inventory.Note{Kind: "facts"}, nil
		})
		must(t, err)
		b.recognise(inventory.Identity{Serial: m.Serial(), NICMACs: []string{"52:54:00:00:00:77"}})
		p := hv(1)
		p.Place.U = 30
		b.plan(p)
		if got := b.machine("hv01"); got.Facts == nil || got.Facts.Kernel != "6.1" || got.Place.U != 30 {
			t.Errorf("machine is %+v", got)
		}
	})
}

func TestRecogniseBoundsWhatItLearns(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		m := b.plan(hv(1))
		for n := range 100 {
			b.recognise(inventory.Identity{Serial: m.Serial(), NICMACs: []string{fmt.Sprintf("52:54:01:00:00:%02x", n)}})
		}
		if n := len(b.machine("hv01").Identity.NICMACs); n > 64 {
			t.Errorf("the machine has %d interfaces now", n)
		}
	})
}

// TestRecogniseWhileChanging lets sightings and changes of one machine race: both must arrive.
func TestRecogniseWhileChanging(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		m := b.plan(hv(1))
		const each = 20
		var wg sync.WaitGroup
		wg.Go(func() {
			for range each {
				if _, err := b.Change(b.ctx, m.ID, "a", func(m *inventory.Machine) (inventory.Note, error) {
					m.Place.U++
					return inventory.Note{Kind: "count"}, nil
				}); err != nil {
					t.Error(err)
				}
			}
		})
		wg.Go(func() {
			for n := range each {
				b.recognise(inventory.Identity{Serial: m.Serial(), NICMACs: []string{fmt.Sprintf("52:54:01:00:00:%02x", n)}})
			}
		})
		wg.Wait()
		if got := b.machine("hv01"); got.Place.U != m.Place.U+each || len(got.Identity.NICMACs) != each+1 {
			t.Errorf("U is %d, %d NICs", got.Place.U, len(got.Identity.NICMACs))
		}
	})
}

// TestRecogniseByUUID: where neither serials nor NICs speak, a UUID is better than nothing.
func TestRecogniseByUUID(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		p := hv(1)
		p.Identity = inventory.Identity{Serial: "A1", UUID: sameUUID}
		m := b.plan(p)
		if got, created := b.recognise(inventory.Identity{UUID: sameUUID, NICMACs: []string{"52:54:00:00:00:01"}}); created || got.ID != m.ID {
			t.Errorf("created %v, recognised as %s", created, got.Name)
		}
		// Now its NIC is known, and the UUID alone with another NIC is another server.
		if got, created := b.recognise(inventory.Identity{UUID: sameUUID, NICMACs: []string{"52:54:00:00:00:02"}}); !created {
			t.Errorf("another server is taken for %s", got.Name)
		}
	})
}
