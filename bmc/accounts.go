package bmc

import (
	"context"
	"fmt"
	"slices"

	"socle/internal/secret"
)

// Account is a user of a controller, by which somebody can log in.
type Account struct {
	ID      string // the controller's own
	Name    string
	Admin   bool // has the rights of an administrator
	Enabled bool
}

// AccountPolicy is what a controller asks of passwords, and when it locks accounts; zero is "it does not say"
// (DMTF schema AccountService).
type AccountPolicy struct {
	MinLength int // bytes
	MaxLength int // bytes
	Lockout   int // refused logins after which an account is locked
	Accounts  int // how many there is room for
}

// keeper is a session that can see to the accounts.
type keeper interface {
	accounts(ctx context.Context) ([]Account, error)
	policy(ctx context.Context) (AccountPolicy, error)
	// putAccount makes an enabled administrator, or makes one of the account of that name, with this password.
	putAccount(ctx context.Context, name string, password secret.Secret) error
	// removeAccount takes an account away, or, where that cannot be done, its rights to log in.
	removeAccount(ctx context.Context, name string) error
}

// Accounts lists the accounts of a controller.
func (d *Driver) Accounts(ctx context.Context, t Target) ([]Account, error) {
	return call(ctx, d, t, op{doing: "listing the accounts of", limit: d.opts.ReadTimeout}, func(ctx context.Context) ([]Account, error) {
		return read(ctx, d.plain, t, func(r reader) ([]Account, error) { return r.accounts(ctx) })
	})
}

// AccountPolicy tells what the controller asks of passwords.
func (d *Driver) AccountPolicy(ctx context.Context, t Target) (AccountPolicy, error) {
	return call(ctx, d, t, op{doing: "reading the account policy of", limit: d.opts.ReadTimeout}, func(ctx context.Context) (AccountPolicy, error) {
		return read(ctx, d.plain, t, func(r reader) (AccountPolicy, error) { return r.policy(ctx) })
	})
}

// PutAccount makes an administrator of this name and password, or gives one that is there this password and these
// rights, and reads back that it is there. Whether its password works, only a login with it can tell. The account
// that t logs in with is refused: a password that is changed under its own feet may be lost.
func (d *Driver) PutAccount(ctx context.Context, t Target, name string, password secret.Secret) error {
	return d.changeAccount(ctx, t, op{doing: "making an account of", hide: password}, name, func(ctx context.Context, r reader) error {
		if err := r.putAccount(ctx, name, password); err != nil {
			return err
		}
		list, err := r.accounts(ctx)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(list, func(a Account) bool { return a.Name == name })
		switch {
		case i < 0:
			return fmt.Errorf("%w: there is no account %q afterwards", ErrReadBack, name)
		case !list[i].Enabled:
			return fmt.Errorf("%w: the account %q is not enabled", ErrReadBack, name)
		case !list[i].Admin:
			return fmt.Errorf("%w: the account %q is no administrator", ErrReadBack, name)
		}
		return nil
	})
}

// OwnPassword changes the password of the account that t logs in with, as controllers want of a new one. An error may
// leave it changed: only a login tells. It is for accounts that can do nothing else (ErrPassword); any other one is better
// kept until a second one is known to work, see PutAccount.
func (d *Driver) OwnPassword(ctx context.Context, t Target, password secret.Secret) error {
	return d.change(ctx, t, op{doing: "changing the password of", hide: password}, func(ctx context.Context, r reader) error {
		own, ok := r.(interface {
			ownPassword(ctx context.Context, user string, password secret.Secret) error
		})
		if !ok {
			return fmt.Errorf("%w: over %s no password has to be changed first", ErrUnsupported, t.Protocol)
		}
		d.opts.Log.Info("changing accounts", "machine", t.Machine, "bmc", t.Address, "account", t.User, "doing", "changing its password")
		return own.ownPassword(ctx, t.User, password)
	})
}

// RemoveAccount takes an account away and reads back that it is gone, or cannot log in. One that is not there is no
// error; that of t is refused.
func (d *Driver) RemoveAccount(ctx context.Context, t Target, name string) error {
	return d.changeAccount(ctx, t, op{doing: "removing an account of"}, name, func(ctx context.Context, r reader) error {
		gone := func() (bool, error) {
			list, err := r.accounts(ctx)
			return !slices.ContainsFunc(list, func(a Account) bool { return a.Name == name && a.Enabled }), err
		}
		if ok, err := gone(); ok || err != nil {
			return err
		}
		if err := r.removeAccount(ctx, name); err != nil {
			return err
		}
		if ok, err := gone(); !ok && err == nil {
			return fmt.Errorf("%w: the account %q can still log in", ErrReadBack, name)
		} else {
			return err
		}
	})
}

// changeAccount is change of an account that is not the one that is logged in with.
func (d *Driver) changeAccount(ctx context.Context, t Target, o op, name string, f func(context.Context, reader) error) error {
	if name == t.User {
		return explained(fmt.Errorf("%w: %q is the account that is used to do it; use another one", ErrUnsupported, name), t, o)
	}
	return d.change(ctx, t, o, func(ctx context.Context, r reader) error {
		d.opts.Log.Info("changing accounts", "machine", t.Machine, "bmc", t.Address, "account", name, "doing", o.doing)
		return f(ctx, r)
	})
}
