package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"socle/internal/secret"
	"socle/inventory"
	"socle/inventory/store"
)

func TestImport(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		var queued atomic.Int64
		b.SetEnqueue(func(context.Context, *sql.Tx, string) error { queued.Add(1); return nil })
		check := func(what string, dry bool, want inventory.ImportResult, planned ...store.Planned) {
			t.Helper()
			got, err := b.Import(b.ctx, planned, "token:admin", dry)
			must(t, err)
			if diff := cmp.Diff(want, got, cmpopts.EquateEmpty(), cmpopts.IgnoreFields(want, "Changes")); diff != "" {
				t.Errorf("%s (-want +got):\n%s", what, diff)
			}
		}
		check("dry run", true, inventory.ImportResult{Added: []string{"hv01", "hv02"}}, hv(1), hv(2))
		if all, err := b.Machines(b.ctx); err != nil || len(all) != 0 || queued.Load() != 0 || len(b.events(store.EventFilter{})) != 0 {
			t.Fatalf("a dry run left %d machines, queued %d (%v)", len(all), queued.Load(), err)
		}
		check("first", false, inventory.ImportResult{Added: []string{"hv01", "hv02"}}, hv(1), hv(2))
		m := b.machine("hv01")
		want := inventory.Machine{
			ID: m.ID, Name: "hv01", Version: 1, State: inventory.Expected, Since: b.clock(), Boot: inventory.BootRamdisk, InPlan: true, Role: "hypervisor",
			Identity: hv(1).Identity, Place: hv(1).Place, BMC: hv(1).BMC, CreatedAt: b.clock(), UpdatedAt: b.clock(),
		}
		if diff := cmp.Diff(want, m, sameAddr); diff != "" {
			t.Errorf("machine (-want +got):\n%s", diff)
		}
		b.hasPassword(m.ID, "pw-1")
		check("again", false, inventory.ImportResult{Same: []string{"hv01", "hv02"}}, hv(1), hv(2))
		if got := b.machine("hv01").Version; got != 1 || queued.Load() != 2 {
			t.Errorf("importing again made version %d and queued %d in all", got, queued.Load())
		}
		moved, renamed := hv(1), hv(2)
		moved.Password = secret.New("new")
		renamed.Name = "hv09"
		renamed.Password = secret.Secret{}
		check("changes", false, inventory.ImportResult{Changed: []string{"hv01", "hv09"}}, moved, renamed)
		b.hasPassword(m.ID, "new")
		b.hasPassword(b.machine("hv09").ID, "pw-2")
		if e := b.events(store.EventFilter{Machine: m.ID, Latest: true, Limit: 1})[0]; e.Reason != "line 2 of a manifest, with a new BMC password" || e.Kind != "import" || e.Actor != "token:admin" {
			t.Errorf("event is %+v", e)
		}
		if queued.Load() != 4 {
			t.Errorf("queued %d in all", queued.Load())
		}
	})
}

