package app

import (
	"log/slog"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"socle/api"
	"socle/bmc"
	"socle/hardware"
	"socle/inventory"
	"socle/provision"
)

// TestSuppliesOfBMC: a controller tells what power supplies are; they come into facts that are there and, as they are kept, into those of
// the next inspection, and never go before what the firmware lists.
func TestSuppliesOfBMC(t *testing.T) {
	d, _ := certified(t)
	d.bmcs.driver = bmc.New(bmc.Options{Burst: 100})
	n := nurse{d.bmcs, slog.New(slog.DiscardHandler)}
	m, err := d.store.Machine(t.Context(), "hv01")
	must(t, err)
	key, err := d.store.Key(t.Context(), "boot-tokens")
	must(t, err)
	engine, err := provision.New(t.Context(), provision.Options{Store: d.store, BootKey: key})
	must(t, err)
	inspect := func(psus ...hardware.PSU) []hardware.PSU {
		t.Helper()
		must(t, engine.PostFacts(t.Context(), inventory.Session{Machine: m.ID, SeenAt: time.Now()}, api.FactsPost{Facts: hardware.Facts{System: hardware.System{Serial: "SN-1"}, PSUs: psus}}))
		m, err := d.store.Machine(t.Context(), "hv01")
		must(t, err)
		return m.Facts.PSUs
	}
	look := func() []hardware.PSU {
		t.Helper()
		all, err := d.store.Roster(t.Context())
		must(t, err)
		_, err = n.Vitals(t.Context(), all[0], inventory.LogMark{})
		must(t, err)
		m, err := d.store.Machine(t.Context(), "hv01")
		must(t, err)
		return m.Facts.PSUs
	}
	both := func(when string, got []hardware.PSU) {
		t.Helper()
		if len(got) != 2 || got[0].PartNumber != "LAB-PSU" || got[1].Serial != "SN-1-PSU2" || got[1].Source != hardware.ToldByBMC {
			t.Errorf("%s: %+v", when, got)
		}
	}
	if got := inspect(); got != nil {
		t.Errorf("nobody told of any: %+v", got)
	}
	both("a look after an inspection", look())
	both("an inspection after a look", inspect())
	if got := inspect(hardware.PSU{Locator: "PSU.Slot.1", Present: true}); len(got) != 1 || got[0].Source != "" || len(look()) != 1 {
		t.Errorf("the firmware lists them: %+v", got)
	}
	before, err := d.store.Machine(t.Context(), "hv01")
	must(t, err)
	if look(); len(before.BMC.PSUs) != 2 {
		t.Errorf("kept of the controller's own words: %+v", before.BMC.PSUs)
	}
	after, err := d.store.Machine(t.Context(), "hv01")
	must(t, err)
	if diff := cmp.Diff(before, after, cmpopts.EquateComparable(netip.Addr{})); diff != "" {
		t.Errorf("a look that tells nothing new changes (-before +after):\n%s", diff)
	}
}
