package provision

import (
	"context"
	"net/http"

	"socle/api"
	"socle/inventory"
)

// SecureBoot reads the state of a machine's Secure Boot, and its keys where the BMC shows them.
func (e *Engine) SecureBoot(ctx context.Context, ref string) (api.SecureBoot, error) {
	m, err := e.tunable(ctx, ref)
	if err != nil {
		return api.SecureBoot{}, err
	}
	sb, err := e.Firmware.SecureBoot(ctx, m, true)
	if err != nil {
		return api.SecureBoot{}, asProblem(err)
	}
	out := api.SecureBoot{Machine: m.Name, Enabled: sb.Enabled, Active: sb.Active, Mode: sb.Mode, Waiting: m.Tuning.String(), Databases: []api.KeyDatabase{}}
	for _, r := range sb.Resets {
		out.Resets = append(out.Resets, string(r))
	}
	for _, d := range sb.Databases {
		one := api.KeyDatabase{Name: d.Name, Signatures: d.Signatures, Certificates: []api.KeyCertificate{}}
		for _, c := range d.Certificates {
			k := api.KeyCertificate{Subject: c.Subject, Issuer: c.Issuer, SHA256: c.SHA256}
			if !c.NotAfter.IsZero() {
				k.NotAfter = &c.NotAfter
			}
			one.Certificates = append(one.Certificates, k)
		}
		out.Databases = append(out.Databases, one)
	}
	return out, nil
}

// SetSecureBoot orders Secure Boot on or off, or a reset of its keys, for the next boot.
func (e *Engine) SetSecureBoot(ctx context.Context, actor, ref string, r api.SecureBootRequest) (api.SettingsReply, error) {
	m, err := e.tunable(ctx, ref)
	if err != nil {
		return api.SettingsReply{}, err
	}
	reply, keys := api.SettingsReply{Machine: m.Name, Changes: []api.SettingDifference{}}, inventory.KeyReset(r.ResetKeys)
	if (r.Enable == nil) == (keys == "") {
		return reply, problem(http.StatusUnprocessableEntity, api.ErrInvalid, "order Secure Boot on or off, or a reset of its keys: one at a time")
	}
	sb, err := e.Firmware.SecureBoot(ctx, m, false)
	if err != nil {
		return reply, asProblem(err)
	}
	diff := sb.Diff(r.Enable, keys)
	if r.Enable != nil && len(diff) == 0 && sb.Enabled != *r.Enable { // in force, and about to change
		diff = []inventory.Difference{{Name: "Secure Boot", Now: sb.Active, Pending: sb.Enabled, Want: *r.Enable}}
	}
	if keys != "" { // also those that are as in the factory already are put in anew
		diff = []inventory.Difference{{Name: "Secure Boot keys", Now: sb.Mode, Want: r.ResetKeys}}
	}
	reply.Changes = differencesOut(diff)
	if r.DryRun || len(diff) == 0 {
		return reply, nil
	}
	t := e.newTuning(&m, actor, r.SettingsOrder)
	if err := mayTune(&m, t); err != nil {
		return reply, err
	}
	if keys != "" {
		t.Keys, t.SecureBoot = keys, nil // without keys, nothing can be checked against them
	} else {
		t.SecureBoot, t.Keys = r.Enable, ""
	}
	return reply, e.orderTuning(ctx, &m, t, diff, func(ctx context.Context) error {
		if keys != "" {
			return e.Firmware.ResetKeys(ctx, m, keys)
		}
		return e.Firmware.SetSecureBoot(ctx, m, *r.Enable)
	})
}
