package bmc

import (
	"context"
	"crypto/x509"
	"log/slog"
	"time"

	"socle/internal/secret"
	"socle/inventory"
)

// Target is one controller and the login to it.
type Target struct {
	Machine  string // the name of the server, for messages
	Protocol inventory.Protocol
	Address  string // host or host:port; IPv6 with a port in brackets
	User     string
	Password secret.Secret
	Trust    Trust    // by what the controller is known again
	Outlets  []string // of a PDU, that feed the server: numbers or names
}

// Info is what a controller says of its server and of itself; what it does not say is empty.
type Info struct {
	Protocol inventory.Protocol
	Vendor   string // of the server
	Model    string
	Serial   string
	UUID     string // lower case
	Firmware string // version of the controller's own
	MAC      string // of the controller's own interface
}

// Action is something to do to the power of a server.
type Action string

// The actions, beside NMI. Cycle is Off, a pause and On, each read back; Reset keeps the power on; Soft asks the operating
// system to shut down and does not wait for it.
const (
	On    Action = "on"
	Off   Action = "off"
	Cycle Action = "cycle"
	Reset Action = "reset"
	Soft  Action = "soft"
)

// Driver works on controllers. All methods obey ctx and have a deadline of their own besides; their errors
// are ErrAuth, ErrCertificate, ErrUnreachable, ErrReadBack, ErrUnsupported or ErrBusy (errors.Is), or none of them when the
// controller answered with an error of its own, and their texts are for people. None tries a refused login
// again, since controllers lock accounts. A change that failed may have happened all the same: On, Off and the
// next boot may be asked for again, while Cycle, Reset and Soft would happen a second time. It may be used by
// many goroutines.
type Driver struct {
	opts   Options
	plain  *direct
	guards []guard // from the caller inwards
}

// Options are the bounds of a driver; a zero value means the default.
type Options struct {
	ReadTimeout   time.Duration // of Probe, Power and the like; 20 s
	WriteTimeout  time.Duration // of SetPower, SetOverride and the like, waiting included; 90 s
	VitalsTimeout time.Duration // of what takes many questions: sensors, event log, firmware; 60 s
	ResetTimeout  time.Duration // of ResetBMC, until the controller is back; 6 min
	UpdateTimeout time.Duration // of StartUpdate, until the controller has the firmware if it is pushed; 10 min
	AwayTime      time.Duration // within which a controller that restarts must have gone silent; 20 s
	Settle        time.Duration // how long a server may take to follow a change of power; 30 s
	BootSettle    time.Duration // how long a controller may take to show a boot device it has accepted; 10 s
	OffTime       time.Duration // how long Cycle leaves a server without power; 3 s
	Rest          time.Duration // how long a controller that does not answer is left alone at first; 2 s, and a minute at most
	Calm          time.Duration // how long a refused login is remembered; 10 min
	Pace          time.Duration // between two calls to a controller that has used up its burst; 1 s
	Burst         int           // calls to a controller without a pause; 10
	Alive         time.Duration // after which an open console asks whether the controller is there; 15 s
	Log           *slog.Logger  // nil: silent
	// Roots are the authorities whose certificates are believed without having been seen before; nil: none.
	Roots *x509.CertPool
	// WebhookRoots are the authorities that may vouch for webhooks; nil: those of this host.
	WebhookRoots *x509.CertPool
}

func (o Options) withDefaults() Options {
	for _, d := range []struct {
		value    *time.Duration
		standard time.Duration
	}{
		{&o.ReadTimeout, 20 * time.Second}, {&o.WriteTimeout, 90 * time.Second}, {&o.VitalsTimeout, time.Minute},
		{&o.ResetTimeout, 6 * time.Minute}, {&o.UpdateTimeout, 10 * time.Minute}, {&o.AwayTime, 20 * time.Second}, {&o.Settle, 30 * time.Second},
		{&o.BootSettle, 10 * time.Second}, {&o.OffTime, 3 * time.Second}, {&o.Rest, 2 * time.Second},
		{&o.Calm, 10 * time.Minute}, {&o.Pace, time.Second}, {&o.Alive, 15 * time.Second},
	} {
		if *d.value <= 0 {
			*d.value = d.standard
		}
	}
	if o.Burst <= 0 {
		o.Burst = 10
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// New returns the driver with all its policy.
func New(o Options) *Driver {
	o = o.withDefaults()
	overLAN := newIPMI(o.Log)
	return &Driver{
		opts: o,
		plain: &direct{opts: o, protocols: map[inventory.Protocol]protocol{
			inventory.IPMI:    overLAN,
			inventory.Redfish: newRedfish(overLAN, o.Roots),
			inventory.PDU:     &pdu{kinds: outletTable()},
			inventory.Webhook: newWebhook(o.WebhookRoots),
		}},
		guards: []guard{
			explain{}, powerOnly{}, deadline{}, newBreaker(o.Rest), &turns{}, newBudget(o.Burst, o.Pace), newLogins(o.Calm),
		},
	}
}

// Probe logs in and asks who is there.
func (d *Driver) Probe(ctx context.Context, t Target) (Info, error) {
	return call(ctx, d, t, op{doing: "probing", limit: d.opts.ReadTimeout, power: true}, func(ctx context.Context) (Info, error) { return d.plain.Probe(ctx, t) })
}

// Power tells whether the server is on.
func (d *Driver) Power(ctx context.Context, t Target) (inventory.Power, error) {
	return call(ctx, d, t, op{doing: "reading the power of", limit: d.opts.ReadTimeout, power: true}, func(ctx context.Context) (inventory.Power, error) { return d.plain.Power(ctx, t) })
}

// SetPower does an action if it is needed, waits until the server has followed, and returns the power as it
// was read last.
func (d *Driver) SetPower(ctx context.Context, t Target, a Action) (inventory.Power, error) {
	return call(ctx, d, t, op{doing: a.doing(), limit: d.opts.WriteTimeout, power: true}, func(ctx context.Context) (inventory.Power, error) { return d.plain.SetPower(ctx, t, a) })
}
