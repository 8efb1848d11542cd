package bmc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os/exec"
	"strconv"
	"sync"
	"syscall"
	"time"

	bmclib "github.com/bmc-toolbox/bmclib/v2"
	ipmiclient "github.com/bougou/go-ipmi/pkg/client"
	"github.com/bougou/go-ipmi/pkg/types"
)

// Limits of the IPMI 2.0 specification, section 22.30 and table 13-11.
const (
	maxIPMIUser     = 16
	maxIPMIPassword = 20
)

// How long one packet is waited for, and how often it is sent again: silence is told after 8 s.
const (
	packetTimeout = 2 * time.Second
	packetRetries = 3
)

// suites are the cipher suites that are tried, best first (IPMI 2.0 section 22.15.2): 17 is SHA-256 with AES, 3
// is SHA-1 with AES and all that older controllers know. Those without encryption are never used.
var suites = []types.CipherSuiteID{types.CipherSuiteID17, types.CipherSuiteID3}

// ipmi speaks IPMI 2.0 over RMCP+: it reads with go-ipmi and writes with bmclib, which runs ipmitool.
type ipmi struct {
	log *slog.Logger

	repos repositories // lists of sensors

	mu    sync.Mutex
	known map[string]types.CipherSuiteID // what worked last, by address
}

func newIPMI(log *slog.Logger) *ipmi {
	return &ipmi{log: log, known: map[string]types.CipherSuiteID{}}
}

// order lists the suites to try, the one that worked last first.
func (p *ipmi) order(address string) []types.CipherSuiteID {
	p.mu.Lock()
	defer p.mu.Unlock()
	last, ok := p.known[address]
	if !ok || last == suites[0] {
		return suites
	}
	return []types.CipherSuiteID{last, suites[0]}
}

func (p *ipmi) remember(address string, s types.CipherSuiteID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.known[address] = s
}

// open implements protocol.
func (p *ipmi) open(ctx context.Context, t Target) (reader, error) {
	r, err := p.session(ctx, t)
	if err != nil {
		return nil, err // not a nil *ipmiReader, which would be a reader
	}
	return r, nil
}

// session makes a session with the first cipher suite that the controller accepts. A refused login is final; only
// a refused suite leads to the next one. Each setup prepares the client of one try.
func (p *ipmi) session(ctx context.Context, t Target, setup ...func(*ipmiclient.Client)) (*ipmiReader, error) {
	host, port, err := address(t.Address, "623")
	if err != nil {
		return nil, err
	}
	if len(t.User) > maxIPMIUser || len(t.Password.Reveal()) > maxIPMIPassword {
		return nil, fmt.Errorf("%w: IPMI 2.0 allows %d bytes for a user and %d for a password, and one is longer", ErrAuth, maxIPMIUser, maxIPMIPassword)
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return nil, fmt.Errorf("%w: port %s: %w", ErrUnsupported, port, err)
	}
	var refused error
	for _, suite := range p.order(t.Address) {
		r, err := dialIPMI(ctx, host, int(n), t, suite, setup...)
		if err == nil {
			p.remember(t.Address, suite)
			r.address, r.repos = t.Address, &p.repos
			return r, nil
		}
		if !refusesSuite(err) {
			return nil, ipmiError(err)
		}
		refused = errors.Join(refused, fmt.Errorf("cipher suite %d: %w", suite, err))
	}
	return nil, fmt.Errorf("%w: it takes none of the cipher suites %v: %w", ErrUnsupported, suites, refused)
}

// errOpening marks the first step, in which the cipher suite is agreed upon.
var errOpening = errors.New("opening a session")

// dialIPMI goes through the steps of IPMI 2.0 section 13.15 by itself: the library's own Connect asks first
// what old controllers do not answer, and drops the kind of its errors.
func dialIPMI(ctx context.Context, host string, port int, t Target, suite types.CipherSuiteID, setup ...func(*ipmiclient.Client)) (*ipmiReader, error) {
	c, err := ipmiclient.NewClient(bracket(host), port, t.User, t.Password.Reveal())
	if err != nil {
		return nil, err
	}
	c.WithTimeout(packetTimeout).WithRetry(packetRetries).WithCipherSuiteID(suite).WithMaxPrivilegeLevel(types.PrivilegeLevelAdministrator)
	for _, f := range setup {
		f(c)
	}
	r := &ipmiReader{client: c}
	for _, step := range []struct {
		what error
		do   func() error
	}{
		{errOpening, func() error { _, err := c.OpenSession(ctx); return err }},
		{errors.New("saying who we are"), func() error { _, err := c.RAKPMessage1(ctx); return err }},
		{errors.New("proving the password"), func() error { _, err := c.RAKPMessage3(ctx); return err }},
		{errors.New("asking for administrator rights"), func() error { _, err := c.SetSessionPrivilegeLevel(ctx, types.PrivilegeLevelAdministrator); return err }},
	} {
		if err := step.do(); err != nil {
			r.abandon()
			return nil, fmt.Errorf("%w: %w", step.what, err)
		}
	}
	return r, nil
}

