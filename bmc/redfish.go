package bmc

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"

	bmclib "github.com/bmc-toolbox/bmclib/v2"
	"github.com/stmcginnis/gofish"
	"github.com/stmcginnis/gofish/common"
	gofishredfish "github.com/stmcginnis/gofish/redfish"
)

// redfish speaks Redfish (DMTF DSP0266) over HTTPS: it reads with gofish and writes with bmclib.
type redfish struct {
	ipmi  *ipmi // for consoles
	roots *x509.CertPool

	mu    sync.Mutex
	known map[string]maker // who made a controller, by its address
}

func newRedfish(i *ipmi, roots *x509.CertPool) *redfish {
	return &redfish{ipmi: i, roots: roots, known: map[string]maker{}}
}

func (p *redfish) maker(address string) (maker, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	m, ok := p.known[address]
	return m, ok
}

func (p *redfish) learn(address string, m maker) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.known[address] = m
}

// open implements protocol. Controllers without sessions are spoken to with Basic authentication.
func (p *redfish) open(ctx context.Context, t Target) (reader, error) {
	host, port, err := address(t.Address, "443")
	if err != nil {
		return nil, err
	}
	hostport := net.JoinHostPort(host, port)
	client, life, stop := httpClient(ctx, hostport, newWitness(t, host, p.roots))
	config := gofish.ClientConfig{
		Endpoint: "https://" + hostport, Username: t.User, Password: t.Password.Reveal(), HTTPClient: client,
	}
	c, err := gofish.ConnectContext(life, config)
	if status(err) == http.StatusNotFound || status(err) == http.StatusMethodNotAllowed {
		config.BasicAuth = true
		c, err = gofish.ConnectContext(life, config)
	}
	if err != nil {
		stop()
		if status(err) == http.StatusNotFound {
			return nil, fmt.Errorf("%w: what answers there knows no Redfish; check the address, and whether this BMC speaks ipmi instead", ErrUnsupported)
		}
		return nil, redfishError(ctx, err)
	}
	return &redfishReader{client: c, stop: stop, known: func() (maker, bool) { return p.maker(t.Address) }, learn: func(m maker) { p.learn(t.Address, m) }}, nil
}

// setPower implements protocol. bmclib's words mean other things in Redfish: its "cycle" is the reset line
// (ForceRestart), and its "reset" falls back to a shutdown without saying so, so that it is not used. Its
// "soft" reports failure when it succeeds, so that it goes through gofish.
func (p *redfish) setPower(ctx context.Context, t Target, a Action) error {
	if a == Soft {
		return p.softOff(ctx, t)
	}
	word := string(a)
	if a == Reset {
		word = "cycle"
	}
	return p.write(ctx, t, func(c *bmclib.Client) (bool, error) { return c.SetPowerState(ctx, word) })
}

func (p *redfish) softOff(ctx context.Context, t Target) error {
	r, err := p.open(ctx, t)
	if err != nil {
		return err
	}
	defer r.close(ctx)
	system, err := r.(*redfishReader).system()
	if err == nil {
		err = system.Reset(gofishredfish.GracefulShutdownResetType)
	}
	return redfishError(ctx, err)
}

// setBoot implements protocol. What the table of quirks knows a controller to refuse is not tried: who made it was learned
// when the boot device was looked at, just before.
func (p *redfish) setBoot(ctx context.Context, t Target, o Override) error {
	m, _ := p.maker(t.Address)
	h := habits(quirkTable(), m)
	if h.BootAt != "" || h.BootBody != "" || h.JobsAt != "" || o.Device == BootNone { // bmclib never disables an override
		return p.patchBoot(ctx, t, h, o)
	}
	return p.write(ctx, t, func(c *bmclib.Client) (bool, error) {
		return c.SetBootDevice(ctx, string(o.Device), o.Always, o.UEFI)
	})
}

