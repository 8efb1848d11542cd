package redfish

import (
	"net/http"
	"slices"
)

// override is the boot device that overrides the usual order.
type override struct {
	device string // DeviceNone: there is none
	once   bool
}

// pendingBoot is an override that waits for a job of the BIOS, or in the settings resource.
type pendingBoot struct {
	waits  bool
	device string
	job    string
}

// biosJob is what iDRACs call a change of BIOS settings.
const biosJob = "Configure: BIOS.Setup.1-1"

// enabled is the word for how long it holds.
func (o override) enabled() string {
	switch {
	case o.device == DeviceNone:
		return "Disabled"
	case o.once:
		return "Once"
	}
	return "Continuous"
}

// shown is the override for reading only.
func (o override) shown(uefi bool) object {
	return object{"BootSourceOverrideEnabled": o.enabled(), "BootSourceOverrideTarget": o.device, "BootSourceOverrideMode": mode(uefi)}
}

func (o override) object(uefi bool) object {
	return o.shown(uefi).with(object{
		"BootSourceOverrideEnabled@Redfish.AllowableValues": []string{"Disabled", "Once", "Continuous"},
		"BootSourceOverrideTarget@Redfish.AllowableValues":  devices(uefi),
		"BootSourceOverrideMode@Redfish.AllowableValues":    []string{mode(uefi)},
	})
}

// nextBoot is the override that the controller shows.
func (b *BMC) nextBoot(c *call) (override, error) {
	if b.override.waits {
		return override{device: b.override.device, once: true}, nil
	}
	device, once, err := b.vm.NextBoot(c.Context())
	if device == "" {
		device = DeviceNone
	}
	return override{device: device, once: once}, err
}

// bootBody is what a client may say of the override.
type bootBody struct {
	BootSourceOverrideEnabled, BootSourceOverrideTarget, BootSourceOverrideMode *string
}

// accepted applies a request to the override, by the rules of the shape.
func (b *BMC) accepted(o override, body *bootBody) (override, error) {
	q, uefi := b.shape.Quirks, b.vm.Describe().UEFI
	if q.BootTargetOnly && body.BootSourceOverrideMode != nil {
		return o, problemf(400, "PropertyNotWritable", "The property BootSourceOverrideMode cannot be assigned a value together with BootSourceOverrideTarget.").about("#/Boot/BootSourceOverrideMode")
	}
	if q.BootWhole {
		for name, v := range map[string]*string{"Enabled": body.BootSourceOverrideEnabled, "Target": body.BootSourceOverrideTarget, "Mode": body.BootSourceOverrideMode} {
			if v == nil {
				return o, missing("Boot/BootSourceOverride" + name)
			}
		}
	}
	if m := body.BootSourceOverrideMode; m != nil && *m != mode(uefi) {
		return o, valueNotInList("Boot/BootSourceOverrideMode", *m)
	}
	if t := body.BootSourceOverrideTarget; t != nil {
		if !slices.Contains(devices(uefi), *t) {
			return o, valueNotInList("Boot/BootSourceOverrideTarget", *t)
		}
		o.device = *t
	}
	if e := body.BootSourceOverrideEnabled; e != nil {
		switch *e {
		case "Once":
			o.once = true
		case "Continuous":
			o.once = false
		case "Disabled":
			o.device = DeviceNone
		default:
			return o, valueNotInList("Boot/BootSourceOverrideEnabled", *e)
		}
	}
	return o, nil
}

func (b *BMC) setOverride(c *call, body *bootBody) error {
	now, err := b.nextBoot(c)
	if err != nil {
		return err
	}
	next, err := b.accepted(now, body)
	if err != nil || b.has(c, ForgetBoot) {
		return err
	}
	if b.works.waits(b.override.job) {
		return problemf(http.StatusBadRequest, "SYS011", "Pending configuration values are already committed, unable to perform another set operation.").about("#/Boot")
	}
	b.override = pendingBoot{}
	if b.shape.Quirks.BootModeJob && body.BootSourceOverrideMode != nil && next.once && next.device != DeviceNone {
		job := b.order(c, biosJob, nil)
		job.boot = true
		b.override = pendingBoot{waits: true, device: next.device, job: job.id}
		return b.vm.SetNextBoot(c.Context(), DeviceNone, false, b.vm.Describe().UEFI)
	}
	return b.vm.SetNextBoot(c.Context(), next.device, next.once, b.vm.Describe().UEFI)
}

// boot is what a controller does when it has made its server boot.
func (b *BMC) boot(c *call) error {
	b.applyPending()
	if !b.override.waits {
		return nil
	}
	// The BIOS works at its configuration first, then resets, and only that boot is by the override.
	device := b.override.device
	b.override = pendingBoot{}
	uefi := b.vm.Describe().UEFI
	if err := b.vm.SetNextBoot(c.Context(), device, true, uefi); err != nil {
		return err
	}
	return b.vm.SetPower(c.Context(), ForceRestart)
}

// getBootSettings is the system's settings resource, of shapes that have the override there (DSP0266, section
// "Settings resource").
func getBootSettings(b *BMC, c *call) (object, error) {
	if !b.shape.Quirks.BootInSettings {
		return nil, notFound(c.URL.Path)
	}
	over, err := b.nextBoot(c)
	if err != nil {
		return nil, err
	}
	return resource(b.system()+"/Settings", "ComputerSystem.v1_16_0", "Settings", "System settings").with(object{
		"Boot": over.object(b.vm.Describe().UEFI),
	}), nil
}

func patchBootSettings(b *BMC, c *call) error {
	if !b.shape.Quirks.BootInSettings {
		return notFound(c.URL.Path)
	}
	var body struct{ Boot *bootBody }
	if err := c.decode(&body); err != nil {
		return err
	}
	if body.Boot == nil {
		return noOperation()
	}
	return b.setOverride(c, body.Boot)
}
