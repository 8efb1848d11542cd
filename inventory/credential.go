package inventory

import "time"

// Origin is who chose a login.
type Origin string

// Where logins come from.
const (
	FromManifest Origin = ""       // of the delivery, usually the factory's
	FromPerson   Origin = "person" // typed in
	FromSocle    Origin = "socle"  // made here, known to nobody
)

// Rotation is a change of the login of a BMC that is under way. The login in force is the machine's own until
// Switched, and works until then whatever happens to the new one; the other password of the two that are stored is
// the new one before Switched, and the old one after it.
type Rotation struct {
	User     string    `json:"user"`               // the new account
	Began    time.Time `json:"began"`              // when it was written down, before the BMC was told anything
	Switched time.Time `json:"switched,omitzero"`  // when the new login was proven and put in force
	OldUser  string    `json:"old_user,omitempty"` // after Switched: the account that is no longer used
	// OldOrigin is where the old login came from: only what Socle made is taken away unasked.
	OldOrigin Origin `json:"old_origin,omitempty"`
	// Own: the password of the account in force is changed, because the BMC wants that before anything else; then follows a
	// change to another account.
	Own  bool      `json:"own,omitempty"`
	Sent time.Time `json:"sent,omitzero"` // of Own: when the BMC was told, which may have happened or not

	RemoveOld bool   `json:"remove_old,omitempty"` // a person wants it gone wherever it came from
	Problem   string `json:"problem,omitempty"`    // what was in its way last
	// InBand: the new account is made by the agent inside the server, since no login to the BMC is known that works.
	// Made is when it did so.
	InBand bool      `json:"in_band,omitempty"`
	Made   time.Time `json:"made,omitzero"`
	// Stopped is when it was given up for a person to look at; it goes on when it is ordered again.
	Stopped time.Time `json:"stopped,omitzero"`
}

// Pending tells whether there is a change whose new login is not in force yet.
func (r *Rotation) Pending() bool { return r != nil && r.Switched.IsZero() }

// String implements fmt.Stringer.
func (o Origin) String() string {
	if o == FromManifest {
		return "manifest"
	}
	return string(o)
}

// String says in words how far a rotation is; nothing when there is none.
func (r *Rotation) String() string {
	what := "to account "
	if r != nil && r.Own {
		what = "of the password of account "
	}
	switch {
	case r == nil:
		return ""
	case !r.Stopped.IsZero():
		return "the change " + what + r.User + " stopped: " + r.Problem
	case r.Problem != "":
		return "the change " + what + r.User + " waits: " + r.Problem
	case r.InBand && r.Made.IsZero():
		return "account " + r.User + " is to be made by the agent, at the server's next boot of the ramdisk if none runs"
	case r.Own:
		return "the password of account " + r.User + " is being changed, which the BMC wants before anything else"
	case r.Switched.IsZero():
		return "account " + r.User + " is being made"
	default:
		return "account " + r.OldUser + " is no longer used, and kept for another moment"
	}
}
