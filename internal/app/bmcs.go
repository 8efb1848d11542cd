package app

import (
	"cmp"
	"context"
	"errors"

	"socle/bmc"
	"socle/internal/secret"
	"socle/inventory"
	"socle/provision"
)

// bmcs lets the engine drive controllers: it adds the passwords, and makes faults of errors.
type bmcs struct {
	driver *bmc.Driver
	logins logins
}

// logins keeps how BMCs are reached, and by what they are known again.
type logins interface {
	Login(ctx context.Context, machineID string) (inventory.BMC, secret.Pair, error)
	Change(ctx context.Context, id, actor string, fn func(*inventory.Machine) (inventory.Note, error)) (inventory.Machine, error)
}

// target is how a machine's BMC is reached now. The caller's copy of the machine may be older than its login. When no
// password is known it is a failure, and the rest of the target is as the caller knows it.
func (b *bmcs) target(ctx context.Context, m inventory.Machine) (bmc.Target, error) {
	at, pair, err := b.logins.Login(ctx, m.ID)
	if errors.Is(err, inventory.ErrNotFound) || err == nil && pair.Current.Empty() {
		return bmc.Target{Machine: m.Name, Protocol: m.BMC.Protocol, Address: m.BMC.Address, Trust: b.trust(m.ID, m.BMC)}, &provision.Failure{Kind: inventory.FaultBMCAuth, Reason: "no password of its BMC is known",
			Remedy: "add bmc_user and bmc_password to the manifest and import it again, or: socle bmc adopt " + m.Name}
	}
	return bmc.Target{Machine: m.Name, Protocol: at.Protocol, Address: at.Address, User: at.User, Password: pair.Current, Trust: b.trust(m.ID, at), Outlets: at.Outlets}, err
}

// on calls a verb of the driver on a machine's BMC, by the login that is in force.
func on[T any](ctx context.Context, b *bmcs, m inventory.Machine, verb func(context.Context, bmc.Target) (T, error)) (T, error) {
	t, err := b.target(ctx, m)
	if err != nil {
		var none T
		return none, err
	}
	return verb(ctx, t)
}

// step is on for the engine: what the BMC says is a fault, and what the database says is not.
func step[T any](ctx context.Context, b *bmcs, m inventory.Machine, verb func(context.Context, bmc.Target) (T, error)) (T, error) {
	return on(ctx, b, m, func(ctx context.Context, t bmc.Target) (T, error) {
		v, err := verb(ctx, t)
		return v, failure(err)
	})
}

// done makes a verb of one that answers nothing.
func done(verb func(context.Context, bmc.Target) error) func(context.Context, bmc.Target) (struct{}, error) {
	return func(ctx context.Context, t bmc.Target) (struct{}, error) { return struct{}{}, verb(ctx, t) }
}

// Probe implements provision.BMC.
func (b *bmcs) Probe(ctx context.Context, m inventory.Machine) (provision.BMCInfo, error) {
	i, err := step(ctx, b, m, b.driver.Probe)
	return info(i), err
}

// Power implements provision.BMC.
func (b *bmcs) Power(ctx context.Context, m inventory.Machine) (inventory.Power, error) {
	return step(ctx, b, m, b.driver.Power)
}

// SetPower implements provision.BMC.
func (b *bmcs) SetPower(ctx context.Context, m inventory.Machine, action string) (inventory.Power, error) {
	return step(ctx, b, m, func(ctx context.Context, t bmc.Target) (inventory.Power, error) {
		return b.driver.SetPower(ctx, t, bmc.Action(action))
	})
}

// NextBoot implements provision.BMC. How the firmware boots is known from the facts; before there are any, it is taken to be
// as the BMC shows it.
func (b *bmcs) NextBoot(ctx context.Context, m inventory.Machine, next provision.NextBoot) error {
	o := bmc.Override{Device: bmc.BootPXE, Always: next.Always, Keep: m.Facts == nil, UEFI: m.Facts != nil && m.Facts.Firmware.Mode == "uefi"}
	switch {
	case next.Medium:
		o.Device = bmc.BootCD
	case next.Boot == inventory.BootDisk:
		o.Device = bmc.BootDisk
	}
	_, err := step(ctx, b, m, func(ctx context.Context, t bmc.Target) (bmc.Override, error) { return b.driver.SetOverride(ctx, t, o) })
	return err
}

