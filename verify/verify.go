package verify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"socle/internal/pki"
	"socle/internal/secret"
	"socle/inventory"
)

// The checks that a role can name.
const (
	CheckLibvirt = "libvirt"
	CheckSwift   = "swift"
	CheckNone    = "none"
)

// Options are what all verifications share.
type Options struct {
	// CA signed the hypervisors' certificates and signs the client certificate that is shown to them.
	CA *pki.CA
	// Swift is how the cluster's proxy is reached; only storage nodes need it.
	Swift Swift
	// Join, when not nil, is called before an object is stored: it puts the node's disks into the cluster's rings.
	// When it is nil, somebody else does, and Verify waits for it.
	Join func(ctx context.Context, t Target) error
	Log  *slog.Logger
	// Dial makes the connections to servers and proxy; nil for the host's own network.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Patience is how long a service may take to come up, and a reboot; zero for 10 minutes.
	Patience time.Duration
}

// Swift is an account at a proxy with auth v1 (tempauth, swauth).
type Swift struct {
	URL  string // of the proxy, e.g. "http://198.18.0.5:8080"
	User string // "account:user"
	Key  secret.Secret
}

// Target is the server that is looked at.
type Target struct {
	Name      string // also the name in its certificate
	Address   netip.Addr
	Role      inventory.Role
	DataDisks []inventory.Data
	// Reboot power-cycles the server by its BMC; only the storage check calls it, once.
	Reboot func(ctx context.Context) error
	// Progress is told in a few words what is being done; may be nil.
	Progress func(string)
}

// Verifier looks at servers. It holds no connections between calls and may be used concurrently.
type Verifier struct {
	o Options
}

// ErrVerify is what every failed check is; its text says what was seen and what to do.
var ErrVerify = errors.New("verification failed")

// New returns a Verifier.
func New(o Options) *Verifier {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Dial == nil {
		o.Dial = (&net.Dialer{Timeout: 10 * time.Second}).DialContext
	}
	if o.Patience == 0 {
		o.Patience = 10 * time.Minute
	}
	return &Verifier{o: o}
}

// Verify carries out the check that the target's role names and returns what it saw, in words. It can be
// repeated at any time: what an interrupted run left on the server is removed first.
func (v *Verifier) Verify(ctx context.Context, t Target) (evidence []string, err error) {
	if t.Progress == nil {
		t.Progress = func(string) {}
	}
	check := map[string]func(context.Context, Target) ([]string, error){
		CheckLibvirt: v.libvirt,
		CheckSwift:   v.swift,
		CheckNone:    func(context.Context, Target) ([]string, error) { return []string{"the role asks for no check"}, nil },
	}[t.Role.Verify]
	switch {
	case check == nil:
		return nil, fmt.Errorf("%w: role %s names the check %q: there are %s, %s and %s; correct the role's \"verify\"",
			ErrVerify, t.Role.Name, t.Role.Verify, CheckLibvirt, CheckSwift, CheckNone)
	case t.Role.Verify != CheckNone && !t.Address.IsValid():
		return nil, fmt.Errorf("%w: the address of %s is not known: did it get a lease?", ErrVerify, t.Name)
	}
	began := time.Now()
	evidence, err = check(ctx, t)
	if err != nil {
		return evidence, fmt.Errorf("%w: %s of %s at %s: %w", ErrVerify, t.Role.Verify, t.Name, t.Address, err)
	}
	v.o.Log.Info("role verified", "machine", t.Name, "role", t.Role.Name, "seconds", int(time.Since(began).Seconds()))
	return evidence, nil
}

// until calls try until it succeeds, or ctx ends; the error is then the last one of try.
func until(ctx context.Context, pause time.Duration, try func(context.Context) error) error {
	for {
		err := try(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause):
		}
	}
}
