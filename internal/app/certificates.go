package app

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"socle/api"
	"socle/inventory"
	"socle/inventory/acceptance"
	"socle/inventory/certificate"
	"socle/inventory/signing"
)

// certificates writes down what acceptances judge.
type certificates struct{ acceptances }

// mostReasons bounds what a refusal tells.
const mostReasons = 20

// IssueCertificate implements web.Certificates.
func (c certificates) IssueCertificate(ctx context.Context, actor string, r api.CertificateRequest) (inventory.CertificateEntry, error) {
	var none inventory.CertificateEntry
	report, err := c.report(ctx, r.AcceptanceScope)
	if err != nil {
		return none, err
	}
	if !report.Verdict.Good() && !r.AsIs {
		return none, refusal(report)
	}
	machines, err := c.inside(ctx, report)
	if err != nil {
		return none, err
	}
	measured, err := c.readings(ctx, machines)
	if err != nil {
		return none, err
	}
	issued, err := c.store.IssueCertificate(ctx, certificate.New(report, machines, measured, actor, strings.TrimSpace(r.Note), c.now()))
	return issued.Entry(), err
}

// refusal says why a scope is not certified.
func refusal(report acceptance.Report) error {
	p := api.NewProblem(http.StatusConflict, api.ErrConflict, fmt.Sprintf("the %s is %s, and nothing was issued: see socle accept, or have it written down as it is (--as-is)",
		strings.TrimSpace(string(report.Scope.Kind)+" "+report.Scope.Name), report.Verdict))
	more := 0
	add := func(text string) {
		if len(p.Errors) == mostReasons {
			more++
			return
		}
		p.Errors = append(p.Errors, api.ErrorDetail{Message: text})
	}
	for _, u := range report.Units {
		for _, k := range u.Checks {
			if !k.Verdict.Good() {
				add(u.Name + ": " + k.Detail)
			}
		}
	}
	for _, m := range report.Missing {
		add(fmt.Sprintf("%d of line %d of %s have no serial number yet", m.Count, m.Line, m.Delivery))
	}
	if more > 0 {
		p.Errors = append(p.Errors, api.ErrorDetail{Message: fmt.Sprintf("and %d more", more)})
	}
	return p
}

// few is up to how many machines are asked for one by one instead of reading what is kept of all.
const few = 50

// readings are the newest values of machines, by ID.
func (c certificates) readings(ctx context.Context, machines map[string]inventory.Machine) (map[string][]inventory.Measurement, error) {
	filters := []inventory.MeasurementFilter{{Newest: true}}
	if len(machines) <= few {
		filters = nil
		for id := range machines {
			filters = append(filters, inventory.MeasurementFilter{Newest: true, Machine: id})
		}
	}
	of := map[string][]inventory.Measurement{}
	for _, f := range filters {
		all, err := c.store.Measurements(ctx, f)
		if err != nil {
			return nil, err
		}
		for _, x := range all {
			of[x.Machine] = append(of[x.Machine], x)
		}
	}
	return of, nil
}

// inside reads what is in the machines of a report.
func (c certificates) inside(ctx context.Context, report acceptance.Report) (map[string]inventory.Machine, error) {
	of := map[string]inventory.Machine{}
	if len(report.Units) <= few {
		for _, u := range report.Units {
			m, err := c.store.Machine(ctx, u.ID)
			if err != nil {
				return nil, err
			}
			of[u.ID] = m
		}
		return of, nil
	}
	all, err := c.store.Machines(ctx)
	if err != nil {
		return nil, err
	}
	wanted := map[string]bool{}
	for _, u := range report.Units {
		wanted[u.ID] = true
	}
	for _, m := range all {
		if wanted[m.ID] {
			of[m.ID] = m
		}
	}
	return of, nil
}

// IssuedCertificate implements web.Certificates.
func (c certificates) IssuedCertificate(ctx context.Context, number int64) ([]byte, error) {
	return c.store.Certificate(ctx, number)
}

// Certificates implements web.Certificates.
func (c certificates) Certificates(ctx context.Context, machineID string) ([]inventory.CertificateEntry, error) {
	return c.store.Certificates(ctx, machineID)
}

// CertificateKey implements web.Certificates.
func (c certificates) CertificateKey(ctx context.Context) (api.PublicKey, error) {
	k, err := c.store.SigningKey(ctx)
	if err != nil {
		return api.PublicKey{}, err
	}
	return api.PublicKey{Key: k.Public(), Fingerprint: signing.Fingerprint(k.Public())}, nil
}
