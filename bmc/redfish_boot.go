package bmc

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"

	gofishredfish "github.com/stmcginnis/gofish/redfish"
)

// targets are the devices as Redfish calls them (DMTF schema ComputerSystem, BootSource).
var targets = map[Device]gofishredfish.BootSourceOverrideTarget{
	BootNone: gofishredfish.NoneBootSourceOverrideTarget, BootPXE: gofishredfish.PxeBootSourceOverrideTarget,
	BootHTTP: gofishredfish.UefiHTTPBootSourceOverrideTarget, BootDisk: gofishredfish.HddBootSourceOverrideTarget,
	BootCD: gofishredfish.CdBootSourceOverrideTarget, BootSetup: gofishredfish.BiosSetupBootSourceOverrideTarget,
}

func (r *redfishReader) boot(ctx context.Context) (Override, error) {
	s, err := r.system()
	if err != nil {
		return Override{}, redfishError(ctx, err)
	}
	b := s.Boot
	o := Override{Device: BootNone, UEFI: b.BootSourceOverrideMode == gofishredfish.UEFIBootSourceOverrideMode}
	target := cmp.Or(b.BootSourceOverrideTarget, gofishredfish.NoneBootSourceOverrideTarget)
	if b.BootSourceOverrideEnabled == gofishredfish.DisabledBootSourceOverrideEnabled || target == targets[BootNone] {
		return o, nil // some keep the target that is not in force
	}
	o.Device, o.Always = Device(target), b.BootSourceOverrideEnabled == gofishredfish.ContinuousBootSourceOverrideEnabled
	for d, word := range targets {
		if word == target {
			o.Device = d
		}
	}
	return o, nil
}

// patchBoot sets the boot override in the way that a controller is known to take. Where jobs that wait block the change,
// they are deleted, and it is asked once more.
func (p *redfish) patchBoot(ctx context.Context, t Target, h quirk, o Override) error {
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
	err = session.override(ctx, at, h.BootBody, o)
	if h.JobsAt == "" || !errors.Is(err, errRefused) {
		return err
	}
	if n, failed := session.deleteBIOSJobs(ctx, h.JobsAt); failed != nil || n == 0 {
		return errors.Join(err, failed)
	}
	return session.override(ctx, at, h.BootBody, o)
}

// override changes the resource that has it. Where no habit is known, one that refuses all is asked for the least.
func (r *redfishReader) override(ctx context.Context, at, kind string, o Override) error {
	var had bootDoc
	etag, err := r.getTagged(at, &had)
	if err != nil {
		return redfishError(ctx, err)
	}
	mode := had.mode(o.UEFI)
	err = r.patch(ctx, at, etag, bootBody(kind, o, mode))
	if kind == "" && errors.Is(err, errRefused) {
		err = r.patch(ctx, at, "", bootBody(bodyTarget, o, mode))
	}
	return err
}

// bootDoc is what a controller says of the mode of its overrides.
type bootDoc struct {
	Boot struct {
		Mode  gofishredfish.BootSourceOverrideMode   `json:"BootSourceOverrideMode"`
		Modes []gofishredfish.BootSourceOverrideMode `json:"BootSourceOverrideMode@Redfish.AllowableValues"`
	}
}

// mode is how the firmware boots: as is wanted where that is offered, else as it does now. What is wanted is a guess as
// long as nobody has seen the server from inside.
func (b bootDoc) mode(uefi bool) gofishredfish.BootSourceOverrideMode {
	want := gofishredfish.LegacyBootSourceOverrideMode
	if uefi {
		want = gofishredfish.UEFIBootSourceOverrideMode
	}
	if len(b.Boot.Modes) == 0 || slices.Contains(b.Boot.Modes, want) {
		return want
	}
	return cmp.Or(b.Boot.Mode, b.Boot.Modes[0])
}

// bootBody is the request for an override (DMTF schema ComputerSystem, Boot).
func bootBody(kind string, o Override, mode gofishredfish.BootSourceOverrideMode) any {
	boot := map[string]any{
		"BootSourceOverrideEnabled": gofishredfish.OnceBootSourceOverrideEnabled,
		"BootSourceOverrideTarget":  targets[o.Device],
	}
	switch {
	case o.Device == BootNone:
		boot["BootSourceOverrideEnabled"] = gofishredfish.DisabledBootSourceOverrideEnabled
	case o.Always:
		boot["BootSourceOverrideEnabled"] = gofishredfish.ContinuousBootSourceOverrideEnabled
	}
	if kind != bodyTarget {
		boot["BootSourceOverrideMode"] = mode
	}
	return map[string]any{"Boot": boot}
}

// errRefused: it does not like what it was asked (HTTP 400).
var errRefused = errors.New("it answers HTTP 400")

// maxJobs is how many entries of a queue of jobs are looked at.
const maxJobs = 256

// deleteBIOSJobs deletes the jobs of a manager's own queue that wait to change the BIOS at the next boot, and returns how
// many there were. What runs is left alone.
func (r *redfishReader) deleteBIOSJobs(ctx context.Context, below string) (int, error) {
	s, err := r.place(ctx)
	if err != nil {
		return 0, err
	}
	if len(s.Links.ManagedBy) == 0 || !s.Links.ManagedBy[0].ok() {
		return 0, nil
	}
	jobs, err := r.collection(s.Links.ManagedBy[0].ID+"/"+below, maxJobs)
	if err != nil {
		return 0, redfishError(ctx, err)
	}
	n := 0
	for _, text := range jobs {
		var job struct {
			link
			JobType, JobState string
		}
		if json.Unmarshal(text, &job) != nil || !job.ok() || job.JobType != "BIOSConfiguration" || job.JobState != "Scheduled" && job.JobState != "New" {
			continue
		}
		resp, err := r.client.Delete(job.ID)
		if err := finish(ctx, resp, err); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}
