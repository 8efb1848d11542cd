package bmc

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"socle/inventory"
)

// maxWebhook bounds an answer of a webhook, in bytes.
const maxWebhook = 64 << 10

// SignatureHeader holds the proof that a call of a webhook comes from somebody who has the secret:
// "t=UNIX,v1=HEX", where HEX is HMAC-SHA-256 (RFC 2104), by the secret, of UNIX, method, path with query, and body, each
// followed by a line feed but the last. A receiver refuses what is older than some minutes, or came before.
const SignatureHeader = "Socle-Signature"

// webhook switches servers by whatever answers at a URL. In the URL {machine} and {action} stand for the server's name and
// on, off or status. The state is asked for by GET; on and off are told by POST, with {"machine": …, "action": …}. The
// answer is {"power": "on"} or {"power": "off"}; of a change also 202 or 204.
type webhook struct{ client *http.Client }

// newWebhook makes one that trusts these authorities for certificates; nil: those of the host.
func newWebhook(roots *x509.CertPool) *webhook {
	return &webhook{&http.Client{
		Transport: &http.Transport{
			TLSClientConfig:     &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
			DialContext:         (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
			TLSHandshakeTimeout: 10 * time.Second, MaxResponseHeaderBytes: maxWebhook, DisableKeepAlives: true,
		},
		// What is told to one host is meant for no other, and a secret's signature neither.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

func (w *webhook) open(_ context.Context, t Target) (reader, error) {
	ask := func(ctx context.Context) (inventory.Power, error) { return w.call(ctx, t, "status") }
	return &switched{info: Info{Protocol: inventory.Webhook}, any: ask, every: ask, end: func() {}}, nil
}

func (w *webhook) setBoot(context.Context, Target, Override) error {
	return unswitchable("choose what it boots")
}

func (w *webhook) setPower(ctx context.Context, t Target, a Action) error {
	if err := switchable(a); err != nil {
		return err
	}
	_, err := w.call(ctx, t, string(a))
	return err
}

// call asks or tells, and returns the power that is answered: unknown is allowed only of a change.
func (w *webhook) call(ctx context.Context, t Target, action string) (inventory.Power, error) {
	r, err := webhookRequest(ctx, t, action)
	if err != nil {
		return inventory.PowerUnknown, err
	}
	resp, err := w.client.Do(r)
	var bad *tls.CertificateVerificationError
	switch {
	case errors.As(err, &bad):
		return inventory.PowerUnknown, fmt.Errorf("its certificate is not to be trusted: %w; name its authority in the configuration (power.webhook_ca)", bad)
	case err != nil:
		var u *url.Error // its text holds the URL, which the caller says anyway
		if errors.As(err, &u) {
			err = u.Err
		}
		return inventory.PowerUnknown, fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxWebhook+1))
	switch {
	case err != nil:
		return inventory.PowerUnknown, fmt.Errorf("%w: reading its answer: %w", ErrUnreachable, err)
	case resp.StatusCode == http.StatusUnauthorized || resp.StatusCode == http.StatusForbidden:
		return inventory.PowerUnknown, fmt.Errorf("%w: it answers %s", ErrAuth, resp.Status)
	case resp.StatusCode >= 300 && resp.StatusCode < 400:
		return inventory.PowerUnknown, fmt.Errorf("it answers %s to %q, which is not followed: name the right URL in the manifest", resp.Status, resp.Header.Get("Location"))
	case resp.StatusCode == http.StatusNotFound:
		return inventory.PowerUnknown, fmt.Errorf("%w: it answers %s: it knows no such machine, or the URL is wrong", ErrUnsupported, resp.Status)
	case action != "status" && (resp.StatusCode == http.StatusAccepted || resp.StatusCode == http.StatusNoContent):
		return inventory.PowerUnknown, nil // it is read back anyway
	case resp.StatusCode != http.StatusOK:
		return inventory.PowerUnknown, fmt.Errorf("it answers %s: %s", resp.Status, text[:min(len(text), 200)])
	case len(text) > maxWebhook:
		return inventory.PowerUnknown, fmt.Errorf("its answer is longer than %d bytes", maxWebhook)
	}
	return webhookPower(text)
}

// webhookPower reads an answer.
func webhookPower(text []byte) (inventory.Power, error) {
	var answer struct {
		Power string `json:"power"`
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return inventory.PowerUnknown, fmt.Errorf(`its answer is not {"power": "on"} or {"power": "off"}: %w`, err)
	}
	switch p := inventory.Power(answer.Power); p {
	case inventory.PowerOn, inventory.PowerOff:
		return p, nil
	default:
		return inventory.PowerUnknown, fmt.Errorf(`its answer is not {"power": "on"} or {"power": "off"}: the power is %.40q`, answer.Power)
	}
}

// webhookRequest makes the call of an action, signed.
func webhookRequest(ctx context.Context, t Target, action string) (*http.Request, error) {
	at := strings.NewReplacer("{machine}", url.PathEscape(t.Machine), "{action}", action).Replace(t.Address)
	u, err := url.Parse(at)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil {
		return nil, fmt.Errorf("%w: %q is no URL of a webhook: write https://host/path, where {machine} and {action} may stand", ErrUnsupported, t.Address)
	}
	method, body := http.MethodGet, []byte{}
	if action != "status" {
		method = http.MethodPost
		if body, err = json.Marshal(map[string]string{"machine": t.Machine, "action": action}); err != nil {
			return nil, fmt.Errorf("encoding the call of a webhook: %w", err)
		}
	}
	r, err := http.NewRequestWithContext(ctx, method, u.String(), bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("making the call of a webhook: %w", err)
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/json")
	}
	r.Header.Set("Accept", "application/json")
	r.Header.Set(SignatureHeader, sign(t, strconv.FormatInt(time.Now().Unix(), 10), method, u.RequestURI(), body))
	return r, nil
}

// sign is the value of SignatureHeader.
func sign(t Target, at, method, path string, body []byte) string {
	h := hmac.New(sha256.New, []byte(t.Password.Reveal()))
	_, _ = fmt.Fprintf(h, "%s\n%s\n%s\n%s", at, method, path, body) // a hash takes all
	return "t=" + at + ",v1=" + hex.EncodeToString(h.Sum(nil))
}
