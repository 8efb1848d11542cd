package app

import (
	"context"
	"crypto/x509"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"socle/api"
	"socle/bmc"
	"socle/inventory"
)

// bmcRoots are the authorities whose certificates BMCs are believed by: ours, and those of the configuration.
func (k *kit) bmcRoots() (*x509.CertPool, error) {
	return believed(k.ca.Pool(), "BMCs (bmc.ca_file)", k.config.BMC.CAFile)
}

// hookRoots are those whose certificates webhooks are believed by; nil: those that this host believes.
func (k *kit) hookRoots() (*x509.CertPool, error) {
	if k.config.Power.WebhookCA == "" {
		return nil, nil //nolint:nilnil // nil is an answer
	}
	return believed(x509.NewCertPool(), "webhooks (power.webhook_ca)", k.config.Power.WebhookCA)
}

// believed adds the authorities of a file, if there is one, to some.
func believed(roots *x509.CertPool, of, file string) (*x509.CertPool, error) {
	if file == "" {
		return roots, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading the authorities of %s: %w", of, err)
	}
	if !roots.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("reading the authorities of %s: %s holds no certificate in PEM", of, file)
	}
	return roots, nil
}

// trust is by what a machine's BMC is known again. What it shows for the first time is stored before it gets a password.
func (b *bmcs) trust(machineID string, at inventory.BMC) bmc.Trust {
	return bmc.Trust{
		Certificates: at.Trust.Certificates(), Signed: at.Trust.Signed, HostKeys: at.Trust.HostKeys(),
		Meet: func(ctx context.Context, p bmc.Proof) error { return b.meet(ctx, machineID, at, p) },
	}
}

// meet stores what a BMC shows for the first time. Another process may have met it meanwhile: then that holds.
func (b *bmcs) meet(ctx context.Context, machineID string, at inventory.BMC, p bmc.Proof) error {
	_, err := b.logins.Change(ctx, machineID, inventory.ActorProvision, func(m *inventory.Machine) (inventory.Note, error) {
		if m.BMC.Address != at.Address || m.BMC.Protocol != at.Protocol {
			return inventory.Note{}, fmt.Errorf("the BMC of %s was given another address or protocol meanwhile: try again", m.Name)
		}
		t := &m.BMC.Trust
		if p.HostKey != "" {
			switch t.HostKey {
			case p.HostKey:
				return inventory.Note{}, nil
			case "":
				t.HostKey = p.HostKey
				return inventory.Note{Kind: "bmc", Reason: "the SSH server of the BMC has shown its key for the first time: from now on it must show this one; " + p.HostKey}, nil
			}
			return inventory.Note{}, fmt.Errorf("%w: its SSH server has just shown another process the key %s, and now shows %s", bmc.ErrCertificate, t.HostKey, p.HostKey)
		}
		news, believed := t.Meet(p.Certificate, p.Signed, inventory.ActorProvision, time.Now().UTC())
		switch {
		case !believed:
			return inventory.Note{}, fmt.Errorf("%w: another process has just seen SHA-256 %s, and now it shows %s", bmc.ErrCertificate, t.Certificate, p.Certificate)
		case news == "":
			return inventory.Note{}, nil
		}
		return inventory.Note{Kind: "bmc", Reason: news}, nil
	})
	return err
}

// Certificate implements web.Trust.
func (d *desk) Certificate(ctx context.Context, ref string) (api.BMCCertificate, error) {
	m, t, err := d.reach(ctx, ref)
	if err != nil {
		return api.BMCCertificate{}, err
	}
	c, err := d.bmcs.driver.Certificate(ctx, t)
	return certificateOut(m, c), problemOf(err)
}

func certificateOut(m inventory.Machine, c bmc.Certificate) api.BMCCertificate {
	had := m.BMC.Trust
	out := api.BMCCertificate{
		Machine: m.Name, Fingerprint: c.Fingerprint, Subject: c.Subject, Issuer: c.Issuer, Signed: c.Signed,
		Expected: had.Certificates(), OnlySigned: had.Signed, HostKey: had.HostKey, By: had.By, State: "other",
	}
	for _, at := range []struct {
		from time.Time
		to   **time.Time
	}{{c.NotBefore, &out.NotBefore}, {c.NotAfter, &out.NotAfter}, {had.Since, &out.Since}} {
		if !at.from.IsZero() {
			*at.to = &at.from
		}
	}
	switch {
	case c.Expected, c.Signed:
		out.State = "trusted"
	case len(out.Expected) == 0 && !had.Signed:
		out.State = "new"
	}
	return out
}

// TrustBMC implements web.Trust. A certificate must be the one that the BMC shows now: what a person compared is what is
// accepted. An SSH server's key is taken at the person's word; it is only shown in the middle of opening a console.
func (d *desk) TrustBMC(ctx context.Context, actor, ref, named string) (api.BMCCertificate, error) {
	m, t, err := d.reach(ctx, ref)
	if err != nil {
		return api.BMCCertificate{}, err
	}
	c, err := d.bmcs.driver.Certificate(ctx, t)
	if err != nil {
		return api.BMCCertificate{}, problemOf(err)
	}
	isKey := strings.HasPrefix(named, "SHA256:")
	if want := strings.ToLower(strings.ReplaceAll(named, ":", "")); !isKey && want != c.Fingerprint {
		return api.BMCCertificate{}, api.NewProblem(http.StatusConflict, api.ErrConflict,
			fmt.Sprintf("the BMC of %s shows SHA-256 %s and not %s: nothing was accepted", m.Name, c.Fingerprint, want))
	}
	m, err = d.store.Change(ctx, m.ID, actor, func(m *inventory.Machine) (inventory.Note, error) {
		if m.BMC.Address != t.Address || m.BMC.Protocol != t.Protocol {
			return inventory.Note{}, api.NewProblem(http.StatusConflict, api.ErrConflict, fmt.Sprintf("the BMC of %s was given another address meanwhile: look again", m.Name))
		}
		if isKey {
			m.BMC.Trust.HostKey = named
			return inventory.Note{Kind: "bmc", Reason: "the key " + named + " of the BMC's SSH server was accepted"}, nil
		}
		m.BMC.Trust.Accept(c.Fingerprint, c.Signed, actor, d.now())
		return inventory.Note{Kind: "bmc", Reason: "the BMC's certificate with SHA-256 " + c.Fingerprint + " was accepted"}, nil
	})
	c.Expected = c.Expected || !isKey
	return certificateOut(m, c), err
}
