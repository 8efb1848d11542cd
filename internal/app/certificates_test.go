package app

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"socle/api"
	"socle/hardware"
	"socle/inventory"
	"socle/inventory/certificate"
	"socle/inventory/signing"
)

// TestCertificatesOfTheStore: what is accepted is certified with its parts and numbers, what is not is refused with its reasons.
func TestCertificatesOfTheStore(t *testing.T) {
	s, machines := stored(t, 2, func(int) *hardware.Facts {
		return &hardware.Facts{Disks: []hardware.Disk{{Name: "sda", Serial: "K1", Model: "M"}}}
	})
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	c := certificates{acceptances{s, nil, func() time.Time { return now }}}
	for _, m := range machines {
		alter(t, s, m.ID, func(m *inventory.Machine) { m.State, m.FactsAt = inventory.Ready, now })
		must(t, s.SaveMeasurements(t.Context(), inventory.Measurement{Machine: m.ID, Run: "r", Time: now, Metric: "disk.read.random", Subject: "sda", Value: 9, Unit: "1/s"}))
	}
	names := inventory.FoldNames([]string{machines[0].Name, machines[1].Name})
	r := api.CertificateRequest{AcceptanceScope: api.AcceptanceScope{Machines: names}}
	_, err := c.IssueCertificate(t.Context(), "token:ann", r)
	var p *api.Problem
	if !errors.As(err, &p) || p.Status != http.StatusConflict || len(p.Errors) != 2 || !strings.Contains(p.Errors[0].Message, "outlier: nobody has looked yet") {
		t.Fatalf("nobody compared them: %v", err)
	}
	if all, err := c.Certificates(t.Context(), ""); err != nil || len(all) != 0 {
		t.Errorf("%v, %v", all, err)
	}
	for _, m := range machines {
		must(t, s.SetFindings(t.Context(), inventory.Findings{Machine: m.ID, Source: inventory.FromOutlier, Time: now, List: []inventory.Finding{}}, "test"))
	}
	r.Note = " by and by "
	e, err := c.IssueCertificate(t.Context(), "token:ann", r)
	if err != nil || e.Number != 1 || e.Verdict != "accepted" || e.Machines != 2 {
		t.Fatalf("%+v, %v", e, err)
	}
	file, err := c.IssuedCertificate(t.Context(), 1)
	must(t, err)
	got, err := certificate.Parse(file)
	must(t, err)
	must(t, got.Verify())
	key, err := c.CertificateKey(t.Context())
	must(t, err)
	m := got.Statement.Machines[0]
	if got.Statement.Note != "by and by" || len(m.Parts) != 1 || m.Parts[0].Serial != "K1" || len(m.Measured) != 1 || signing.Fingerprint(got.Key) != key.Fingerprint || got.Digest() != e.Digest {
		t.Errorf("%+v", got.Statement)
	}
}
