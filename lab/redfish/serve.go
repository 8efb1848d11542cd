package redfish

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Serve answers on a listener with TLS and a certificate signed by itself, as controllers come from the
// factory, until ctx ends or the listener fails. It closes the listener. When h is a *BMC, clients can replace the
// certificate, and Serve closes it at the end.
func Serve(ctx context.Context, l net.Listener, h http.Handler) error {
	b, ours := h.(*BMC)
	own := selfSigned
	if ours {
		own = b.ownCertificate
	}
	cert, err := own(l.Addr())
	if err != nil {
		_ = l.Close()
		return fmt.Errorf("making the certificate of the Redfish service: %w", err)
	}
	shown := func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return cert, nil }
	if ours {
		b.locked(func() { b.certs.made = cert })
		shown = func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return b.Certificate(), nil }
		defer b.Close()
	}
	srv := &http.Server{
		Handler:           h,
		TLSConfig:         &tls.Config{GetCertificate: shown, MinVersion: tls.VersionTLS12},
		ReadHeaderTimeout: time.Minute,                                             // of handshakes, too: hundreds of controllers may share a busy host
		ErrorLog:          slog.NewLogLogger(slog.DiscardHandler, slog.LevelError), // foreign handshakes are no news
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}
	stop := context.AfterFunc(ctx, func() { _ = srv.Close() }) // hanging requests must not keep it alive
	defer stop()
	err = srv.ServeTLS(l, "", "")
	if errors.Is(err, http.ErrServerClosed) && ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("serving Redfish on %s: %w", l.Addr(), err)
}
