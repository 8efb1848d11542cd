package bmc

import (
	"context"
	"fmt"
)

// Device is what a server can be made to boot from, by its name in bmclib. What a controller names and Socle does not
// know is called as the controller calls it.
type Device string

// The devices that can be chosen. BootNone is the firmware's own order; BootSetup its setup program; BootHTTP the network
// by UEFI HTTP boot, which IPMI does not know.
const (
	BootNone  Device = "none"
	BootPXE   Device = "pxe"
	BootHTTP  Device = "uefi_http"
	BootDisk  Device = "disk"
	BootCD    Device = "cdrom"
	BootSetup Device = "bios"
)

// Override is what goes before the usual order of boot devices.
type Override struct {
	Device Device
	Always bool // for every boot, not only for the next one
	UEFI   bool // the firmware boots by UEFI; controllers need not keep this
	Keep   bool // of one to be set: how the firmware boots is not known, and taken to be as the controller shows it
}

func (o Override) String() string {
	switch {
	case o.Device == BootNone:
		return "the firmware's own order"
	case o.Always:
		return fmt.Sprintf("every boot from %q", string(o.Device))
	}
	return fmt.Sprintf("the next boot from %q", string(o.Device))
}

// Override reads what the server boots from before its usual order.
func (d *Driver) Override(ctx context.Context, t Target) (Override, error) {
	return call(ctx, d, t, op{doing: "reading the boot device of", limit: d.opts.ReadTimeout}, func(ctx context.Context) (Override, error) {
		return read(ctx, d.plain, t, func(r reader) (Override, error) { return r.boot(ctx) })
	})
}

// SetOverride chooses what the server boots from, once or always, and reads back that the controller has kept it.
// BootNone takes a choice back. Controllers that do not keep how the firmware boots are not blamed for it. Change the power
// soon after: IPMI lets a controller forget the choice after 60 seconds (section 28.12).
func (d *Driver) SetOverride(ctx context.Context, t Target, o Override) (Override, error) {
	return call(ctx, d, t, op{doing: "setting the boot device of", limit: d.opts.WriteTimeout}, func(ctx context.Context) (Override, error) {
		return d.plain.setBoot(ctx, t, o)
	})
}

// setBoot looks, writes and reads back. An override that stands already is written again: it may be about to expire.
func (d *direct) setBoot(ctx context.Context, t Target, want Override) (Override, error) {
	// Looking first costs little, and tells a refused login before anything is written.
	before, err := read(ctx, d, t, func(r reader) (Override, error) { return r.boot(ctx) })
	if err != nil || want.Device == BootNone && before.Device == BootNone {
		return before, err
	}
	if want.Keep || want.Device == BootNone {
		want.UEFI = before.UEFI
	}
	d.opts.Log.Info("setting boot device", "machine", t.Machine, "bmc", t.Address, "device", string(want.Device), "always", want.Always, "before", string(before.Device))
	if err := d.protocols[t.Protocol].setBoot(ctx, t, want); err != nil {
		return before, err
	}
	got, err := until(ctx, d, t, d.opts.BootSettle, reader.boot, func(got Override) error {
		switch {
		case got.Device != want.Device && want.Always:
			return fmt.Errorf("it shows %s and not %s", got, want)
		case got.Device != want.Device:
			return fmt.Errorf("the next boot is from %q and not from %q", string(got.Device), string(want.Device))
		case got.Device != BootNone && got.Always != want.Always:
			return fmt.Errorf("it shows %s and not %s", got, want)
		}
		return nil
	})
	if err == nil && got.UEFI != want.UEFI {
		d.opts.Log.Debug("BMC did not keep the firmware mode of the boot device", "machine", t.Machine, "bmc", t.Address, "uefi", want.UEFI)
	}
	return got, err
}
