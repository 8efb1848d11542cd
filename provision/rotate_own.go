package provision

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"socle/api"
	"socle/internal/secret"
	"socle/inventory"
)

// Accounts of the factory that must change their password before anything else. There is no second account to fall back
// on while that happens, so what is known is written down before: the new password, and then that the BMC is about to be
// told. Whoever goes on after a crash tries the new password first, and then knows which of the two works.

// strictest is what is taken of a BMC that does not say yet what it wants of passwords.
const strictest = 16

// lengths is what a BMC wants of passwords, in bytes; own tells that it wants the password in force changed first.
func (e *Engine) lengths(ctx context.Context, m inventory.Machine) (least, most int, own bool, err error) {
	least, most, err = e.Accounts.PasswordLength(ctx, m)
	var f *Failure
	if errors.As(err, &f) && f.Kind == inventory.FaultBMCPassword {
		return strictest, strictest, true, nil
	}
	return least, most, false, err
}

// ours tells whether Socle made an account.
func ours(user string) bool { return user == accountA || user == accountB }

// changeOwn gives the account in force its new password.
func (e *Engine) changeOwn(ctx context.Context, m *inventory.Machine, r inventory.Rotation) error {
	_, pair, err := e.Store.Login(ctx, m.ID)
	if err != nil {
		return err
	}
	if pair.Other.Empty() {
		return errStale
	}
	works := false
	if r.Sent.IsZero() {
		err = e.changeLogin(ctx, m, r, func(m *inventory.Machine, _ *secret.Pair) inventory.Note {
			m.BMC.Rotation.Sent = e.Now()
			return inventory.Note{Kind: "bmc", Reason: "the BMC is about to be told the new password of account " + r.User}
		})
	} else {
		works, err = e.ownWorks(ctx, m, r, pair.Other)
	}
	if err != nil {
		return err
	}
	if !works {
		if err := e.Accounts.OwnPassword(ctx, *m, pair.Other); err != nil {
			return err
		}
		if works, err = e.ownWorks(ctx, m, r, pair.Other); err != nil {
			return err
		}
		if !works {
			return &Failure{Kind: inventory.FaultBMC, Reason: "the BMC took a new password for account " + r.User + " and refuses it",
				Remedy: "see the BMC's own log, and try both passwords by hand"}
		}
	}
	return e.changeLogin(ctx, m, r, func(m *inventory.Machine, p *secret.Pair) inventory.Note {
		now := e.Now()
		m.BMC.Rotation.Switched, m.BMC.Origin, m.BMC.Seen = now, inventory.FromSocle, now
		m.BMC.Rotation.Problem, m.BMC.Rotation.Began = "", now
		p.Current, p.Other = p.Other, secret.Secret{}
		return inventory.Note{Kind: "bmc", Reason: "account " + r.User + " of the BMC has a new password, which is used from now on"}
	})
}

// ownWorks tries the new password; that it is refused is no error.
func (e *Engine) ownWorks(ctx context.Context, m *inventory.Machine, r inventory.Rotation, password secret.Secret) (bool, error) {
	info, err := e.Accounts.TryLogin(ctx, *m, r.User, password)
	var f *Failure
	if errors.As(err, &f) && f.Kind == inventory.FaultBMCAuth {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("seeing which password of account %s works: %w", r.User, err)
	}
	return true, sameServer(m, info)
}

// fromOwn goes on to an account of our own, now that the BMC lets us.
func (e *Engine) fromOwn(ctx context.Context, m *inventory.Machine, r inventory.Rotation) error {
	least, most, err := e.Accounts.PasswordLength(ctx, *m)
	if err != nil {
		return err
	}
	password, err := newPassword(least, most)
	if err != nil {
		return &Failure{Kind: inventory.FaultBMC, Reason: err.Error(), Remedy: "account " + r.User + " stays in force, with its new password"}
	}
	return e.changeLogin(ctx, m, r, func(m *inventory.Machine, p *secret.Pair) inventory.Note {
		user := nextAccount(m)
		p.Other = password
		m.BMC.Rotation = &inventory.Rotation{User: user, Began: e.Now(), RemoveOld: r.RemoveOld}
		return inventory.Note{Kind: "bmc", Reason: fmt.Sprintf("the BMC's login is to change from account %s to %s", m.BMC.User, user)}
	})
}

// abortOwn gives up a change of the password in force, as long as the BMC has not heard of it.
func (e *Engine) abortOwn(ctx context.Context, actor string, m *inventory.Machine) (api.RotateReply, error) {
	changed, err := e.Store.ChangeLogin(ctx, m.ID, actor, func(m *inventory.Machine, p *secret.Pair) (inventory.Note, error) {
		r := m.BMC.Rotation
		if r == nil || !r.Own || !r.Sent.IsZero() && r.Switched.IsZero() {
			return inventory.Note{}, problem(http.StatusConflict, api.ErrConflict,
				"the BMC of %s may have the new password by now, and nobody else knows it: let the change go on with socle bmc rotate", m.Name)
		}
		m.BMC.Rotation, p.Other = nil, secret.Secret{}
		return inventory.Note{Kind: "bmc", Reason: "the change of the BMC's login was given up; account " + m.BMC.User + " stays"}, nil
	})
	if err != nil {
		return api.RotateReply{}, err
	}
	return api.RotateReply{Machine: m.Name, User: changed.BMC.User}, nil
}
