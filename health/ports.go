package health

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"socle/inventory"
)

// ErrRefused is in the chain of errors of a BMC that answered and refused the login.
var ErrRefused = errors.New("the BMC refuses the login")

// BMC asks the controllers. Its calls end by themselves within some minutes.
type BMC interface {
	// Vitals looks at a server. Of the BMC's log it returns what came after the mark.
	Vitals(ctx context.Context, m inventory.Machine, since inventory.LogMark) (inventory.Vitals, error)
	// Locate switches the locator light.
	Locate(ctx context.Context, m inventory.Machine, on bool, last time.Duration) (inventory.Locator, error)
}

// Energy is told what a look found of the power, when it is not what is known already. It says what is to be complained
// of, and whether to look again sooner than usual; 0: no.
type Energy interface {
	SeePower(ctx context.Context, m inventory.Machine, seen inventory.PowerSight) (complaint string, again time.Duration, err error)
}

// Store keeps what was seen.
type Store interface {
	Roster(ctx context.Context) ([]inventory.Machine, error) // by name, without facts
	Machine(ctx context.Context, ref string) (inventory.Machine, error)
	Conditions(ctx context.Context) ([]inventory.Condition, error)
	AddLooks(ctx context.Context, looks []inventory.Look) error
	Tenure(ctx context.Context, name, holder string, length time.Duration) (bool, error)
	Lights(ctx context.Context) ([]inventory.Lit, error)
	Unlight(ctx context.Context, machineID string, until time.Time) error
	Append(ctx context.Context, e inventory.Event) error
	// TakeHints returns the machines whose BMCs have told of something, each once.
	TakeHints(ctx context.Context) ([]string, error)
}

// Options are what a Watch is made of.
type Options struct {
	Store    Store
	BMC      BMC
	Energy   Energy        // nil: the power is only looked at
	Ears     Ears          // nil: BMCs are only asked
	Every    time.Duration // between two looks at one server; 0: only lights are looked after
	Parallel int           // looks at once; 0: 32. Slow ones do not count: see package crowd
	Holder   string        // of this process, unlike that of any other
	Log      *slog.Logger  // nil: silent
}

// Bounds.
const (
	slowAfter    = 2 * time.Second // a look that has taken longer gives its place on
	inFlight     = 8               // times Parallel run at most, the slow ones included
	sickParallel = 8               // places of those that failed last time
	refusedRest  = 15 * time.Minute
	tenureLength = time.Minute
	tenureEvery  = 20 * time.Second
	listEvery    = 30 * time.Second // the machines are read anew
	writeEvery   = time.Second
	writeBatch   = 128
	writeQueue   = 4096
	firstWithin  = 10 * time.Second // of a start, or of a new machine
)

func (o Options) withDefaults() Options {
	if o.Parallel <= 0 {
		o.Parallel = 32
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}