// TestImportBitByBit imports what a vendor knows, then the plan of the racks, then the vendor's list once more.
func TestImportBitByBit(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		vendor := func(n int) store.Planned {
			p := hv(n)
			p.Name, p.Role, p.Place, p.Model, p.Delivery = "", "", inventory.Place{Site: "lab"}, "r650", "PO-1"
			p.Identity.UUID, p.BMC.Address = "", ""
			return p
		}
		racks := func(n int) store.Planned {
			return store.Planned{Planned: inventory.Planned{
				Line: n, Name: hv(n).Name, Identity: inventory.Identity{Serial: hv(n).Identity.Serial}, Place: inventory.Place{Rack: "R1", U: n}, BMC: inventory.BMC{Address: hv(n).BMC.Address},
			}}
		}
		stray, _ := b.recognise(inventory.Identity{Serial: "SN-0002", NICMACs: []string{"52:54:00:00:00:aa"}})
		_, err := b.Import(b.ctx, []store.Planned{vendor(1), vendor(2)}, "a", false)
		must(t, err)
		m := b.machine("sn-sn0001")
		if lacks := m.Lacks(); m.State != inventory.Expected || m.BMC.Known() || m.Place.Site != "lab" || len(lacks) != 2 || lacks[0] != "place" || lacks[1] != "BMC address" {
			t.Errorf("it lacks %q: %+v", lacks, m)
		}
		if adopted := b.machine("sn-sn0002"); adopted.ID != stray.ID || !adopted.InPlan || adopted.Model != "r650" {
			t.Errorf("the stray is %+v", adopted)
		}
		b.hasPassword(m.ID, "pw-1")
		got, err := b.Import(b.ctx, []store.Planned{racks(1)}, "a", false)
		must(t, err)
		want := []inventory.ImportChange{{Line: 1, Name: "hv01", Fields: []inventory.FieldChange{
			{Field: "name", Before: "sn-sn0001", After: "hv01"}, {Field: "rack", After: "R1"}, {Field: "u", After: "1"}, {Field: "bmc_address", After: "198.18.1.11"},
		}}}
		if diff := cmp.Diff(want, got.Changes); diff != "" {
			t.Errorf("changes (-want +got):\n%s", diff)
		}
		m = b.machine("hv01")
		if p := (inventory.Place{Site: "lab", Rack: "R1", U: 1}); !m.BMC.Known() || m.BMC.User != "admin" || m.Place != p || m.Model != "r650" || m.Delivery != "PO-1" {
			t.Errorf("with its place it is %+v", m)
		}
		b.hasPassword(m.ID, "pw-1")
		// Socle has made a login of its own since; the vendor's list knows the one of the factory.
		_, err = b.ChangeLogin(b.ctx, m.ID, "a", func(m *inventory.Machine, p *secret.Pair) (inventory.Note, error) {
			m.BMC.User, m.BMC.Origin, p.Current = "socle", inventory.FromSocle, secret.New("ours")
			return inventory.Note{Kind: "bmc"}, nil
		})
		must(t, err)
		got, err = b.Import(b.ctx, []store.Planned{vendor(1), racks(1)}[:1], "a", false)
		must(t, err)
		if len(got.Same) != 1 || got.Same[0] != "hv01" || b.machine("hv01").BMC.User != "socle" {
			t.Errorf("the vendor's list once more: %+v", got)
		}
		b.hasPassword(m.ID, "ours")
		changed := vendor(2)
		changed.Password = secret.New("another one")
		got, err = b.Import(b.ctx, []store.Planned{changed}, "a", true)
		must(t, err)
		if diff := cmp.Diff([]inventory.FieldChange{{Field: "bmc_password", Before: "set", After: "another"}}, got.Changes[0].Fields); diff != "" {
			t.Error(diff)
		}
	})
}

