package bmc

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"time"
)

// GiveCertificate has the controller make itself a new key, has sign make a certificate of its request (both PEM), gives
// it that, and waits until it shows it. The key never leaves the controller. What sign returns must be among what the
// target's Trust believes by then, or be of an authority: nobody is logged in any more when the certificate changes.
func (d *Driver) GiveCertificate(ctx context.Context, t Target, sign func(ctx context.Context, request []byte) ([]byte, error)) (Certificate, error) {
	o := op{doing: "giving a certificate to", limit: d.opts.ResetTimeout}
	return call(ctx, d, t, o, func(ctx context.Context) (Certificate, error) {
		wanted, err := read(ctx, d.plain, t, func(r reader) (string, error) {
			session, ok := r.(*redfishReader)
			if !ok {
				return "", fmt.Errorf("%w: %s knows no certificates", ErrUnsupported, t.Protocol)
			}
			return session.giveCertificate(ctx, t, sign)
		})
		if err != nil {
			return Certificate{}, err
		}
		return d.awaitCertificate(ctx, t, wanted)
	})
}

// awaitCertificate looks until a controller shows a certificate: some restart their web server first.
func (d *Driver) awaitCertificate(ctx context.Context, t Target, wanted string) (Certificate, error) {
	end := time.Now().Add(6 * d.opts.AwayTime)
	for {
		c, err := d.shown(ctx, t)
		switch {
		case err == nil && c.Fingerprint == wanted:
			return c, nil
		case ctx.Err() != nil:
			return c, ctx.Err()
		case time.Now().After(end) && err == nil:
			return c, fmt.Errorf("%w: it still shows the certificate with SHA-256 %s, and both are accepted; a restart of the BMC often helps (socle bmc reset)", ErrReadBack, c.Fingerprint)
		case time.Now().After(end):
			return c, err
		}
		if err := pause(ctx, d.opts.AwayTime/20); err != nil {
			return c, err
		}
	}
}

// certificateService is what is read of the schema CertificateService.
type certificateService struct {
	Actions struct {
		Generate action `json:"#CertificateService.GenerateCSR"`
		Replace  action `json:"#CertificateService.ReplaceCertificate"`
	}
}

type action struct {
	Target string `json:"target"`
}

// giveCertificate goes through CertificateService (DMTF DSP-IS0010) and returns the new certificate's fingerprint.
func (r *redfishReader) giveCertificate(ctx context.Context, t Target, sign func(context.Context, []byte) ([]byte, error)) (string, error) {
	s, at, err := r.certificates(ctx)
	if err != nil {
		return "", err
	}
	host, _, err := address(t.Address, "443")
	if err != nil {
		return "", err
	}
	paths, err := r.linked(at.ID)
	if err != nil {
		return "", redfishError(ctx, err)
	}
	if len(paths) == 0 {
		return "", fmt.Errorf("%w: it shows no certificate for HTTPS that could be replaced", ErrUnsupported)
	}
	// The schema wants all of them; the authority puts in the certificate what it knows itself.
	resp, err := r.client.Post(s.Actions.Generate.Target, map[string]any{
		"CommonName": host, "AlternativeNames": []string{host}, "Organization": "Socle", "OrganizationalUnit": "BMC", "City": "-", "State": "-", "Country": "ZZ",
		"CertificateCollection": at,
	})
	if err != nil {
		return "", redfishError(ctx, err)
	}
	var made struct{ CSRString string }
	err = decodeLimited(resp.Body, &made)
	_ = resp.Body.Close()
	if err != nil {
		return "", redfishError(ctx, err)
	}
	text, err := sign(ctx, []byte(made.CSRString))
	if err != nil {
		return "", fmt.Errorf("signing its request for a certificate: %w", err)
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return "", errors.New("signing its request for a certificate: the certificate is no PEM")
	}
	err = r.post(ctx, s.Actions.Replace.Target, map[string]any{
		"CertificateString": string(text), "CertificateType": "PEM", "CertificateUri": link{paths[0]},
	})
	if errors.Is(err, ErrUnreachable) && ctx.Err() == nil {
		err = nil // its web server is gone before it has answered: what it shows then tells
	}
	sum := sha256.Sum256(block.Bytes)
	return hex.EncodeToString(sum[:]), err
}

// certificates finds the service, and the certificates of the manager's web server.
func (r *redfishReader) certificates(ctx context.Context) (s certificateService, at link, err error) {
	var root struct{ CertificateService link }
	if err := r.get("/redfish/v1/", &root); err != nil {
		return s, at, redfishError(ctx, err)
	}
	if !root.CertificateService.ok() {
		return s, at, fmt.Errorf("%w: its service root names no CertificateService; give it a certificate on its own pages", ErrUnsupported)
	}
	if err := r.get(root.CertificateService.ID, &s); err != nil {
		return s, at, redfishError(ctx, err)
	}
	if !(link{s.Actions.Generate.Target}).ok() || !(link{s.Actions.Replace.Target}).ok() {
		return s, at, fmt.Errorf("%w: its CertificateService makes no requests, or replaces no certificates; do it on its own pages", ErrUnsupported)
	}
	place, err := r.place(ctx)
	if err != nil {
		return s, at, err
	}
	if len(place.Links.ManagedBy) == 0 || !place.Links.ManagedBy[0].ok() {
		return s, at, fmt.Errorf("%w: it names no manager", ErrUnsupported)
	}
	var manager struct{ NetworkProtocol link }
	if err := r.get(place.Links.ManagedBy[0].ID, &manager); err != nil {
		return s, at, redfishError(ctx, err)
	}
	var network struct{ HTTPS struct{ Certificates link } }
	if manager.NetworkProtocol.ok() {
		if err := r.get(manager.NetworkProtocol.ID, &network); err != nil {
			return s, at, redfishError(ctx, err)
		}
	}
	if !network.HTTPS.Certificates.ok() {
		return s, at, fmt.Errorf("%w: its manager does not say where the certificate for HTTPS is", ErrUnsupported)
	}
	return s, network.HTTPS.Certificates, nil
}
