package bmc

import (
	"context"
	"errors"

	"socle/inventory"
)

// What can go wrong with a controller, as far as a caller acts differently on it.
var (
	// ErrAuth: it answers and refuses the user or the password.
	ErrAuth = errors.New("the BMC refuses the login")
	// ErrPassword: it lets the user in, and lets him do nothing but change his password first.
	ErrPassword = errors.New("the BMC wants the password of this user changed before anything else")
	// ErrCertificate: what answers does not show the certificate, or the host key, that the controller is known by. No
	// password was sent.
	ErrCertificate = errors.New("what answers is not known to be this BMC")
	// ErrUnreachable: it does not answer, or not in time.
	ErrUnreachable = errors.New("the BMC does not answer")
	// ErrReadBack: it accepted a change, and the change did not happen.
	ErrReadBack = errors.New("the BMC accepted a change that did not happen")
	// ErrUnsupported: it cannot do this, or not in the server's present state.
	ErrUnsupported = errors.New("the BMC cannot do this")
	// ErrBusy: another call kept the controller busy until the deadline.
	ErrBusy = errors.New("the BMC is busy with another call")
	// ErrHeld: somebody else has the server's console open through the BMC.
	ErrHeld = errors.New("the console is open in another session of the BMC")
	// ErrTaken: somebody else has taken the console away through the BMC.
	ErrTaken = errors.New("the console was taken over in another session of the BMC")
)

// remedies say what a person can do about each.
var remedies = []struct {
	kind   error
	remedy string
}{
	{ErrAuth, "check the user and the password of this BMC before trying again: many lock an account after a few wrong logins"},
	{ErrPassword, "socle bmc rotate does that"},
	{ErrCertificate, "no password was sent: somebody may be answering in its place. If the BMC was replaced, reset or given a new certificate, compare what it shows with the BMC's own pages and accept it with socle bmc trust"},
	{ErrReadBack, "look at the server's console and at the BMC's own event log; a reset of the BMC often helps"},
	{ErrUnsupported, ""}, // each says itself what to do
	{ErrBusy, "try again later"},
	{ErrHeld, "take it over, or end the other session"},
	{ErrTaken, ""},
	{inventory.ErrTarget, "nothing was done; look at what is there now (socle bmc storage show) before ordering it anew"},
	{ErrUnreachable, "check the BMC's address and protocol, its cable and power, and that it can be reached from this host"},
}

// sentinels returns which of the known errors err is, for the chain of an error whose own text is not shown.
func sentinels(err error) []error {
	var found []error
	for _, r := range remedies {
		if errors.Is(err, r.kind) {
			found = append(found, r.kind)
		}
	}
	for _, c := range []error{context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, c) {
			found = append(found, c)
		}
	}
	return found
}
