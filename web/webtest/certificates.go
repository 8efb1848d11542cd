package webtest

import (
	"bytes"
	"context"
	"net/http"
	"strings"

	"socle/api"
	"socle/inventory"
	"socle/inventory/certificate"
	"socle/inventory/signing"
)

// signer is the key of the world, for all to know.
func signer() (signing.Key, error) { return signing.NewKey(bytes.Repeat([]byte{7}, 32)) }

// IssueCertificate implements web.Certificates, of what Judge says.
func (w *World) IssueCertificate(ctx context.Context, actor string, r api.CertificateRequest) (inventory.CertificateEntry, error) {
	report, err := w.report(ctx, r.AcceptanceScope)
	if err != nil {
		return inventory.CertificateEntry{}, err
	}
	if !report.Verdict.Good() && !r.AsIs {
		return inventory.CertificateEntry{}, api.NewProblem(http.StatusConflict, api.ErrConflict, "the scope is "+string(report.Verdict))
	}
	s := certificate.New(report, nil, nil, actor, r.Note, w.Now())
	w.mu.Lock()
	defer w.mu.Unlock()
	if s.Number = 1 + int64(len(w.issued)); s.Number > 1 {
		s.Previous = w.issued[len(w.issued)-1].Digest()
	}
	key, err := signer()
	if err != nil {
		return inventory.CertificateEntry{}, err
	}
	c, err := certificate.Seal(s, key)
	if err != nil {
		return inventory.CertificateEntry{}, err
	}
	w.issued = append(w.issued, c)
	return c.Entry(), w.fail
}

// IssuedCertificate implements web.Certificates.
func (w *World) IssuedCertificate(_ context.Context, number int64) ([]byte, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if number < 1 || number > int64(len(w.issued)) {
		return nil, inventory.ErrNotFound
	}
	return w.issued[number-1].File(), w.fail
}

// Certificates implements web.Certificates.
func (w *World) Certificates(_ context.Context, machineID string) (all []inventory.CertificateEntry, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.issued {
		if machineID != "" && !strings.Contains(string(c.File()), certificate.Mention(machineID)) {
			continue
		}
		all = append([]inventory.CertificateEntry{c.Entry()}, all...)
	}
	return all, w.fail
}

// CertificateKey implements web.Certificates.
func (w *World) CertificateKey(context.Context) (api.PublicKey, error) {
	k, err := signer()
	return api.PublicKey{Key: k.Public(), Fingerprint: signing.Fingerprint(k.Public())}, err
}