// write runs one operation of bmclib's Redfish provider.
func (p *redfish) write(ctx context.Context, t Target, f func(*bmclib.Client) (bool, error)) error {
	if os.Getenv("DEBUG_BMCLIB") == "true" {
		return errors.New("DEBUG_BMCLIB is set, and passwords would be printed: unset it and start again")
	}
	host, port, err := address(t.Address, "443")
	if err != nil {
		return err
	}
	seen := newWitness(t, host, p.roots)
	client, life, stop := httpClient(ctx, net.JoinHostPort(host, port), seen)
	defer stop()
	c := bmclib.NewClient(bracket(host), t.User, t.Password.Reveal(), bmclib.WithHTTPClient(client), bmclib.WithRedfishPort(port))
	c.Registry.Drivers = c.Registry.For("gofish") // one driver only: the deadline is divided by their number
	if err := c.Open(ctx); err != nil {
		return cmp.Or(seen.refusal(), redfishError(ctx, err))
	}
	defer func() { _ = c.Close(life) }() // what was done is done
	ok, err := f(c)
	if err == nil && !ok {
		err = errors.New("bmclib did not do it and gave no reason")
	}
	return cmp.Or(seen.refusal(), redfishError(ctx, err))
}

// errForbidden: who is logged in has not the rights (RFC 9110 section 15.5.4).
var errForbidden = errors.New("the user may not do this")

// errConflict: it cannot do this just now, or need not (RFC 9110 section 15.5.10). Looking tells which.
var errConflict = errors.New("it answers HTTP 409")

// errPrecondition: what is to be changed is not any more what was read (RFC 9110 section 15.5.13).
var errPrecondition = errors.New("it answers HTTP 412")

// status is the HTTP status of a controller's error, or 0.
func status(err error) int {
	var he *common.Error
	if errors.As(err, &he) {
		return he.HTTPReturnedStatusCode
	}
	return 0
}

// redfishError finds out what kind of failure the library reports.
func redfishError(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	var request *url.Error
	if errors.As(err, &request) {
		err = request.Err // its text repeats the address
	}
	var netErr net.Error
	var syntax *json.SyntaxError
	var plain tls.RecordHeaderError
	switch code := status(err); {
	case code == http.StatusUnauthorized, strings.Contains(err.Error(), `"401: `): // in a list of failures, as text
		return fmt.Errorf("%w: %s", ErrAuth, message(err))
	case wantsPassword(err) != "":
		return ErrPassword
	case code == http.StatusForbidden:
		return fmt.Errorf("%w: %w: %s", ErrAuth, errForbidden, message(err))
	case code == http.StatusNotFound, code == http.StatusMethodNotAllowed, code == http.StatusNotImplemented,
		strings.Contains(err.Error(), "is not supported by this service"):
		return fmt.Errorf("%w: %s", ErrUnsupported, message(err))
	case code == http.StatusConflict:
		return fmt.Errorf("%w: %s", errConflict, message(err))
	case code == http.StatusPreconditionFailed:
		return fmt.Errorf("%w: %s", errPrecondition, message(err))
	case code == http.StatusBadRequest:
		return fmt.Errorf("%w: %s", errRefused, message(err))
	case errors.Is(err, ErrCertificate):
		return err
	case code != 0:
		return fmt.Errorf("it answers HTTP %d: %s", code, message(err))
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, errElsewhere), errors.Is(err, errEndless):
		return err
	case errors.As(err, &plain), errors.Is(err, http.ErrSchemeMismatch):
		return fmt.Errorf("it answers, and not with TLS: %w", err)
	case errors.As(err, &netErr), errors.Is(err, net.ErrClosed), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%w: %w", ErrUnreachable, err)
	case errors.As(err, &syntax):
		return fmt.Errorf("it answers, and not in Redfish: %w", err)
	}
	return err
}

// wantsPassword is the path of the account whose password must be changed first, if that is what the controller says: it
// gives the path with the message, because such a user may read nothing else (DMTF Base message registry).
func wantsPassword(err error) string {
	var he *common.Error
	if !errors.As(err, &he) || he.HTTPReturnedStatusCode != http.StatusForbidden {
		return ""
	}
	for _, info := range he.ExtendedInfos {
		if _, id, _ := strings.Cut(info.MessageID, "."); strings.HasSuffix("."+id, ".PasswordChangeRequired") {
			for _, a := range info.MessageArgs {
				if (link{a}).ok() {
					return a
				}
			}
			return "?" // it does not say where
		}
	}
	return ""
}

// message is what the controller says of its error, without the wrapping.
func message(err error) string {
	var he *common.Error
	if !errors.As(err, &he) {
		return err.Error()
	}
	for _, info := range he.ExtendedInfos {
		if info.Message != "" {
			return info.Message
		}
	}
	if he.Message != "" {
		return he.Message
	}
	return http.StatusText(he.HTTPReturnedStatusCode)
}
