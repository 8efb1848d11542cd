package bmc

import (
	"context"
	"errors"

	gofishredfish "github.com/stmcginnis/gofish/redfish"
)

// patchBoot sets the boot override in the way that a controller is known to take.
func (p *redfish) patchBoot(ctx context.Context, t Target, h quirk, d device, uefi bool) error {
	r, err := p.open(ctx, t)
	if err != nil {
		return err
	}
	defer r.close(ctx)
	session := r.(*redfishReader)
	at, err := session.systemPath()
	if err != nil {
		return redfishError(ctx, err)
	}
	if h.BootAt != "" {
		at += "/" + h.BootAt
	}
	var had any
	etag, err := session.getTagged(at, &had)
	if err != nil {
		return redfishError(ctx, err)
	}
	err = session.patch(ctx, at, etag, bootBody(h.BootBody, d, uefi))
	if h.BootBody == "" && errors.Is(err, errRefused) {
		err = session.patch(ctx, at, "", bootBody(bodyTarget, d, uefi))
	}
	return err
}

// bootBody is the request for an override, once (DMTF schema ComputerSystem, Boot).
func bootBody(kind string, d device, uefi bool) any {
	boot := map[string]any{
		"BootSourceOverrideEnabled": gofishredfish.OnceBootSourceOverrideEnabled,
		"BootSourceOverrideTarget":  map[device]any{devicePXE: gofishredfish.PxeBootSourceOverrideTarget, deviceDisk: gofishredfish.HddBootSourceOverrideTarget}[d],
	}
	if kind != bodyTarget {
		mode := gofishredfish.LegacyBootSourceOverrideMode
		if uefi {
			mode = gofishredfish.UEFIBootSourceOverrideMode
		}
		boot["BootSourceOverrideMode"] = mode
	}
	return map[string]any{"Boot": boot}
}

// errRefused: it does not like what it was asked (HTTP 400).
var errRefused = errors.New("it answers HTTP 400")
