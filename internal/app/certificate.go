package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"socle/api"
	"socle/bmc"
	"socle/inventory"
)

// GiveCertificate implements web.Trust. The new certificate is written down before the BMC gets it, so that whatever
// happens then, the one that it shows is known: the old one or the new one. Once it shows the new one, only that is.
func (d *desk) GiveCertificate(ctx context.Context, actor, ref string) (api.BMCCertificate, error) {
	m, t, err := d.reach(ctx, ref)
	if err != nil {
		return api.BMCCertificate{}, err
	}
	if err := d.tell(ctx, m, actor, "bmc", "a certificate of our authority was ordered for the BMC"); err != nil {
		return api.BMCCertificate{}, err
	}
	_, err = d.bmcs.driver.GiveCertificate(ctx, t, func(ctx context.Context, request []byte) ([]byte, error) {
		return d.sign(ctx, actor, m, t, request)
	})
	if err != nil {
		return api.BMCCertificate{}, problemOf(err)
	}
	// A login over it: only now does the old one go.
	if m, t, err = d.reach(ctx, ref); err != nil {
		return api.BMCCertificate{}, err
	}
	if _, err := d.bmcs.driver.Power(ctx, t); err != nil {
		return api.BMCCertificate{}, problemOf(err)
	}
	return d.Certificate(ctx, m.ID)
}

// sign makes a certificate for a BMC by its request, for the address that we call it by.
func (d *desk) sign(ctx context.Context, actor string, m inventory.Machine, t bmc.Target, request []byte) ([]byte, error) {
	host := t.Address
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	var names []string
	var addrs []netip.Addr
	if a, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		addrs = append(addrs, a)
	} else {
		names = append(names, host)
	}
	text, err := d.ca.SignRequest(request, names, addrs)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("our authority made no certificate")
	}
	sum := sha256.Sum256(block.Bytes)
	next := hex.EncodeToString(sum[:])
	_, err = d.store.Change(ctx, m.ID, actor, func(m *inventory.Machine) (inventory.Note, error) {
		if m.BMC.Address != t.Address || m.BMC.Protocol != t.Protocol {
			return inventory.Note{}, api.NewProblem(http.StatusConflict, api.ErrConflict, fmt.Sprintf("the BMC of %s was given another address meanwhile", m.Name))
		}
		m.BMC.Trust.Next = next
		return inventory.Note{Kind: "bmc", Reason: "the BMC is about to get a certificate of our authority, and may show it or the old one until then; SHA-256 " + next}, nil
	})
	return text, err
}
