package store_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"socle/inventory"
	"socle/inventory/store"
)

// tried counts what the lines name.
func (b *bench) tried(s *store.Store, lines ...inventory.Evidence) {
	b.t.Helper()
	counted, err := s.CountTries(b.ctx, lines)
	must(b.t, err)
	if !counted {
		b.t.Error("nothing was counted")
	}
}

func TestTriesAreCountedByCardAndWay(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		const a, c = "52:54:00:00:00:0a", "52:54:00:00:00:0c"
		at := b.clock()
		try := func(mac string, path inventory.BootPath, after time.Duration) inventory.Evidence {
			return inventory.Evidence{MAC: mac, Path: path, Time: at.Add(after)}
		}
		b.tried(b.Store,
			try(a, inventory.PathHTTP, 0), try(a, inventory.PathHTTP, 10*time.Second), // parts of one try
			try(a, inventory.PathTFTP, 20*time.Second), try("", inventory.PathTFTP, 0), try(a, "", 0), try("nonsense", inventory.PathTFTP, 0),
			try(c, inventory.PathBIOS, 0),
		)
		again := b.open() // another process, or this one after a restart
		b.tried(again, try(a, inventory.PathHTTP, 5*time.Minute))
		want := inventory.NetBoot{Tries: []inventory.BootTry{
			{Path: inventory.PathTFTP, Count: 1, Last: at.Add(20 * time.Second)}, {Path: inventory.PathHTTP, Count: 2, Last: at.Add(5 * time.Minute)}}}
		wantBoot := func(want inventory.NetBoot, macs ...string) {
			t.Helper()
			got, err := b.NetBoot(b.ctx, macs)
			must(t, err)
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("%v (-want +got):\n%s", macs, d)
			}
		}
		wantBoot(want, a)
		wantBoot(want, a, c) // of a machine's cards the one that was tried last counts
		wantBoot(inventory.NetBoot{})
		wantBoot(inventory.NetBoot{}, "52:54:00:00:00:ff")
		all, err := b.NetBoots(b.ctx)
		must(t, err)
		if len(all) != 2 || all[a].Count(inventory.PathHTTP) != 2 || all[c].Count(inventory.PathBIOS) != 1 {
			t.Errorf("all are %+v", all)
		}

		must(t, b.ForgetTries(b.ctx, []string{a}, true)) // came by what it begins with anyway
		wantBoot(inventory.NetBoot{}, a)
		b.tried(b.Store, try(a, inventory.PathDrivers, 10*time.Minute))
		b.tried(b.Store, try(a, inventory.PathSigned, 11*time.Minute))
		must(t, b.ForgetTries(b.ctx, []string{a, c}, true))
		wantBoot(inventory.NetBoot{Came: inventory.PathSigned}, a, c)
		must(t, b.ForgetTries(b.ctx, []string{a}, true)) // nothing was tried since: the last one stays
		wantBoot(inventory.NetBoot{Came: inventory.PathSigned}, a)
		b.tried(b.Store, try(a, inventory.PathDrivers, 12*time.Minute))
		must(t, b.ForgetTries(b.ctx, []string{a}, false)) // a new order: nobody came
		wantBoot(inventory.NetBoot{Came: inventory.PathSigned}, a)
		must(t, b.ForgetTries(b.ctx, nil, true))
	})
}

func TestTriesOfMadeUpCardsAreBounded(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		const kept = 20_000
		_, err := b.SQL().ExecContext(b.ctx, `INSERT INTO boot_tries (mac, path, count, last)
			WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
			SELECT 'card ' || CAST(i AS TEXT), 'tftp', 1, i FROM n`)
		must(t, err)
		const newest = "52:54:00:00:00:0a"
		b.tried(b.Store, inventory.Evidence{MAC: newest, Path: inventory.PathTFTP, Time: b.clock()})
		all, err := b.NetBoots(b.ctx)
		must(t, err)
		if len(all) != kept {
			t.Errorf("%d cards are kept, want %d", len(all), kept)
		}
		if _, ok := all["card 1"]; ok {
			t.Error("the oldest one is still there")
		}
		if _, ok := all[newest]; !ok {
			t.Error("the newest one is gone")
		}
	})
}
