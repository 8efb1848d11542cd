package app

import (
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
	logins interface {
		Login(ctx context.Context, machineID string) (inventory.BMC, secret.Pair, error)
	}
}

// target is how a machine's BMC is reached now. The caller's copy of the machine may be older than its login.
func (b *bmcs) target(ctx context.Context, m inventory.Machine) (bmc.Target, error) {
	at, pair, err := b.logins.Login(ctx, m.ID)
	if errors.Is(err, inventory.ErrNotFound) {
		return bmc.Target{}, &provision.Failure{Kind: inventory.FaultBMCAuth, Reason: "no password of its BMC is known",
			Remedy: "add bmc_user and bmc_password to the manifest and import it again"}
	}
	return bmc.Target{Machine: m.Name, Protocol: at.Protocol, Address: at.Address, User: at.User, Password: pair.Current}, err
}

// Probe implements provision.BMC.
func (b *bmcs) Probe(ctx context.Context, m inventory.Machine) (provision.BMCInfo, error) {
	t, err := b.target(ctx, m)
	if err != nil {
		return provision.BMCInfo{}, err
	}
	i, err := b.driver.Probe(ctx, t)
	return info(i), failure(err)
}

// Power implements provision.BMC.
func (b *bmcs) Power(ctx context.Context, m inventory.Machine) (inventory.Power, error) {
	t, err := b.target(ctx, m)
	if err != nil {
		return "", err
	}
	p, err := b.driver.Power(ctx, t)
	return p, failure(err)
}

// SetPower implements provision.BMC.
func (b *bmcs) SetPower(ctx context.Context, m inventory.Machine, action string) (inventory.Power, error) {
	t, err := b.target(ctx, m)
	if err != nil {
		return "", err
	}
	p, err := b.driver.SetPower(ctx, t, bmc.Action(action))
	return p, failure(err)
}

// NextBoot implements provision.BMC.
func (b *bmcs) NextBoot(ctx context.Context, m inventory.Machine, boot inventory.Boot) error {
	t, err := b.target(ctx, m)
	if err != nil {
		return err
	}
	uefi := m.Facts != nil && m.Facts.Firmware.Mode == "uefi"
	return failure(b.driver.SetNextBoot(ctx, t, boot, uefi))
}

// PasswordLength implements provision.Accounts. A BMC that does not say is taken to be of the strictest kind.
func (b *bmcs) PasswordLength(ctx context.Context, m inventory.Machine) (least, most int, err error) {
	t, err := b.target(ctx, m)
	if err != nil {
		return 0, 0, err
	}
	p, err := b.driver.AccountPolicy(ctx, t)
	if err != nil {
		return 0, 0, failure(err)
	}
	if p.MaxLength == 0 {
		p.MaxLength = 16
	}
	return p.MinLength, p.MaxLength, nil
}

// PutAccount implements provision.Accounts.
func (b *bmcs) PutAccount(ctx context.Context, m inventory.Machine, user string, password secret.Secret) error {
	t, err := b.target(ctx, m)
	if err != nil {
		return err
	}
	return failure(b.driver.PutAccount(ctx, t, user, password))
}

// RemoveAccount implements provision.Accounts.
func (b *bmcs) RemoveAccount(ctx context.Context, m inventory.Machine, user string) error {
	t, err := b.target(ctx, m)
	if err != nil {
		return err
	}
	return failure(b.driver.RemoveAccount(ctx, t, user))
}

// TryLogin implements provision.Accounts.
func (b *bmcs) TryLogin(ctx context.Context, m inventory.Machine, user string, password secret.Secret) (provision.BMCInfo, error) {
	t, err := b.target(ctx, m)
	if err != nil {
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
		f.Remedy = "correct bmc_user and bmc_password in the manifest, import it again, then release the machine; it is not tried again by itself, because BMCs lock accounts"
	case errors.Is(err, bmc.ErrUnreachable), errors.Is(err, bmc.ErrBusy):
		f.Kind = inventory.FaultBMCSilent
		f.Remedy = "check the BMC's address and protocol in the manifest, its cable, its switch port and its power"
	case errors.Is(err, bmc.ErrUnsupported):
		f.Retry = false
	}
	return f
}
