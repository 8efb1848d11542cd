package webtest

import (
	"context"
	"net/http"

	"socle/api"
	"socle/inventory"
)

// firmware is what the BMC of every machine here says of the settings; a machine's own are in its host.
func firmware(of *host) inventory.Bios {
	least, most := int64(60), int64(240)
	b := inventory.Bios{Vendor: "Socle", Model: "Virtual R1", Registry: "BiosAttributes", Attributes: []inventory.Attribute{
		{Name: "AcPwrRcvryDelay", Kind: inventory.AttributeNumber, Value: int64(60), Least: &least, Most: &most},
		{Name: "MemoryModel", Kind: inventory.AttributeText, Value: "DDR4", ReadOnly: true},
		{Name: "SriovGlobalEnable", Kind: inventory.AttributeChoice, Value: "Disabled", Allowed: []string{"Enabled", "Disabled"}},
	}}
	for i, a := range b.Attributes {
		b.Attributes[i].Pending = of.pending[a.Name]
	}
	return b
}

// roleWish is what every role here wants of the settings.
var roleWish = inventory.Values{"SriovGlobalEnable": "Enabled"}

// Settings implements web.Settings.
func (w *World) Settings(_ context.Context, ref string) (api.SettingsList, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	h, err := w.ask(ref, "")
	if err != nil {
		return api.SettingsList{}, err
	}
	m, _ := w.find(ref) // ask found it
	b := firmware(h)
	l := api.SettingsList{Machine: m.Name, Vendor: b.Vendor, Model: b.Model, Registry: b.Registry, Role: m.Role, Wanted: len(roleWish)}
	for _, a := range b.Attributes {
		l.Settings = append(l.Settings, api.Setting{Name: a.Name, Kind: string(a.Kind), Value: a.Value, Pending: a.Pending, Allowed: a.Allowed, Least: a.Least, Most: a.Most, ReadOnly: a.ReadOnly})
	}
	for _, d := range b.Diff(roleWish) {
		l.Differences = append(l.Differences, api.SettingDifference(d))
	}
	if len(h.pending) > 0 {
		l.Waiting = "waits for the next boot"
	}
	return l, nil
}

// Tune implements web.Settings.
func (w *World) Tune(_ context.Context, _, ref string, r api.SettingsRequest) (api.SettingsReply, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	h, err := w.ask(ref, "")
	if err != nil {
		return api.SettingsReply{}, err
	}
	m, _ := w.find(ref) // ask found it
	want := r.Values
	if r.Role {
		want = roleWish
	}
	b := firmware(h)
	checked, err := b.Check(want)
	if err != nil {
		return api.SettingsReply{}, api.NewProblem(http.StatusUnprocessableEntity, api.ErrInvalid, m.Name+": "+err.Error())
	}
	reply := api.SettingsReply{Machine: m.Name, Changes: []api.SettingDifference{}}
	for _, d := range b.Diff(checked) {
		reply.Changes = append(reply.Changes, api.SettingDifference(d))
	}
	if !r.DryRun {
		h.pending = checked
		w.calls = append(w.calls, "settings "+m.Name)
	}
	return reply, nil
}

// SecureBoot implements web.Settings.
func (w *World) SecureBoot(_ context.Context, ref string) (api.SecureBoot, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	h, err := w.ask(ref, "")
	if err != nil {
		return api.SecureBoot{}, err
	}
	m, _ := w.find(ref) // ask found it
	until := w.Now().AddDate(20, 0, 0)
	return api.SecureBoot{Machine: m.Name, Enabled: h.secure, Mode: inventory.SecureBootUser, Resets: []string{string(inventory.KeysDefault)}, Databases: []api.KeyDatabase{
		{Name: "PK", Certificates: []api.KeyCertificate{{Subject: "CN=Platform", NotAfter: &until, SHA256: "00ff"}}},
		{Name: "dbx", Certificates: []api.KeyCertificate{}, Signatures: 77},
	}}, nil
}

// SetSecureBoot implements web.Settings.
func (w *World) SetSecureBoot(_ context.Context, _, ref string, r api.SecureBootRequest) (api.SettingsReply, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	h, err := w.ask(ref, "secureboot")
	if err != nil {
		return api.SettingsReply{}, err
	}
	m, _ := w.find(ref) // ask found it
	reply := api.SettingsReply{Machine: m.Name, Changes: []api.SettingDifference{{Name: "Secure Boot keys", Now: inventory.SecureBootUser, Want: r.ResetKeys}}}
	if r.Enable != nil {
		reply.Changes = []api.SettingDifference{{Name: "Secure Boot", Now: h.secure, Want: *r.Enable}}
		h.secure = *r.Enable
	}
	return reply, nil
}