// refusesSuite tells a refusal of the cipher suite from one of the login. ipmi_sim and some controllers
// refuse with the two bytes of the tag and the status alone, which the library cannot read; nothing has been
// said of user or password by then.
func refusesSuite(err error) bool {
	var status *types.RmcpStatusError
	if !errors.As(err, &status) {
		return errors.Is(err, errOpening) && errors.Is(err, types.ErrUnpackedDataTooShort)
	}
	switch status.StatusCode() {
	case types.RmcpStatusCodeInvalidAuthAlg, types.RmcpStatusCodeInvalidIntegrityAlg, types.RmcpStatusCodeInvalidConfidentAlg,
		types.RmcpStatusCodeNoMatchingAuthPayload, types.RmcpStatusCodeNoMatchingIntegrityPayload, types.RmcpStatusCodeNoCipherSuiteMatch:
		return true
	default:
		return false
	}
}

// ipmiError finds out what kind of failure the library reports.
func ipmiError(err error) error {
	var status *types.RmcpStatusError
	var netErr net.Error
	switch {
	case errors.Is(err, ipmiclient.ErrRAKPAuthentication):
		return fmt.Errorf("%w: wrong password", ErrAuth)
	case errors.As(err, &status):
		switch status.StatusCode() {
		case types.RmcpStatusCodeUnauthorizedName, types.RmcpStatusCodeInvalidNameLength:
			return fmt.Errorf("%w: it knows no such user", ErrAuth)
		case types.RmcpStatusCodeUnauthorizedRoleOfPriLevel, types.RmcpStatusCodeInvalidRole:
			return fmt.Errorf("%w: the user is no administrator", ErrAuth)
		case types.RmcpStatusCodeInvalidIntegrityCheckValue:
			return fmt.Errorf("%w: wrong password", ErrAuth)
		case types.RmcpStatusCodeNoResToCreateSess, types.RmcpStatusCodeNoResToCreateSessAtRole:
			return fmt.Errorf("%w: all its sessions are taken", ErrBusy)
		default:
			return err
		}
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("%w: nothing listens on that UDP port", ErrUnreachable)
	case errors.As(err, &netErr) && netErr.Timeout():
		return fmt.Errorf("%w: no reply to %d packets in %v", ErrUnreachable, packetRetries+1, (packetRetries+1)*packetTimeout)
	case errors.As(err, &netErr):
		return fmt.Errorf("%w: %w", ErrUnreachable, netErr)
	}
	if r, ok := types.IsResponseError(err); ok {
		switch r.CompletionCode() {
		case types.CodeInvalidCommand, types.CodeInvalidCommandForLUN:
			return fmt.Errorf("%w: %w", ErrUnsupported, err)
		case types.CodeInsufficientPrivilege:
			return fmt.Errorf("%w: the user may not do this", ErrAuth)
		default:
		}
	}
	return err
}

// setPower implements protocol.
func (p *ipmi) setPower(ctx context.Context, t Target, a Action) error {
	return p.write(ctx, t, func(c *bmclib.Client) (bool, error) { return c.SetPowerState(ctx, string(a)) })
}

// setBoot implements protocol. IPMI knows no HTTP boot (section 28.13, table 28-14).
func (p *ipmi) setBoot(ctx context.Context, t Target, o Override) error {
	if o.Device == BootHTTP {
		return fmt.Errorf("%w: IPMI knows no HTTP boot; choose the network without it, or set it up in the server's firmware", ErrUnsupported)
	}
	return p.write(ctx, t, func(c *bmclib.Client) (bool, error) {
		return c.SetBootDevice(ctx, string(o.Device), o.Always, o.UEFI)
	})
}

// write runs one operation of bmclib's ipmitool provider. The caller has just read with the same login, so
// that the cipher suite is known and a wrong password is not tried a second time. The library's Open is left
// out: it only asks for the power once more.
func (p *ipmi) write(ctx context.Context, t Target, f func(*bmclib.Client) (bool, error)) error {
	host, port, err := address(t.Address, "623")
	if err != nil {
		return err
	}
	if _, err := exec.LookPath("ipmitool"); err != nil {
		return fmt.Errorf("%w: ipmitool is not installed on this host: %w", ErrUnsupported, err)
	}
	c := bmclib.NewClient(bracket(host), t.User, t.Password.Reveal(),
		bmclib.WithIpmitoolPort(port), bmclib.WithIpmitoolCipherSuite(strconv.Itoa(int(p.order(t.Address)[0]))))
	c.Registry.Drivers = c.Registry.For("ipmitool") // one driver only: the deadline is divided by their number
	ok, err := f(c)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return fmt.Errorf("ipmitool: %w", err)
	case !ok:
		return errors.New("ipmitool did not do it and gave no reason")
	}
	return nil
}
