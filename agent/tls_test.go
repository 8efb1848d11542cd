package agent

import (
	"crypto/x509"
	"testing"
	"time"

	"socle/agent/agenttest"
)

// TestPinnedClock: a server whose battery is empty trusts its pinned CA all the same.
func TestPinnedClock(t *testing.T) {
	s := agenttest.New(t)
	var chain []*x509.Certificate
	for _, der := range s.TLS.Certificates[0].Certificate {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		chain = append(chain, c)
	}
	for _, now := range []time.Time{time.Unix(0, 0), time.Now(), time.Now().AddDate(50, 0, 0)} {
		if err := verifyPinned(chain, s.CA, "127.0.0.1", now); err != nil {
			t.Errorf("at %s: %v", now, err)
		}
	}
	if err := verifyPinned(chain[:1], s.CA, "127.0.0.1", time.Now()); err == nil {
		t.Error("a chain without the CA is trusted")
	}
	if err := verifyPinned(nil, s.CA, "127.0.0.1", time.Now()); err == nil {
		t.Error("no chain at all is trusted")
	}
}