// PasswordLength implements provision.Accounts. A BMC that does not say is taken to be of the strictest kind.
func (b *bmcs) PasswordLength(ctx context.Context, m inventory.Machine) (least, most int, err error) {
	p, err := step(ctx, b, m, b.driver.AccountPolicy)
	return p.MinLength, cmp.Or(p.MaxLength, 16), err
}

// PutAccount implements provision.Accounts.
func (b *bmcs) PutAccount(ctx context.Context, m inventory.Machine, user string, password secret.Secret) error {
	_, err := step(ctx, b, m, done(func(ctx context.Context, t bmc.Target) error { return b.driver.PutAccount(ctx, t, user, password) }))
	return err
}

// OwnPassword implements provision.Accounts.
func (b *bmcs) OwnPassword(ctx context.Context, m inventory.Machine, password secret.Secret) error {
	_, err := step(ctx, b, m, done(func(ctx context.Context, t bmc.Target) error { return b.driver.OwnPassword(ctx, t, password) }))
	return err
}

// RemoveAccount implements provision.Accounts.
func (b *bmcs) RemoveAccount(ctx context.Context, m inventory.Machine, user string) error {
	_, err := step(ctx, b, m, done(func(ctx context.Context, t bmc.Target) error { return b.driver.RemoveAccount(ctx, t, user) }))
	return err
}

// TryLogin implements provision.Accounts.
func (b *bmcs) TryLogin(ctx context.Context, m inventory.Machine, user string, password secret.Secret) (provision.BMCInfo, error) {
	t, err := b.target(ctx, m)
	var f *provision.Failure
	if err != nil && !errors.As(err, &f) { // that no password is known does not matter here
		return provision.BMCInfo{}, err
	}
	t.User, t.Password = user, password
	i, err := b.driver.Probe(ctx, t)
	return info(i), failure(err)
}

func info(i bmc.Info) provision.BMCInfo {
	return provision.BMCInfo{Vendor: i.Vendor, Model: i.Model, Serial: i.Serial, UUID: i.UUID, Firmware: i.Firmware, MAC: i.MAC}
}

// failure says of an error which fault it is and whether it may pass.
func failure(err error) error {
	if err == nil {
		return nil
	}
	f := &provision.Failure{Kind: inventory.FaultBMC, Retry: true, Reason: err.Error(), // it names the machine and the BMC
		Remedy: "see the BMC's own log; a reset of the BMC often helps"}
	switch {
	case errors.Is(err, bmc.ErrAuth):
		f.Kind, f.Retry = inventory.FaultBMCAuth, false
		f.Remedy = "correct bmc_user and bmc_password in the manifest, import it again, then release the machine; it is not tried again by itself, because BMCs lock accounts; if nobody knows the password: socle bmc adopt"
	case errors.Is(err, bmc.ErrPassword):
		f.Kind, f.Retry = inventory.FaultBMCPassword, false
		f.Remedy = "socle bmc rotate MACHINE gives it one that nobody knows, and goes on to an account of its own; then release the machine"
	case errors.Is(err, bmc.ErrCertificate):
		f.Kind, f.Retry = inventory.FaultBMCStranger, false
		f.Remedy = "find out why it changed; socle bmc trust MACHINE shows what it shows now, and accepts it with --fingerprint; then release the machine"
	case errors.Is(err, bmc.ErrUnreachable), errors.Is(err, bmc.ErrBusy):
		f.Kind = inventory.FaultBMCSilent
		f.Remedy = "check the BMC's address and protocol in the manifest, its cable, its switch port and its power"
	case errors.Is(err, inventory.ErrTarget):
		f.Kind, f.Retry = inventory.FaultRefused, false
		f.Remedy = "look at what is there now before ordering it anew"
	case errors.Is(err, bmc.ErrReadBack):
		f.Dropped = true
	case errors.Is(err, bmc.ErrUnsupported):
		f.Retry = false
		f.Remedy = "do it another way; asked again, it will not either"
	}
	return f
}
