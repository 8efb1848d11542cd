package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"socle/api"
	"socle/bmc"
	"socle/internal/secret"
	"socle/inventory"
	"socle/inventory/store"
	"socle/lab/redfish"
)

// certified is a desk with an authority, and hv01 whose controller can be given a certificate.
func certified(t *testing.T) (*desk, *redfish.BMC) {
	b, address := serveBMC(t)
	keys, err := secret.Open(filepath.Join(t.TempDir(), "keys"))
	must(t, err)
	s, err := store.Open(t.Context(), store.Options{URL: filepath.Join(t.TempDir(), "socle.db"), Keys: keys})
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	_, err = s.Import(t.Context(), []store.Planned{{Planned: inventory.Planned{Line: 2, Name: "hv01", Identity: inventory.Identity{Serial: "SN-1"},
		BMC: inventory.BMC{Protocol: inventory.Redfish, Address: address, User: "socle-a"}, Place: inventory.Place{Rack: "r01", U: 1}}, Password: secret.New(factoryPassword)}}, "test", false)
	must(t, err)
	ca := newAuthority(t)
	d := bmc.New(bmc.Options{Roots: ca.Pool(), AwayTime: 200 * time.Millisecond, Burst: 100})
	return &desk{store: s, bmcs: &bmcs{driver: d, logins: s}, ca: ca, now: time.Now}, b
}

func (d *desk) trustOf(t *testing.T) inventory.Trust {
	t.Helper()
	m, err := d.store.Machine(t.Context(), "hv01")
	must(t, err)
	return m.BMC.Trust
}

// TestGiveCertificate: a BMC gets a certificate for a key of its own, and is known by our authority from then on; also by
// a server that does not have that authority.
func TestGiveCertificate(t *testing.T) {
	d, b := certified(t)
	m, err := d.store.Machine(t.Context(), "hv01")
	must(t, err)
	_, err = d.bmcs.Power(t.Context(), m)
	must(t, err)
	first := d.trustOf(t)
	got, err := d.GiveCertificate(t.Context(), "token:admin", "hv01")
	if err != nil || got.State != "trusted" || !got.Signed || got.Fingerprint == first.Certificate || got.Subject != "127.0.0.1" || !got.OnlySigned {
		t.Fatalf("%+v, %v", got, err)
	}
	now := d.trustOf(t)
	if now.Certificate != got.Fingerprint || now.Next != "" || !now.Signed || got.Fingerprint != sumOf(b) {
		t.Errorf("stored %+v, shown %s", now, sumOf(b))
	}
	elsewhere := &bmcs{driver: bmc.New(bmc.Options{}), logins: d.store}
	if _, err := elsewhere.Power(t.Context(), m); err != nil || d.trustOf(t) != now {
		t.Errorf("by a server without the authority: %v, stored %+v", err, d.trustOf(t))
	}
	again, err := d.GiveCertificate(t.Context(), "token:admin", "hv01")
	if err != nil || again.Fingerprint == got.Fingerprint || !slices.Equal(again.Expected, []string{again.Fingerprint}) {
		t.Errorf("once more: %+v, %v", again, err)
	}
}

// TestGiveCertificateFails: whatever becomes of the order, the certificate that the BMC shows is one that it may show.
func TestGiveCertificateFails(t *testing.T) {
	t.Run("it says yes and does nothing", func(t *testing.T) {
		d, b := certified(t)
		before := sumOf(b)
		b.Faults().Add(redfish.Fault{Kind: redfish.Ignore, Methods: []string{"POST"}, Path: "/redfish/v1/CertificateService/Actions/CertificateService.ReplaceCertificate"})
		var p *api.Problem
		if _, err := d.GiveCertificate(t.Context(), "token:admin", "hv01"); !errors.As(err, &p) || p.Code != string(inventory.FaultBMC) {
			t.Errorf("%v", err)
		}
		if now := d.trustOf(t); now.Certificate != before || now.Next == "" {
			t.Errorf("stored %+v", now)
		}
		if _, err := d.Sensors(t.Context(), "hv01"); err != nil {
			t.Errorf("with the old one: %v", err)
		}
		b.Faults().Clear()
		if got, err := d.GiveCertificate(t.Context(), "token:admin", "hv01"); err != nil || got.State != "trusted" || got.Fingerprint == before {
			t.Errorf("once more: %+v, %v", got, err)
		}
	})
	// A server without the authority, whose part ends where another one would die: it knows the new one by its fingerprint.
	for name, died := range map[string]error{"it dies before the BMC is told": errors.New("the end"), "it dies before the BMC shows it": nil} {
		t.Run(name, func(t *testing.T) {
			d, b := certified(t)
			d.bmcs.driver = bmc.New(bmc.Options{})
			before := sumOf(b)
			m, target, err := d.reach(t.Context(), "hv01")
			must(t, err)
			_, err = d.bmcs.driver.GiveCertificate(t.Context(), target, func(ctx context.Context, request []byte) ([]byte, error) {
				text, err := d.sign(ctx, "token:admin", m, target, request)
				return text, errors.Join(err, died)
			})
			if (err == nil) != (died == nil) {
				t.Errorf("the order ended with %v", err)
			}
			now := d.trustOf(t)
			if now.Certificate != before || now.Next == "" || (now.Next == sumOf(b)) != (died == nil) {
				t.Errorf("stored %+v, shown %s", now, sumOf(b))
			}
			_, err = d.Sensors(t.Context(), "hv01")
			must(t, err)
			if now := d.trustOf(t); now.Certificate != sumOf(b) || (now.Next == "") != (died == nil) {
				t.Errorf("after the next login: stored %+v, shown %s", now, sumOf(b))
			}
		})
	}
	t.Run("IPMI", func(t *testing.T) {
		d, _ := certified(t)
		m, err := d.store.Machine(t.Context(), "hv01")
		must(t, err)
		_, err = d.store.Change(t.Context(), m.ID, "test", func(m *inventory.Machine) (inventory.Note, error) {
			m.BMC.Protocol = inventory.IPMI
			return inventory.Note{Kind: "bmc", Reason: "other protocol"}, nil
		})
		must(t, err)
		var p *api.Problem
		if _, err := d.Certificate(t.Context(), "hv01"); !errors.As(err, &p) || p.Code != string(inventory.FaultBMC) {
			t.Errorf("%v", err)
		}
	})
}

// sumOf is the fingerprint of what a controller shows.
func sumOf(b *redfish.BMC) string {
	sum := sha256.Sum256(b.Certificate().Certificate[0])
	return hex.EncodeToString(sum[:])
}
