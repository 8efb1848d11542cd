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