// TestImportTooLittle: what cannot be found, or cannot be used, is refused with what to add.
func TestImportTooLittle(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		nameless, reachable := hv(1), hv(2)
		nameless.Identity.Serial = ""
		reachable.Name, reachable.BMC, reachable.Password = "", inventory.BMC{Address: "198.18.1.12"}, secret.Secret{}
		_, err := b.Import(b.ctx, []store.Planned{nameless, reachable}, "a", false)
		var got store.Conflicts
		if !errors.As(err, &got) {
			t.Fatalf("error %v", err)
		}
		want := store.Conflicts{
			{Line: 2, Name: "hv01", Problem: "is not known yet, and has no serial number: the manifest that announces a server names its serial"},
			{Line: 3, Name: "SN-0002", Problem: "it gets a bmc_address, and its bmc_protocol, bmc_user, bmc_password is known from no manifest: add what is missing"},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

func (b *bench) hasPassword(id, want string) {
	b.t.Helper()
	_, got, err := b.Login(b.ctx, id)
	must(b.t, err)
	if got.Current.Reveal() != want {
		b.t.Errorf("the password is not %q", want)
	}
}

// TestImportConflicts imports a manifest in which nearly every line is wrong: all is told, nothing is stored.
func TestImportConflicts(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		b.plan(hv(1), hv(2), hv(3))
		active := b.machine("hv03")
		_, err := b.Change(b.ctx, active.ID, "a", func(m *inventory.Machine) (inventory.Note, error) {
			m.State = inventory.Active
			return inventory.Note{}, nil
		})
		must(t, err)
		before, err := b.Machines(b.ctx)
		must(t, err)
		alter := func(n, line int, fn func(*store.Planned)) store.Planned {
			p := hv(n)
			p.Line = line
			fn(&p)
			return p
		}
		_, err = b.Import(b.ctx, []store.Planned{
			alter(4, 10, func(p *store.Planned) { p.Name = "hv01" }),
			alter(5, 11, func(p *store.Planned) { p.Place.U = hv(2).Place.U }),
			alter(6, 12, func(p *store.Planned) { p.Identity.NICMACs = hv(2).Identity.NICMACs }),
			alter(7, 13, func(p *store.Planned) { p.BMC.Address = hv(8).BMC.Address }),
			alter(8, 14, func(*store.Planned) {}),
			alter(3, 15, func(p *store.Planned) { p.Name = "hv33" }),
			alter(2, 16, func(p *store.Planned) { p.Name = "hv01" }),
			alter(9, 17, func(*store.Planned) {}), // nothing wrong with this one
		}, "a", false)
		var got store.Conflicts
		if !errors.As(err, &got) {
			t.Fatalf("error %v", err)
		}
		want := store.Conflicts{
			{Line: 10, Name: "hv01", Problem: `the name is taken by the machine with serial "SN-0001", here it has serial "SN-0004": give this server another name`},
			{Line: 15, Name: "hv33", Problem: "the machine with this serial is named hv03 and is active: it cannot be renamed now"},
			{Line: 16, Name: "hv01", Problem: `the name is known as the machine with serial "SN-0001", but serial "SN-0002" is known as machine hv02: correct the manifest`},
			{Line: 11, Name: "hv05", Problem: "U 12 of rack lab/R1 is that of machine hv02 too"},
			{Line: 12, Name: "hv06", Problem: "MAC 52:54:00:00:00:02 is that of machine hv02 too"},
			{Line: 14, Name: "hv08", Problem: "BMC address 198.18.1.18 is that of hv07 in line 13 too"},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("conflicts (-want +got):\n%s", diff)
		}
		after, err := b.Machines(b.ctx)
		must(t, err)
		if diff := cmp.Diff(before, after, sameAddr); diff != "" {
			t.Errorf("a refused import changed:\n%s", diff)
		}
	})
}

// TestImportSwapsPlaces: two servers that change places in one manifest are no conflict.
func TestImportSwapsPlaces(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		b.plan(hv(1), hv(2))
		p, q := hv(1), hv(2)
		p.Place, q.Place = q.Place, p.Place
		p.Name, q.Name = q.Name, p.Name
		_, err := b.Import(b.ctx, []store.Planned{p, q}, "a", false)
		var conflicts store.Conflicts
		if !errors.As(err, &conflicts) {
			t.Fatalf("swapping names of known serials: %v", err)
		}
		p.Name, q.Name = q.Name, p.Name
		b.plan(p, q)
		if got := b.machine("hv01").Place.U; got != 12 {
			t.Errorf("hv01 is in U %d", got)
		}
	})
}

func TestImportAdoptsStray(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		s, _ := b.recognise(inventory.Identity{Serial: "sn-0001", NICMACs: []string{"52:54:00:00:00:55"}})
		byMAC, _ := b.recognise(inventory.Identity{NICMACs: hv(2).Identity.NICMACs})
		held, _ := b.recognise(inventory.Identity{Serial: "SN-0003"})
		_, err := b.Change(b.ctx, held.ID, "token:admin", func(m *inventory.Machine) (inventory.Note, error) {
			m.Hold = &inventory.Hold{Reason: "smells of smoke", Actor: "token:admin", Since: b.clock()}
			return inventory.Note{Kind: "hold"}, nil
		})
		must(t, err)
		b.pass(time.Minute)
		m := b.plan(hv(1), hv(2), hv(3))
		if m.ID != s.ID || !m.InPlan || m.Hold != nil || m.State != inventory.Discovered || m.Boot != inventory.BootRamdisk || len(m.Identity.NICMACs) != 2 {
			t.Errorf("adopted machine is %+v", m)
		}
		if got := b.machine("hv02"); got.ID != byMAC.ID || got.Serial() != "SN-0002" {
			t.Errorf("adopted by MAC: %+v", got)
		}
		if got := b.machine("hv03"); got.ID != held.ID || got.Hold == nil || got.Hold.Reason != "smells of smoke" {
			t.Errorf("a person's hold is gone: %+v", got)
		}
	})
}

