package provision

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"socle/api"
	"socle/inventory"
)

// driveTTL is how long a medium in a virtual drive may be used: one boot, however slow its BMC streams.
const driveTTL = 4 * time.Hour

// ejectAgain is how long a machine at rest waits between two tries to empty its drive.
const ejectAgain = time.Minute

// way checks what is said of how a machine's ramdisk is booted, and returns what notes it.
func (e *Engine) way(r api.InspectRequest) (func(*inventory.Machine) error, error) {
	if _, _, err := mediumParams(api.MediumRequest{Address: r.Address, Gateway: r.Gateway, MAC: r.MAC}); err != nil {
		return nil, problem(http.StatusUnprocessableEntity, api.ErrInvalid, "%v", err)
	}
	switch {
	case !r.Media && r != (api.InspectRequest{}):
		return nil, problem(http.StatusUnprocessableEntity, api.ErrInvalid, "an address, gateway or MAC is for a boot by virtual media")
	case r.Media && (e.Drives == nil || e.Media == nil):
		return nil, problem(http.StatusConflict, api.ErrConflict, "this server makes no boot media")
	}
	return func(m *inventory.Machine) error {
		var in time.Time // a medium that lies in the drive is still to be ejected
		if m.Medium != nil {
			in = m.Medium.In
		}
		switch {
		case !r.Media && in.IsZero():
			m.Medium = nil
		case !r.Media:
			m.Medium = &inventory.Medium{In: in}
		case m.BMC.Protocol != inventory.Redfish:
			return problem(http.StatusConflict, api.ErrConflict, "%s has no BMC that speaks Redfish, and virtual media need one: name it in the manifest", m.Name)
		case m.Serial() == "":
			return problem(http.StatusConflict, api.ErrSerial, "%s has no serial number, and a medium is bound to one: name it in the manifest and import it again", m.Name)
		default:
			m.Medium = &inventory.Medium{Wanted: true, Address: r.Address, Gateway: r.Gateway, MAC: r.MAC, In: in}
		}
		return nil
	}, nil
}

// fillDrive makes a boot medium and puts it into the drive of a machine that is about to boot by one. A crash in between
// begins it again: the machine is off, what is in the drive goes, and the token on it is worth nothing any more.
func (e *Engine) fillDrive(ctx context.Context, m *inventory.Machine) error {
	if !m.ByMedium() || !m.Op.Boot.RAM() || !m.Op.In.IsZero() {
		return nil
	}
	words, _, err := mediumParams(api.MediumRequest{Address: m.Medium.Address, Gateway: m.Medium.Gateway, MAC: m.Medium.MAC})
	if err != nil {
		return err
	}
	if err := e.Drives.Eject(ctx, *m, e.Media.Ours); err != nil {
		return err
	}
	params, err := e.mediumToken(ctx, m, words, driveTTL)
	if err != nil {
		return err
	}
	url, err := e.Media.Make(ctx, *m, params)
	if err != nil {
		return err
	}
	if err := e.Drives.Insert(ctx, *m, url); err != nil {
		return err
	}
	return e.change(ctx, m, func(m *inventory.Machine) (inventory.Note, error) {
		if m.Op == nil {
			return inventory.Note{}, errStale
		}
		m.Op.In = e.Now()
		return inventory.Note{Kind: "medium", Reason: "a boot medium lies in the virtual drive of its BMC"}, nil
	})
}

// noMediumBoot is the failure of a boot by medium after which no agent spoke in time.
func (e *Engine) noMediumBoot(m *inventory.Machine, waited time.Duration) error {
	if waited < e.Limits.Boot {
		return nil
	}
	return &Failure{Kind: inventory.FaultNoBoot,
		Reason: fmt.Sprintf("powered on at %s with a boot medium in the drive of its BMC, and no agent has spoken since for %s", m.Op.On.Format(time.TimeOnly), e.Limits.Boot),
		Remedy: "see its console: whether the firmware boots the virtual CD, and whether the ramdisk reaches " + e.ServerURL + " from the address that it was given; then order the inspection again"}
}

// ejectMedium is the step that empties the drive once the agent speaks, which then has all in memory.
func (e *Engine) ejectMedium(ctx context.Context, m *inventory.Machine) (result, error) {
	if !m.OwesEject() {
		return done, nil
	}
	if err := e.takeOut(ctx, m); err != nil {
		return result{}, err
	}
	return done, nil
}

// ejectLater empties the drive of a machine at rest, whose boot by medium came to nothing. That it fails is no fault of
// the machine's, which has one already; it is tried until it works.
func (e *Engine) ejectLater(ctx context.Context, m *inventory.Machine) (again time.Duration, err error) {
	var f *Failure
	if err := e.takeOut(ctx, m); !errors.As(err, &f) {
		return 0, err
	}
	if m.Medium.Stuck == f.Error() {
		return ejectAgain, nil
	}
	return ejectAgain, e.change(ctx, m, func(m *inventory.Machine) (inventory.Note, error) {
		if m.Medium == nil {
			return inventory.Note{}, errStale
		}
		m.Medium.Stuck = f.Error()
		return inventory.Note{Kind: "medium", Reason: "the boot medium could not be ejected: " + f.Error()}, nil
	})
}

// takeOut ejects the medium, and ends that it can be fetched or used. What is written down at the end is what the BMC
// showed: an empty drive.
func (e *Engine) takeOut(ctx context.Context, m *inventory.Machine) error {
	if e.Drives == nil || e.Media == nil {
		return nil // a server that makes none; another one will
	}
	if err := e.Drives.Eject(ctx, *m, e.Media.Ours); err != nil {
		return err
	}
	if err := e.Media.Remove(*m); err != nil {
		return err
	}
	if err := e.Store.RevokeTokens(ctx, inventory.TokenMedium, m.ID); err != nil {
		return err
	}
	return e.change(ctx, m, func(m *inventory.Machine) (inventory.Note, error) {
		if m.Medium == nil {
			return inventory.Note{}, errStale
		}
		if m.Medium.In, m.Medium.Stuck = (time.Time{}), ""; !m.Medium.Wanted {
			m.Medium = nil
		}
		return inventory.Note{Kind: "medium", Reason: "the boot medium is ejected, and the BMC shows its drive empty"}, nil
	})
}
