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
		return keep(ctx, d.plain, t, func(k keeper) ([]Account, error) { return k.accounts(ctx) })
	})
}

// AccountPolicy tells what the controller asks of passwords.
func (d *Driver) AccountPolicy(ctx context.Context, t Target) (AccountPolicy, error) {
	return call(ctx, d, t, op{doing: "reading the account policy of", limit: d.opts.ReadTimeout}, func(ctx context.Context) (AccountPolicy, error) {
		return keep(ctx, d.plain, t, func(k keeper) (AccountPolicy, error) { return k.policy(ctx) })
	})
}

// PutAccount makes an administrator of this name and password, or gives one that is there this password and these
// rights, and reads back that it is there. Whether its password works, only a login with it can tell. The account
// that t logs in with is refused: a password that is changed under its own feet may be lost.
func (d *Driver) PutAccount(ctx context.Context, t Target, name string, password secret.Secret) error {
	return d.changeAccount(ctx, t, "making an account of", name, password, func(ctx context.Context, k keeper) error {
		if err := k.putAccount(ctx, name, password); err != nil {
			return err
		}
		list, err := k.accounts(ctx)
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

// RemoveAccount takes an account away and reads back that it is gone, or cannot log in. One that is not there is no
// error; that of t is refused.
func (d *Driver) RemoveAccount(ctx context.Context, t Target, name string) error {
	return d.changeAccount(ctx, t, "removing an account of", name, secret.Secret{}, func(ctx context.Context, k keeper) error {
		gone := func() (bool, error) {
			list, err := k.accounts(ctx)
			return !slices.ContainsFunc(list, func(a Account) bool { return a.Name == name && a.Enabled }), err
		}
		if ok, err := gone(); ok || err != nil {
			return err
		}
		if err := k.removeAccount(ctx, name); err != nil {
			return err
		}
		if ok, err := gone(); !ok && err == nil {
			return fmt.Errorf("%w: the account %q can still log in", ErrReadBack, name)
		} else {
			return err
		}
	})
}

func (d *Driver) changeAccount(ctx context.Context, t Target, doing, name string, hide secret.Secret, f func(context.Context, keeper) error) error {
	_, err := call(ctx, d, t, op{doing: doing, limit: d.opts.WriteTimeout, hide: hide}, func(ctx context.Context) (struct{}, error) {
		if name == t.User {
			return struct{}{}, fmt.Errorf("%w: %q is the account that is used to do it; use another one", ErrUnsupported, name)
		}
		d.opts.Log.Info("changing accounts", "machine", t.Machine, "bmc", t.Address, "account", name, "doing", doing)
		return keep(ctx, d.plain, t, func(k keeper) (struct{}, error) { return struct{}{}, f(ctx, k) })
	})
	return err
}

// keep opens a session for the length of f.
func keep[T any](ctx context.Context, d *direct, t Target, f func(keeper) (T, error)) (T, error) {
	return read(ctx, d, t, func(r reader) (T, error) {
		k, ok := r.(keeper)
		if !ok {
			var none T
			return none, fmt.Errorf("%w: accounts are not kept over %s", ErrUnsupported, t.Protocol)
		}
		return f(k)
	})
}
