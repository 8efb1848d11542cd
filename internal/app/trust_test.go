package app

import (
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"socle/api"
	"socle/bmc"
	"socle/internal/config"
	"socle/internal/pki"
	"socle/internal/secret"
	"socle/inventory"
	"socle/inventory/store"
	"socle/lab/redfish"
	"socle/lab/redfish/redfishtest"
	"socle/provision"
)

// guise is a controller of hv01 in the inventory, which shows the certificate that it is told to.
type guise struct {
	*testing.T
	store   *store.Store
	bmc     *redfish.BMC
	planned store.Planned
	shown   atomic.Pointer[tls.Certificate]
}

func newGuise(t *testing.T) *guise {
	g := &guise{T: t}
	keys, err := secret.Open(filepath.Join(t.TempDir(), "keys"))
	must(t, err)
	g.store, err = store.Open(t.Context(), store.Options{URL: filepath.Join(t.TempDir(), "socle.db"), Keys: keys})
	must(t, err)
	t.Cleanup(func() { must(t, g.store.Close()) })
	g.bmc = redfish.New(redfish.Options{Machine: redfishtest.NewVM(redfish.Description{Name: "hv01", Serial: "SN-1", CPUs: 1, MemoryMiB: 2048}),
		User: "admin", Password: secret.New("first-Pass.w0rd")})
	t.Cleanup(g.bmc.Close)
	srv := httptest.NewUnstartedServer(g.bmc)
	srv.TLS = &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		return &tls.Config{Certificates: []tls.Certificate{*g.shown.Load()}}, nil
	}}
	srv.Config.ErrorLog = log.New(io.Discard, "", 0) // handshakes that end are what this is about
	srv.StartTLS()
	t.Cleanup(srv.Close)
	g.show(newAuthority(t))
	g.planned = store.Planned{Planned: inventory.Planned{Line: 2, Name: "hv01", Identity: inventory.Identity{Serial: "SN-1"},
		BMC:   inventory.BMC{Protocol: inventory.Redfish, Address: srv.Listener.Addr().String(), User: "admin"},
		Place: inventory.Place{Rack: "r01", U: 1}}, Password: secret.New("first-Pass.w0rd")}
	g.plan()
	return g
}

func newAuthority(t *testing.T) *pki.CA {
	ca, err := pki.Open(t.TempDir())
	must(t, err)
	return ca
}

// show makes the controller show a new certificate of an authority.
func (g *guise) show(ca *pki.CA) {
	pair, err := ca.ServerCert(nil, []netip.Addr{netip.MustParseAddr("127.0.0.1")})
	must(g.T, err)
	g.shown.Store(&pair.TLS)
}

func (g *guise) plan() {
	_, err := g.store.Import(g.Context(), []store.Planned{g.planned}, "test", false)
	must(g.T, err)
}

func (g *guise) machine() inventory.Machine {
	m, err := g.store.Machine(g.Context(), "hv01")
	must(g.T, err)
	return m
}

// told counts the events that say something.
func (g *guise) told(actor, text string) (n int) {
	all, err := g.store.Events(g.Context(), inventory.EventFilter{Limit: 100})
	must(g.T, err)
	for _, e := range all {
		if e.Kind == "bmc" && e.Actor == actor && strings.Contains(e.Reason, text) {
			n++
		}
	}
	return n
}

