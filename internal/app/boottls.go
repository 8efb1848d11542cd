package app

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"socle/internal/pki"
	"socle/inventory"
	"socle/pxe"
)

// bootTLSURL is where firmware reaches the boot HTTP over TLS; empty when there is none.
func (k *kit) bootTLSURL() string {
	if k.config.Boot.TLS == "" {
		return ""
	}
	return urlAt("https", k.config.Boot.TLS, k.config.Server())
}

// bootTLSTask serves the boot HTTP over TLS, to firmware that trusts the authority in boot-ca.crt.
func (k *kit) bootTLSTask(ctx context.Context, handler http.Handler) (Task, error) {
	config, err := k.bootTLS()
	if err != nil {
		return Task{}, err
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", k.config.Boot.TLS)
	if err != nil {
		return Task{}, fmt.Errorf("listening for boot HTTPS (boot.tls_listen): %w", err)
	}
	// A handshake that fails is most often firmware that does not trust the authority: its administrator has to see that.
	failed := pxe.Handshakes{Line: inventory.Evidence{Source: "http", Kind: inventory.SawHandshake, Asked: "TLS handshake"},
		Recorder: k.recorder, Holder: k.holds, Now: time.Now}
	s := pxe.NewServer(handler, pxe.ServerLimits{}, k.log.With("service", "boot HTTPS"), failed.ConnState)
	return Task{"boot HTTPS", func(ctx context.Context) error {
		return serveHTTP(ctx, s, func() error { return s.Serve(failed.Listen(l, config)) })
	}}, nil
}

// bootTLS is the certificate for firmware, of an authority that is for nothing else.
func (k *kit) bootTLS() (*tls.Config, error) {
	dir := filepath.Join(k.config.DataDir, "boot-ca")
	ca, err := pki.OpenFirmware(dir)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(dir+".crt", ca.CertPEM(), 0o644); err != nil {
		return nil, fmt.Errorf("writing the CA certificate for firmware: %w", err)
	}
	names, addrs := k.reached()
	pair, err := ca.ServerPair(dir, "server", names, addrs)
	if err != nil {
		return nil, fmt.Errorf("making the certificate for boot HTTPS: %w", err)
	}
	return ca.FirmwareTLSConfig(pair), nil
}
