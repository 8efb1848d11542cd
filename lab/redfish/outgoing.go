package redfish

import (
	"crypto/tls"
	"net/http"
	"time"
)

// outgoing is the controller as a client: of event receivers and web servers. It keeps no connections.
func outgoing(timeout time.Duration, verify bool) *http.Client {
	return &http.Client{Timeout: timeout, Transport: &http.Transport{
		DisableKeepAlives: true,
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: !verify, MinVersion: tls.VersionTLS12}, //nolint:gosec // as real controllers do unless they are told to verify
	}}
}

// spawn runs f besides requests; the caller holds the lock. After Close nothing is started any more.
func (b *BMC) spawn(f func()) {
	if b.ctx.Err() == nil {
		b.tasks.Go(f)
	}
}