// TestTrust: what a controller shows first is stored before it gets a password; what shows another certificate gets none,
// until a person accepts it.
func TestTrust(t *testing.T) {
	g := newGuise(t)
	bmcs := &bmcs{driver: bmc.New(bmc.Options{}), logins: g.store}
	d := &desk{store: g.store, bmcs: bmcs, now: time.Now}
	if c, err := d.Certificate(t.Context(), "hv01"); err != nil || c.State != "new" || len(c.Expected) != 0 || len(g.bmc.Requests()) != 0 {
		t.Errorf("before the first login: %+v, %v", c, err)
	}
	m := g.machine()
	_, err := bmcs.Power(t.Context(), m)
	must(t, err)
	first := g.machine().BMC.Trust
	if c, err := d.Certificate(t.Context(), "hv01"); err != nil || c.State != "trusted" || !slices.Equal(c.Expected, []string{first.Certificate}) || c.By != inventory.ActorProvision {
		t.Errorf("after the first login: %+v, %v; stored %+v", c, err, first)
	}
	_, err = bmcs.Power(t.Context(), m) // what the caller knows of the machine may be old
	must(t, err)
	if n := g.told(inventory.ActorProvision, first.Certificate); n != 1 {
		t.Errorf("the history tells %d times", n)
	}

	g.show(newAuthority(t))
	asked := len(g.bmc.Requests())
	_, err = bmcs.Power(t.Context(), m)
	var f *provision.Failure
	if !errors.As(err, &f) || f.Kind != inventory.FaultBMCStranger || f.Retry || !strings.Contains(f.Reason, first.Certificate) || !strings.Contains(f.Remedy, "socle bmc trust") {
		t.Errorf("a stranger: %v, %+v", err, f)
	}
	g.plan() // a manifest that comes again changes nothing
	var p *api.Problem
	if _, err := d.Sensors(t.Context(), "hv01"); !errors.As(err, &p) || p.Code != "bmc-certificate" || len(g.bmc.Requests()) != asked {
		t.Errorf("asked %d times more: %v", len(g.bmc.Requests())-asked, err)
	}
	now, err := d.Certificate(t.Context(), "hv01")
	if err != nil || now.State != "other" || now.Fingerprint == first.Certificate {
		t.Errorf("%+v, %v", now, err)
	}
	if _, err := d.TrustBMC(t.Context(), "token:admin", "hv01", first.Certificate); !errors.As(err, &p) || p.Code != api.ErrConflict || g.machine().BMC.Trust != first {
		t.Errorf("one that it does not show: %v", err)
	}
	withColons := strings.ToUpper(now.Fingerprint[:2] + ":" + now.Fingerprint[2:])
	if c, err := d.TrustBMC(t.Context(), "token:admin", "hv01", withColons); err != nil || c.State != "trusted" || c.By != "token:admin" {
		t.Errorf("%+v, %v", c, err)
	}
	if g.told("token:admin", now.Fingerprint+" was accepted") != 1 {
		t.Error("the history does not tell who accepted it")
	}
	_, err = bmcs.Power(t.Context(), m)
	must(t, err)

	// Another process has met something else meanwhile.
	at := g.machine().BMC
	if err := bmcs.meet(t.Context(), m.ID, at, bmc.Proof{Certificate: "5e"}); !errors.Is(err, bmc.ErrCertificate) {
		t.Error(err)
	}
	for key, want := range map[string]bool{"SHA256:a": true, "SHA256:b": false} {
		g.plan()
		must(t, bmcs.meet(t.Context(), m.ID, at, bmc.Proof{HostKey: "SHA256:a"}))
		if err := bmcs.meet(t.Context(), m.ID, at, bmc.Proof{HostKey: key}); errors.Is(err, bmc.ErrCertificate) == want {
			t.Errorf("%s: %v", key, err)
		}
	}
	at.Address = "198.18.1.1:443"
	if err := bmcs.meet(t.Context(), m.ID, at, bmc.Proof{Certificate: now.Fingerprint}); err == nil {
		t.Error("what another address shows was believed")
	}
	g.planned.BMC.Address = "198.18.1.1"
	g.plan()
	if got := g.machine().BMC.Trust; got != (inventory.Trust{}) {
		t.Errorf("of a BMC at another address it is believed: %+v", got)
	}
}

// TestTrustSigned: a certificate of an authority of the configuration is believed, and its renewal; one of nobody then
// is not.
func TestTrustSigned(t *testing.T) {
	g := newGuise(t)
	theirs, ours := newAuthority(t), newAuthority(t)
	file := filepath.Join(t.TempDir(), "ca.pem")
	k := &kit{ca: ours, config: config.Config{BMC: config.BMC{CAFile: file}}}
	if _, err := k.bmcRoots(); err == nil || !strings.Contains(err.Error(), "bmc.ca_file") {
		t.Errorf("without the file: %v", err)
	}
	must(t, os.WriteFile(file, []byte("no certificate"), 0o600))
	if _, err := k.bmcRoots(); err == nil || !strings.Contains(err.Error(), "no certificate in PEM") {
		t.Errorf("without a certificate: %v", err)
	}
	must(t, os.WriteFile(file, theirs.CertPEM(), 0o600))
	roots, err := k.bmcRoots()
	must(t, err)
	bmcs := &bmcs{driver: bmc.New(bmc.Options{Roots: roots}), logins: g.store}
	m := g.machine()
	for n, ca := range []*pki.CA{theirs, theirs, ours} {
		g.show(ca)
		_, err := bmcs.Power(t.Context(), m)
		must(t, err)
		if told := g.told(inventory.ActorProvision, "an authority signed"); told != n+1 || !g.machine().BMC.Trust.Signed {
			t.Errorf("the history tells %d times of %d; stored %+v", told, n+1, g.machine().BMC.Trust)
		}
	}
	g.show(newAuthority(t))
	var f *provision.Failure
	if _, err := bmcs.Power(t.Context(), m); !errors.As(err, &f) || f.Kind != inventory.FaultBMCStranger {
		t.Errorf("one of nobody: %v", err)
	}
}
