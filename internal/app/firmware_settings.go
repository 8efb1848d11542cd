package app

import (
	"context"

	"socle/bmc"
	"socle/inventory"
)

// Bios implements provision.Firmware.
func (b *bmcs) Bios(ctx context.Context, m inventory.Machine, job string) (inventory.Bios, error) {
	return step(ctx, b, m, func(ctx context.Context, t bmc.Target) (inventory.Bios, error) { return b.driver.Bios(ctx, t, job) })
}

// BiosValues implements provision.Firmware.
func (b *bmcs) BiosValues(ctx context.Context, m inventory.Machine, job string) (inventory.Bios, error) {
	return step(ctx, b, m, func(ctx context.Context, t bmc.Target) (inventory.Bios, error) {
		return b.driver.BiosValues(ctx, t, job)
	})
}

// SetBios implements provision.Firmware.
func (b *bmcs) SetBios(ctx context.Context, m inventory.Machine, want inventory.Values, replaces string) (string, error) {
	return step(ctx, b, m, func(ctx context.Context, t bmc.Target) (string, error) {
		return b.driver.SetBios(ctx, t, want, replaces)
	})
}

// SecureBoot implements provision.Firmware.
func (b *bmcs) SecureBoot(ctx context.Context, m inventory.Machine, keys bool) (inventory.SecureBoot, error) {
	return step(ctx, b, m, func(ctx context.Context, t bmc.Target) (inventory.SecureBoot, error) {
		return b.driver.SecureBoot(ctx, t, keys)
	})
}

// SetSecureBoot implements provision.Firmware.
func (b *bmcs) SetSecureBoot(ctx context.Context, m inventory.Machine, on bool) error {
	_, err := step(ctx, b, m, done(func(ctx context.Context, t bmc.Target) error { return b.driver.SetSecureBoot(ctx, t, on) }))
	return err
}

// ResetKeys implements provision.Firmware.
func (b *bmcs) ResetKeys(ctx context.Context, m inventory.Machine, k inventory.KeyReset) error {
	_, err := step(ctx, b, m, done(func(ctx context.Context, t bmc.Target) error { return b.driver.ResetKeys(ctx, t, k) }))
	return err
}

// Storage implements provision.Disks.
func (b *bmcs) Storage(ctx context.Context, m inventory.Machine) ([]inventory.Storage, error) {
	return step(ctx, b, m, b.driver.Storage)
}

// Store implements provision.Disks.
func (b *bmcs) Store(ctx context.Context, m inventory.Machine, task inventory.StorageTask) (string, error) {
	return step(ctx, b, m, func(ctx context.Context, t bmc.Target) (string, error) { return b.driver.Store(ctx, t, task) })
}

// StoreOutcome implements provision.Disks.
func (b *bmcs) StoreOutcome(ctx context.Context, m inventory.Machine, job string) (over bool, failed string, all []inventory.Storage, err error) {
	s, err := step(ctx, b, m, func(ctx context.Context, t bmc.Target) (bmc.Stored, error) { return b.driver.StoreOutcome(ctx, t, job) })
	return s.Over, s.Failed, s.Storage, err
}
