package bmc

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/gosnmp/gosnmp"

	"socle/internal/secret"
)

// How an agent is asked. What is lost is sent again: reading and writing an outlet's state may happen twice.
const (
	snmpPort    = "161"
	snmpTimeout = time.Second // of one packet
	snmpRetries = 2
	maxOutlets  = 512 // whose names are read
)

// The protocols of SNMPv3's user security model, as bmc_user names them: NAME:AUTH:PRIVACY. Always both: nothing that
// switches power goes unsigned or in clear.
var (
	snmpAuth = map[string]gosnmp.SnmpV3AuthProtocol{
		"sha": gosnmp.SHA, "sha224": gosnmp.SHA224, "sha256": gosnmp.SHA256, "sha384": gosnmp.SHA384, "sha512": gosnmp.SHA512,
	}
	snmpPrivacy = map[string]gosnmp.SnmpV3PrivProtocol{"aes": gosnmp.AES, "aes192": gosnmp.AES192C, "aes256": gosnmp.AES256C}
)

// agent is an SNMP session: v3 for a user, v2c with a community for none. Nobody speaks v1 here.
type agent struct {
	*gosnmp.GoSNMP
	stop func() bool
}

// dialSNMP prepares a session; the first question goes out with the first call.
func dialSNMP(ctx context.Context, t Target) (*agent, error) {
	host, port, err := address(t.Address, snmpPort)
	if err != nil {
		return nil, err
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return nil, fmt.Errorf("%w: %q is no port", ErrUnsupported, port)
	}
	g := &gosnmp.GoSNMP{
		Target: host, Port: uint16(n), Transport: "udp", Context: ctx, Timeout: snmpTimeout, Retries: snmpRetries,
		Version: gosnmp.Version2c, Community: t.Password.Reveal(), MaxOids: gosnmp.MaxOids,
	}
	if t.User != "" {
		if err := secure(g, t); err != nil {
			return nil, err
		}
	}
	if err := g.Connect(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	return &agent{g, context.AfterFunc(ctx, func() { _ = g.Conn.Close() })}, nil
}

// secure sets up SNMPv3 (RFC 3414), with privacy.
func secure(g *gosnmp.GoSNMP, t Target) error {
	name, rest, _ := strings.Cut(t.User, ":")
	auth, privacy, _ := strings.Cut(rest, ":")
	if rest == "" {
		auth, privacy = "sha", "aes"
	}
	a, known := snmpAuth[strings.ToLower(auth)]
	p, also := snmpPrivacy[strings.ToLower(privacy)]
	if !known || !also || name == "" {
		return fmt.Errorf("%w: user %q: write NAME (for sha and aes), or NAME:AUTH:PRIVACY with sha, sha224, sha256, sha384 or sha512 and aes, aes192 or aes256", ErrUnsupported, t.User)
	}
	first, second := secret.Split(t.Password)
	for _, s := range []secret.Secret{first, second} {
		if len(s.Reveal()) < 8 { // RFC 3414, section 11.2
			return fmt.Errorf("%w: SNMPv3 has no passwords of less than 8 characters", ErrAuth)
		}
	}
	g.Version, g.SecurityModel, g.MsgFlags = gosnmp.Version3, gosnmp.UserSecurityModel, gosnmp.AuthPriv
	g.SecurityParameters = &gosnmp.UsmSecurityParameters{
		UserName: name, AuthenticationProtocol: a, AuthenticationPassphrase: first.Reveal(), PrivacyProtocol: p, PrivacyPassphrase: second.Reveal(),
	}
	return nil
}

func (a *agent) close() {
	a.stop()
	_ = a.Conn.Close()
}

// get reads values; one that is not there has a nil Value.
func (a *agent) get(oids ...string) ([]gosnmp.SnmpPDU, error) {
	p, err := a.Get(oids)
	if err != nil {
		return nil, a.failed(err)
	}
	if p.Error != gosnmp.NoError {
		return nil, fmt.Errorf("the agent answers %s to reading %s", p.Error, strings.Join(oids, ", "))
	}
	if len(p.Variables) != len(oids) {
		return nil, fmt.Errorf("the agent answers %d values where %d were asked for", len(p.Variables), len(oids))
	}
	for i := range p.Variables {
		switch p.Variables[i].Type {
		case gosnmp.NoSuchObject, gosnmp.NoSuchInstance, gosnmp.EndOfMibView, gosnmp.Null:
			p.Variables[i].Value = nil
		default:
		}
	}
	return p.Variables, nil
}

// set writes integers, all or, as far as the agent keeps to it, none.
func (a *agent) set(vars ...gosnmp.SnmpPDU) error {
	p, err := a.Set(vars)
	if err != nil {
		return a.failed(err)
	}
	switch p.Error {
	case gosnmp.NoError:
		return nil
	case gosnmp.NoAccess, gosnmp.NotWritable, gosnmp.AuthorizationError, gosnmp.ReadOnly:
		return fmt.Errorf("%w: it lets this user or community read and not write (%s): give it the right to switch outlets", ErrUnsupported, p.Error)
	case gosnmp.NoSuchName, gosnmp.NoCreation, gosnmp.InconsistentName:
		return fmt.Errorf("%w: it has no outlet there that can be switched (%s)", ErrUnsupported, p.Error)
	default:
		return fmt.Errorf("the agent refuses to switch: %s", p.Error)
	}
}

// failed tells silence from a refusal. An agent is silent about a wrong community (RFC 3584, section 5.2.3): both are
// possible.
func (a *agent) failed(err error) error {
	// An agent refuses a user or a password by a report that is not signed (RFC 3414, section 3.2), and the library
	// says no more of it than that.
	if a.Version == gosnmp.Version3 && strings.Contains(err.Error(), "is not authentic") {
		return fmt.Errorf("%w: it refuses the user, or the password, or how they sign and encrypt (sha and aes, unless the user says otherwise)", ErrAuth)
	}
	var network net.Error
	if a.Context.Err() == nil && !errors.Is(err, gosnmp.ErrMaxRetriesExceeded) && !errors.As(err, &network) {
		return fmt.Errorf("the agent answers nonsense: %w", err)
	}
	if a.Version == gosnmp.Version2c {
		return fmt.Errorf("%w: no answer by SNMP v2c; either nobody is there, or the community is wrong, which agents pass over in silence, or it is not allowed from this host", ErrUnreachable)
	}
	return fmt.Errorf("%w: no answer by SNMP v3; either nobody is there, or the agent speaks another version, or the second password (of privacy) is wrong, or it is not allowed from this host", ErrUnreachable)
}
