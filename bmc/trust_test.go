package bmc_test

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/crypto/ssh"

	"socle/bmc"
	"socle/internal/pki"
	"socle/internal/secret"
	"socle/inventory"
)

// mask is a controller that can change its certificate at any time, and that counts what it is asked.
type mask struct {
	next   http.Handler
	shown  atomic.Pointer[tls.Certificate]
	asked  atomic.Int32
	logins atomic.Int32
	logged func() // when a session has begun
	ended  func() // when a session has ended
}

func (m *mask) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.asked.Add(1)
	if r.Method == http.MethodPost && strings.Contains(r.URL.Path, "/Sessions") || r.Header.Get("Authorization") != "" {
		m.logins.Add(1)
		if m.logged != nil {
			defer m.logged()
		}
	}
	m.next.ServeHTTP(w, r)
	if r.Method == http.MethodDelete && strings.Contains(r.URL.Path, "/Sessions") && m.ended != nil {
		m.ended()
	}
}

// masked serves the emulator behind a certificate of an authority, for names and addresses.
func masked(t *testing.T, ca *pki.CA, names ...string) (*mask, bmc.Target) {
	p, _, g := redfishPeer(t)
	m := &mask{next: g.next}
	m.show(certificate(t, ca, names...))
	srv := httptest.NewUnstartedServer(m)
	srv.TLS = &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		return &tls.Config{Certificates: []tls.Certificate{*m.shown.Load()}}, nil
	}}
	srv.Config.ErrorLog = log.New(io.Discard, "", 0) // handshakes that end are what this is about
	srv.StartTLS()
	t.Cleanup(srv.Close)
	p.target.Address = srv.Listener.Addr().String()
	return m, p.target
}

func (m *mask) show(c tls.Certificate) { m.shown.Store(&c) }

// sum is the fingerprint of what it shows.
func (m *mask) sum() string { return sumOf(m.shown.Load()) }

func sumOf(c *tls.Certificate) string {
	sum := sha256.Sum256(c.Certificate[0])
	return hex.EncodeToString(sum[:])
}

func authority(t *testing.T) *pki.CA {
	t.Helper()
	ca, err := pki.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return ca
}

// certificate is one for 127.0.0.1, or for other names.
func certificate(t *testing.T, ca *pki.CA, names ...string) tls.Certificate {
	t.Helper()
	addrs := []netip.Addr{netip.MustParseAddr("127.0.0.1")}
	if len(names) > 0 {
		addrs = nil
	}
	pair, err := ca.ServerCert(names, addrs)
	if err != nil {
		t.Fatal(err)
	}
	return pair.TLS
}

// album keeps what was met.
type album struct {
	mu  sync.Mutex
	met []bmc.Proof
	err error
}

func (a *album) meet(_ context.Context, p bmc.Proof) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.met = append(a.met, p)
	return a.err
}

// TestTrustFirst: what is shown first is told before the password is sent, holds for the call, and can be refused.
func TestTrustFirst(t *testing.T) {
	m, to := masked(t, authority(t))
	d := bmc.New(quick)
	seen := &album{}
	to.Trust.Meet = seen.meet
	if _, err := d.Power(t.Context(), to); err != nil {
		t.Fatal(err)
	}
	if len(seen.met) != 1 || seen.met[0] != (bmc.Proof{Certificate: m.sum()}) {
		t.Errorf("met %+v, want %s", seen.met, m.sum())
	}
	seen.err = errors.New("the database is away")
	m.asked.Store(0)
	if _, err := d.Power(t.Context(), to); err == nil || !strings.Contains(err.Error(), "database is away") || m.asked.Load() != 0 {
		t.Errorf("asked %d times: %v", m.asked.Load(), err)
	}
	// Another certificate in the midst of a session is not believed even when nobody keeps what was met.
	to.Trust.Meet = nil
	m.logged = func() { m.show(certificate(t, authority(t))) }
	_, err := d.Power(t.Context(), to)
	mustBe(t, err, bmc.ErrCertificate, "and it shows "+m.sum())
}

// TestTrustStranger: what shows another certificate gets no password, by whatever library it is called.
func TestTrustStranger(t *testing.T) {
	m, to := masked(t, authority(t))
	wanted := m.sum()
	to.Trust = bmc.Trust{Certificates: []string{wanted}, Meet: func(context.Context, bmc.Proof) error {
		t.Error("something was met")
		return nil
	}}
	d := bmc.New(quick)
	if _, err := d.Power(t.Context(), to); err != nil {
		t.Fatal(err)
	}
	stranger := certificate(t, authority(t))
	// It takes over when the first session has ended: the change itself goes through bmclib, in a session of its own.
	for name, change := range map[string]func() error{
		"power": func() error { _, err := d.SetPower(t.Context(), to, bmc.On); return err },
		"boot":  func() error { return nextBoot(t.Context(), d, to, bmc.BootDisk, true) },
	} {
		t.Run(name, func(t *testing.T) {
			honest := m.shown.Load()
			defer func() { m.ended = nil; m.shown.Store(honest) }()
			m.ended = func() { m.show(stranger); m.logins.Store(0) }
			err := change()
			mustBe(t, err, bmc.ErrCertificate, "it must show SHA-256 "+wanted+", and it shows "+sumOf(&stranger))
			if n := m.logins.Load(); n != 0 {
				t.Errorf("%d logins were sent to a stranger", n)
			}
		})
	}
	m.show(stranger)
	m.asked.Store(0)
	for name, f := range calls(t.Context(), d, to) {
		t.Run(name, func(t *testing.T) { mustBe(t, f(), bmc.ErrCertificate, "socle bmc trust") })
	}
	if n := m.asked.Load(); n != 0 {
		t.Errorf("a stranger was asked %d times", n)
	}
	shown, err := d.Certificate(t.Context(), to)
	if err != nil || shown.Fingerprint != m.sum() || shown.Expected || shown.Signed || shown.Subject != "127.0.0.1" {
		t.Errorf("shown %+v, %v", shown, err)
	}
	to.Trust.Certificates = append(to.Trust.Certificates, m.sum()) // it is being given a new one
	met := &album{}
	to.Trust.Meet = met.meet
	if _, err := d.Power(t.Context(), to); err != nil || len(met.met) != 1 {
		t.Errorf("the next one: %v, met %+v", err, met.met)
	}
}

