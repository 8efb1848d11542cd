package store_test

import (
	"errors"
	"testing"

	"socle/internal/secret"
	"socle/inventory"
	"socle/inventory/store"
)

// login checks by which account and password a BMC is reached now.
func (b *bench) hasLogin(id, user, password string) {
	b.t.Helper()
	bmc, p, err := b.Login(b.ctx, id)
	if err != nil || bmc.User != user || p.Current.Reveal() != password {
		b.t.Errorf("login %q with %q, %v; want %q with %q", bmc.User, p.Current.Reveal(), err, user, password)
	}
}

// TestChangeLogin goes through a rotation: at every moment the account and the password in force belong together,
// and both passwords are kept until it is over.
func TestChangeLogin(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		row := hv(1)
		m := b.plan(row)
		if m.BMC.Origin != inventory.FromManifest {
			t.Errorf("the manifest's login is of %q", m.BMC.Origin)
		}
		user, password := row.BMC.User, row.Password.Reveal()
		calls := 0
		_, err := b.ChangeLogin(b.ctx, m.ID, "a", func(m *inventory.Machine, p *secret.Pair) (inventory.Note, error) {
			if calls++; calls == 1 { // somebody else is faster
				_, err := b.Change(b.ctx, m.ID, "b", func(m *inventory.Machine) (inventory.Note, error) {
					m.Role = "storage"
					return inventory.Note{Kind: "role"}, nil
				})
				must(t, err)
			}
			if p.Current.Reveal() != password || !p.Other.Empty() {
				t.Errorf("passwords %q and %q", p.Current.Reveal(), p.Other.Reveal())
			}
			p.Other = secret.New("fresh")
			m.BMC.Rotation = &inventory.Rotation{User: "socle-a", Began: b.clock()}
			return inventory.Note{Kind: "bmc", Reason: "rotation"}, nil
		})
		must(t, err)
		if calls != 2 || b.machine("hv01").Role != "storage" {
			t.Errorf("called %d times, role %q", calls, b.machine("hv01").Role)
		}
		b.hasLogin(m.ID, user, password)
		again := row
		again.Password = secret.New("of another manifest")
		b.plan(again) // while one is under way, nobody else changes it
		b.hasLogin(m.ID, user, password)

		swap := func(m *inventory.Machine, p *secret.Pair) (inventory.Note, error) {
			p.Current, p.Other = p.Other, p.Current
			m.BMC.User, m.BMC.Origin = m.BMC.Rotation.User, inventory.FromSocle
			return inventory.Note{Kind: "bmc", Reason: "switched"}, nil
		}
		_, err = b.ChangeLogin(b.ctx, m.ID, "a", swap)
		must(t, err)
		b.hasLogin(m.ID, "socle-a", "fresh")
		_, err = b.ChangeLogin(b.ctx, m.ID, "a", func(m *inventory.Machine, p *secret.Pair) (inventory.Note, error) {
			if p.Other.Reveal() != password {
				t.Errorf("the old password is %q", p.Other.Reveal())
			}
			m.BMC.Rotation, p.Other = nil, secret.Secret{}
			return inventory.Note{Kind: "bmc", Reason: "done"}, nil
		})
		must(t, err)
		if n := b.count("SELECT count(*) FROM bmc_passwords WHERE other IS NOT NULL AND length(other) > 0"); n != 0 {
			t.Errorf("%d old passwords are kept", n)
		}
		// What Socle made is not undone by the manifest that came with the server, unless that names another BMC.
		b.plan(again)
		b.hasLogin(m.ID, "socle-a", "fresh")
		if got := b.machine("hv01").BMC; got.Origin != inventory.FromSocle || got.User != "socle-a" {
			t.Errorf("after an import: %+v", got)
		}
		again.BMC.Address = "198.18.1.99"
		b.plan(again)
		b.hasLogin(m.ID, user, "of another manifest")
		// Nothing is stored of a change that is refused, and no empty password ever.
		for _, fn := range []func(*inventory.Machine, *secret.Pair) (inventory.Note, error){
			func(_ *inventory.Machine, p *secret.Pair) (inventory.Note, error) {
				p.Current = secret.New("x")
				return inventory.Note{}, errors.New("no")
			},
			func(_ *inventory.Machine, p *secret.Pair) (inventory.Note, error) {
				p.Current = secret.Secret{}
				return inventory.Note{Kind: "bmc", Reason: "nothing"}, nil
			},
		} {
			if _, err := b.ChangeLogin(b.ctx, m.ID, "a", fn); err == nil {
				t.Error("it was accepted")
			}
			b.hasLogin(m.ID, user, "of another manifest")
		}
		b.unknownLogin(t)
		if _, _, err := b.Login(b.ctx, "nobody"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("login of nobody: %v", err)
		}
	})
}

// unknownLogin goes through the adoption of a BMC whose password nobody knows: one that is to come is kept beside none in
// force, and when it is given up there is none at all.
func (b *bench) unknownLogin(t *testing.T) {
	t.Helper()
	m, _, err := b.Recognise(b.ctx, inventory.Identity{Serial: "SN-STRAY"}, "test")
	must(t, err)
	put := func(current, other string) {
		t.Helper()
		_, err := b.ChangeLogin(b.ctx, m.ID, "a", func(_ *inventory.Machine, p *secret.Pair) (inventory.Note, error) {
			p.Current, p.Other = secret.New(current), secret.New(other)
			return inventory.Note{Kind: "bmc", Reason: "adopted"}, nil
		})
		must(t, err)
	}
	put("", "to come")
	_, p, err := b.Login(b.ctx, m.ID)
	if err != nil || !p.Current.Empty() || p.Other.Reveal() != "to come" {
		t.Errorf("passwords %q and %q, %v", p.Current.Reveal(), p.Other.Reveal(), err)
	}
	put("", "")
	if _, _, err := b.Login(b.ctx, m.ID); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("after it was given up: %v", err)
	}
	put("", "to come")
	put("to come", "")
	b.hasLogin(m.ID, "", "to come")
}
