package webtest

import (
	"context"
	"strings"

	"socle/api"
)

// Certificate implements web.Trust.
func (w *World) Certificate(_ context.Context, ref string) (api.BMCCertificate, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, err := w.ask(ref, ""); err != nil {
		return api.BMCCertificate{}, err
	}
	return api.BMCCertificate{Machine: ref, State: "other", Fingerprint: strings.Repeat("5e", 32), Expected: []string{strings.Repeat("ab", 32)}}, nil
}

// TrustBMC implements web.Trust.
func (w *World) TrustBMC(_ context.Context, actor, ref, fingerprint string) (api.BMCCertificate, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, err := w.ask(ref, actor+" trusts "+fingerprint+" of "+ref); err != nil {
		return api.BMCCertificate{}, err
	}
	return api.BMCCertificate{Machine: ref, State: "trusted", Fingerprint: fingerprint, Expected: []string{fingerprint}}, nil
}

// ring implements web.Keyring.
type ring struct{ w *World }

// Keys implements web.Keyring.
func (r ring) Keys(context.Context) (api.Keyring, error) { return r.done("", 2) }

// Rotate implements web.Keyring.
func (r ring) Rotate(_ context.Context, actor string) (api.Keyring, error) {
	return r.done(actor+" rotates the keyring", 2)
}

// Retire implements web.Keyring.
func (r ring) Retire(_ context.Context, actor string) (api.Keyring, error) {
	return r.done(actor+" retires keys", 1)
}

func (r ring) done(what string, keys int) (api.Keyring, error) {
	r.w.mu.Lock()
	defer r.w.mu.Unlock()
	if what != "" {
		r.w.calls = append(r.w.calls, what)
	}
	all := []api.Key{{ID: "5ec2e701", Seals: true}, {ID: "5ec2e700"}}
	return api.Keyring{Keys: all[:keys], Resealed: 12, Next: "all is done"}, r.w.fail
}

// GiveCertificate implements web.Trust.
func (w *World) GiveCertificate(_ context.Context, actor, ref string) (api.BMCCertificate, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, err := w.ask(ref, actor+" gives a certificate to"); err != nil {
		return api.BMCCertificate{}, err
	}
	return api.BMCCertificate{Machine: ref, State: "trusted", Signed: true, Fingerprint: strings.Repeat("5e", 32)}, nil
}
