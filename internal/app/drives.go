package app

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	"socle/api"
	"socle/bmc"
	"socle/images/iso"
)

// Media implements web.Drives.
func (d *desk) Media(ctx context.Context, ref string) ([]api.MediaSlot, error) {
	all, err := ask(ctx, d, ref, d.bmcs.driver.Media)
	return slots(all), err
}

// InsertMedia implements web.Drives.
func (d *desk) InsertMedia(ctx context.Context, actor, ref, image string) ([]api.MediaSlot, error) {
	if err := bmc.CheckImageURL(image); err != nil {
		return nil, api.NewProblem(http.StatusUnprocessableEntity, api.ErrInvalid, err.Error())
	}
	m, t, err := d.reach(ctx, ref)
	if err != nil {
		return nil, err
	}
	if err := d.tell(ctx, m, actor, "media", "inserting a medium was ordered: "+withoutQuery(image)); err != nil {
		return nil, err
	}
	if _, err := d.bmcs.driver.InsertMedia(ctx, t, image); err != nil {
		return nil, problemOf(err)
	}
	all, err := d.bmcs.driver.Media(ctx, t)
	return slots(all), problemOf(err)
}

// withoutQuery is a URL for the history; what may give access to the image often stands in the query.
func withoutQuery(image string) string {
	u, err := url.Parse(image)
	if err != nil {
		return ""
	}
	u.RawQuery = ""
	return iso.Hide(u.String())
}

// EjectMedia implements web.Drives.
func (d *desk) EjectMedia(ctx context.Context, actor, ref string) ([]api.MediaSlot, error) {
	m, t, err := d.reach(ctx, ref)
	if err != nil {
		return nil, err
	}
	if err := d.tell(ctx, m, actor, "media", "ejecting the medium was ordered"); err != nil {
		return nil, err
	}
	all, err := d.bmcs.driver.EjectMedia(ctx, t, nil)
	if err != nil {
		return nil, problemOf(err)
	}
	return slots(all), d.tell(ctx, m, actor, "media", "the virtual drives for CDs are empty")
}

func slots(all []bmc.Slot) []api.MediaSlot {
	out := make([]api.MediaSlot, 0, len(all))
	for _, s := range all {
		out = append(out, api.MediaSlot{ID: s.ID, Types: s.Types, Inserted: s.Inserted, Image: iso.Hide(s.Image), ReadOnly: s.ReadOnly})
	}
	return out
}

// bootDevices are the words of the API for devices.
var bootDevices = map[string]bmc.Device{
	"none": bmc.BootNone, "network": bmc.BootPXE, "http": bmc.BootHTTP, "disk": bmc.BootDisk, "cd": bmc.BootCD, "setup": bmc.BootSetup,
}

func overrideOut(o bmc.Override) api.BootOverride {
	out := api.BootOverride{Device: string(o.Device), Persistent: o.Always, UEFI: o.UEFI}
	for word, d := range bootDevices {
		if d == o.Device {
			out.Device = word
		}
	}
	return out
}

// BootOverride implements web.Drives.
func (d *desk) BootOverride(ctx context.Context, ref string) (api.BootOverride, error) {
	o, err := ask(ctx, d, ref, d.bmcs.driver.Override)
	return overrideOut(o), err
}

// SetBootOverride implements web.Drives. How the firmware boots is known from the facts; before there are any, it is taken
// to be as the BMC shows it.
func (d *desk) SetBootOverride(ctx context.Context, actor, ref string, r api.BootRequest) (api.BootOverride, error) {
	device, ok := bootDevices[r.Device]
	if !ok {
		return api.BootOverride{}, api.NewProblem(http.StatusUnprocessableEntity, api.ErrInvalid, fmt.Sprintf("boot device %q: use none, network, http, disk, cd or setup", r.Device))
	}
	m, t, err := d.reach(ctx, ref)
	if err != nil {
		return api.BootOverride{}, err
	}
	want := bmc.Override{Device: device, Always: r.Persistent && device != bmc.BootNone, Keep: m.Facts == nil}
	want.UEFI = m.Facts != nil && m.Facts.Firmware.Mode == "uefi"
	if err := d.tell(ctx, m, actor, "boot-device", "setting the boot device was ordered: "+want.String()); err != nil {
		return api.BootOverride{}, err
	}
	got, err := d.bmcs.driver.SetOverride(ctx, t, want)
	if err != nil {
		return overrideOut(got), problemOf(err)
	}
	return overrideOut(got), nil
}