// TestTrustSigned: a certificate of an authority needs to be known no more than that, but it must be for this address;
// and who has shown one does not get by with less.
func TestTrustSigned(t *testing.T) {
	ca := authority(t)
	o := quick
	o.Roots = ca.Pool()
	d := bmc.New(o)
	m, to := masked(t, ca)
	met := &album{}
	to.Trust.Meet = met.meet
	if _, err := d.Power(t.Context(), to); err != nil || len(met.met) != 1 || !met.met[0].Signed {
		t.Fatalf("%v, met %+v", err, met.met)
	}
	to.Trust = bmc.Trust{Certificates: []string{m.sum()}, Signed: true, Meet: met.meet}
	if _, err := d.Power(t.Context(), to); err != nil || len(met.met) != 1 {
		t.Errorf("again: %v, met %+v", err, met.met)
	}
	m.show(certificate(t, ca))
	if _, err := d.Power(t.Context(), to); err != nil || len(met.met) != 2 {
		t.Errorf("renewed: %v, met %+v", err, met.met)
	}
	m.show(certificate(t, ca, "hv99")) // of another server
	_, err := d.Power(t.Context(), to)
	mustBe(t, err, bmc.ErrCertificate, "it shows "+m.sum())
	to.Trust.Certificates = nil
	_, err = d.Power(t.Context(), to)
	mustBe(t, err, bmc.ErrCertificate, "an authority signed before")
	to.Trust = bmc.Trust{}
	if c, err := d.Certificate(t.Context(), to); err != nil || c.Signed || c.Subject != "hv99" {
		t.Errorf("%+v, %v", c, err)
	}
	m.show(certificate(t, ca))
	if c, err := d.Certificate(t.Context(), to); err != nil || !c.Signed || c.Issuer == "" || c.NotAfter.Before(c.NotBefore) {
		t.Errorf("%+v, %v", c, err)
	}
}

// TestTrustLooking: who only looks at a certificate logs in nowhere, and may look at any time.
func TestTrustLooking(t *testing.T) {
	m, to := masked(t, authority(t))
	d := bmc.New(quick)
	to.Password = secret.New("not" + password)
	for range 2 {
		_, _ = d.Power(t.Context(), to)
	}
	m.asked.Store(0)
	if _, err := d.Certificate(t.Context(), to); err != nil || m.asked.Load() != 0 {
		t.Errorf("asked %d times: %v", m.asked.Load(), err)
	}
	_, err := d.Power(t.Context(), to)
	mustBe(t, err, bmc.ErrAuth, "not tried again") // looking is no login that works
	to.Protocol = inventory.IPMI
	_, err = d.Certificate(t.Context(), to)
	mustBe(t, err, bmc.ErrUnsupported, "knows no certificates")
	to.Protocol, to.Address = inventory.Redfish, net.JoinHostPort(ownHost(), "443")
	_, err = d.Certificate(t.Context(), to)
	mustBe(t, err, bmc.ErrUnreachable, to.Address)
}

// TestTrustSSH: the key of the console's SSH server is met, and holds.
func TestTrustSSH(t *testing.T) {
	p := offered(t, map[string]any{"SSH": service(true, startSSH(t), "console start")}, nil)
	d := bmc.New(quick)
	met := &album{}
	p.target.Trust.Meet = met.meet
	c, err := d.Console(t.Context(), p.target, false)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if len(met.met) != 2 || met.met[0].HostKey != "" || !strings.HasPrefix(met.met[1].HostKey, "SHA256:") {
		t.Fatalf("met %+v", met.met)
	}
	p.target.Trust = bmc.Trust{Certificates: []string{met.met[0].Certificate}, HostKeys: []string{met.met[1].HostKey}, Meet: met.meet}
	if c, err = d.Console(t.Context(), p.target, false); err != nil || len(met.met) != 2 {
		t.Fatalf("again: %v, met %+v", err, met.met)
	}
	_ = c.Close()
	p.target.Trust.HostKeys = []string{ssh.FingerprintSHA256(mustKey(t))}
	_, err = d.Console(t.Context(), p.target, false)
	mustBe(t, err, bmc.ErrCertificate, "shows "+met.met[1].HostKey)
}

// mustKey is a key that nobody has.
func mustKey(t *testing.T) ssh.PublicKey {
	t.Helper()
	key, err := ssh.NewPublicKey(certificate(t, authority(t)).Leaf.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return key
}