func TestImportRetired(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		m := b.plan(hv(1))
		_, err := b.Change(b.ctx, m.ID, "a", func(m *inventory.Machine) (inventory.Note, error) {
			return inventory.Note{Kind: "state"}, m.Move(inventory.Retired, b.clock())
		})
		must(t, err)
		if _, err := b.Import(b.ctx, []store.Planned{hv(1)}, "a", false); err == nil {
			t.Error("a retired machine was imported")
		}
		successor := hv(2)
		successor.Place = hv(1).Place // its U is free again
		b.plan(successor)
	})
}

func TestBMCPassword(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		m := b.plan(hv(1), hv(2))
		if n := b.count("SELECT count(*) FROM bmc_passwords"); n != 2 {
			t.Fatalf("%d passwords", n)
		}
		must(t, b.SetBMCPassword(b.ctx, m.ID, secret.New("sesame")))
		b.hasPassword(m.ID, "sesame")
		must(t, b.keys.Rotate())
		b.hasPassword(m.ID, "sesame")
		var sealed []byte
		must(t, b.SQL().QueryRowContext(b.ctx, "SELECT sealed FROM bmc_passwords WHERE machine_id = '"+m.ID+"'").Scan(&sealed))
		if len(sealed) == 0 || string(sealed) == "sesame" {
			t.Error("the password is stored as it is")
		}
		// A sealed password that somebody moves to another machine's row does not open there.
		other := b.machine("hv02")
		_, err := b.SQL().ExecContext(b.ctx, "UPDATE bmc_passwords SET sealed = (SELECT sealed FROM bmc_passwords WHERE machine_id = '"+m.ID+"')")
		must(t, err)
		if _, _, err := b.Login(b.ctx, other.ID); !errors.Is(err, secret.ErrSealed) {
			t.Errorf("moved password: %v", err)
		}
		for _, id := range []string{"", "nobody"} {
			if _, _, err := b.Login(b.ctx, id); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("password of %q: %v", id, err)
			}
			if err := b.SetBMCPassword(b.ctx, id, secret.New("x")); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("setting the password of %q: %v", id, err)
			}
		}
	})
}

// TestImportMany imports a hall of servers, and then another one beside it.
func TestImportMany(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		hall := func(h int) (planned []store.Planned) {
			for n := range 1500 {
				p := hv(0)
				p.Name, p.Line = fmt.Sprintf("h%d-%d", h, n), n+2
				p.Identity = inventory.Identity{Serial: fmt.Sprintf("S%d-%d", h, n), UUID: hv(0).Identity.UUID, NICMACs: []string{fmt.Sprintf("52:54:0%d:00:%02x:%02x", h, n>>8, n&255)}}
				p.Place = inventory.Place{Room: fmt.Sprint(h), Rack: fmt.Sprint(n / 40), U: n%40 + 1}
				p.BMC.Address = fmt.Sprintf("bmc-%d-%d", h, n)
				planned = append(planned, p)
			}
			return planned
		}
		started := time.Now()
		for h := range 2 {
			got, err := b.Import(b.ctx, hall(h), "a", false)
			must(t, err)
			if len(got.Added) != 1500 {
				t.Errorf("added %d", len(got.Added))
			}
		}
		got, err := b.Import(b.ctx, hall(0), "a", false)
		must(t, err)
		if len(got.Same) != 1500 {
			t.Errorf("same %d", len(got.Same))
		}
		if took := time.Since(started); took > time.Minute {
			t.Errorf("it took %v", took)
		}
	})
}
