package provision

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/riverqueue/river/rivertype"

	"socle/internal/secret"
	"socle/inventory"
)

// Options are the engine's collaborators. All are needed but View, Room, Recorder, Now and Log.
type Options struct {
	Store    Store
	View     View // nil: the store is asked for each boot
	BMC      BMC
	Accounts Accounts // nil: logins are not changed
	Firmware Firmware // nil: settings are not seen to
	Drives   Drives   // nil, as Media: no machine boots by virtual media
	Media    Media
	Disks    Disks   // nil: drives and volumes are not seen to
	Updates  Updater // nil: firmware is not updated
	Images   Images
	Seeds    Seeds
	Verifier Verifier
	Roles    []inventory.Role
	BurnIn   []inventory.BurnInPlan // none: machines are ready without tests
	// ServerURL is where agents and deployed systems reach the API, e.g. "https://198.18.0.1:8443";
	// CAFingerprint is the SHA-256 of the CA certificate that signs its certificate.
	ServerURL     string
	CAFingerprint string
	// BootKey signs boot tokens; all servers on one database have the same.
	BootKey secret.Secret
	Limits  Limits
	// UpdateLimits bound updates of firmware.
	UpdateLimits UpdateLimits
	// RotationGrace is how long the old account of a BMC is kept after a new one is in force: no call that read the
	// old password can still be under way then, in any server. Default 2 min.
	RotationGrace time.Duration
	// PowerDrift is what is done when the power of a machine is not as wanted, unless the machine or its role says
	// otherwise; empty: PowerAlarm.
	PowerDrift inventory.PowerPolicy
	Pauses     TuningPauses
	// BootTries is how many boots by one way may fail before the next is tried; 0: inventory.DefaultBootTries.
	BootTries int
	// Room says, as an error, that there is no room left where the inventory and the images are kept; nil: it
	// is not watched.
	Room func() error
	// Recorder takes the boot evidence that the engine makes; nil: it is forgotten.
	Recorder Recorder
	Now      func() time.Time
	Log      *slog.Logger
}

// Limits bound how long the parts of a road may take. A zero value takes the default.
type Limits struct {
	Boot      time.Duration // from power-on to the agent's first word; default 10 min
	Loader    time.Duration // from a loader that was fetched to its question what to boot; default 3 min
	AgentGone time.Duration // silence after which an agent counts as gone; default 2 min
	PhoneHome time.Duration // from the order to reboot to the deployed system's call; default 30 min
	Verify    time.Duration // default 30 min
	Inspect   time.Duration // whole state; default by the transition table
	Deploy    time.Duration // whole state; default by the transition table
}

func (l Limits) withDefaults() Limits {
	for _, d := range []struct {
		value *time.Duration
		byDef time.Duration
	}{{&l.Boot, 10 * time.Minute}, {&l.Loader, 3 * time.Minute}, {&l.AgentGone, 2 * time.Minute}, {&l.PhoneHome, 30 * time.Minute}, {&l.Verify, 30 * time.Minute}} {
		if *d.value == 0 {
			*d.value = d.byDef
		}
	}
	return l
}

// Engine moves machines on. Make it with New, run it with Run.
type Engine struct {
	Options
	signer  *signer
	queue   *river.Client[*sql.Tx] // only queues jobs; Run makes the clients that work on them
	started atomic.Pointer[time.Time]
	bell    *bell

	partners partners
	touched  sync.Map // machine ID → true: changed while its job ran
}

// New prepares the database for the jobs and binds the engine to the store: from then on every change of a
// machine queues its next step in the same transaction.
func New(ctx context.Context, o Options) (*Engine, error) {
	o.Limits, o.Pauses, o.UpdateLimits = o.Limits.withDefaults(), o.Pauses.withDefaults(), o.UpdateLimits.withDefaults()
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.RotationGrace == 0 {
		o.RotationGrace = 2 * time.Minute
	}
	if o.Room == nil {
		o.Room = func() error { return nil }
	}
	if o.BootKey.Empty() {
		return nil, errors.New("making the engine: the key of boot tokens is missing")
	}
	if o.Recorder == nil {
		o.Recorder = noRecorder{}
	}
	e := &Engine{Options: o, signer: newSigner(o.BootKey), bell: newBell(o.Store, o.Log, o.Now)}
	e.start()
	driver, err := riverDriver(o.Store)
	if err != nil {
		return nil, err
	}
	migrator, err := rivermigrate.New(driver, &rivermigrate.Config{Logger: quiet(o.Log)})
	if err != nil {
		return nil, fmt.Errorf("preparing the migration of the job tables: %w", err)
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return nil, fmt.Errorf("migrating the job tables: %w", err)
	}
	e.queue, err = river.NewClient(driver, &river.Config{Logger: quiet(o.Log)})
	if err != nil {
		return nil, fmt.Errorf("making the job client: %w", err)
	}
	o.Store.SetEnqueue(e.enqueue)
	return e, nil
}

// start notes from when on silence counts: agents and systems cannot be heard before.
func (e *Engine) start() {
	now := e.Now()
	e.started.Store(&now)
}

// heardSince is the later of a time and the engine's start.
func (e *Engine) heardSince(at time.Time) time.Time {
	if started := *e.started.Load(); started.After(at) {
		return started
	}
	return at
}

const (
	jobTimeout  = 4 * time.Minute // of one step: BMC calls with their own deadlines, nothing longer
	sweepEvery  = 15 * time.Second
	verifyQueue = "verify"
	updateQueue = "firmware"
)

// worker is a client that works on jobs, under an ID by which others can tell whether it lives.
func (e *Engine) worker(id string) (*river.Client[*sql.Tx], error) {
	driver, err := riverDriver(e.Store)
	if err != nil {
		return nil, err
	}
	workers := river.NewWorkers()
	river.AddWorker(workers, &advanceWorker{worker[advanceArgs]{engine: e}})
	river.AddWorker(workers, &verifyWorker{worker[verifyArgs]{engine: e}})
	river.AddWorker(workers, &rotateWorker{worker[rotateArgs]{engine: e}})
	river.AddWorker(workers, &tuneWorker{worker[tuneArgs]{engine: e}})
	river.AddWorker(workers, &storageWorker{worker[storageArgs]{engine: e}})
	river.AddWorker(workers, &campaignWorker{worker[campaignArgs]{engine: e}})
	river.AddWorker(workers, &updateWorker{worker[updateArgs]{engine: e}})
	river.AddWorker(workers, &sweepWorker{engine: e})
	client, err := river.NewClient(driver, &river.Config{
		ID:                   id,
		Logger:               quiet(e.Log),
		Workers:              workers,
		Queues:               map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: 128}, verifyQueue: {MaxWorkers: 32}, updateQueue: {MaxWorkers: 256}},
		FetchCooldown:        10 * time.Millisecond,
		FetchPollInterval:    500 * time.Millisecond,
		JobTimeout:           jobTimeout,
		RescueStuckJobsAfter: jobTimeout + time.Minute,
		PeriodicJobs: []*river.PeriodicJob{river.NewPeriodicJob(river.PeriodicInterval(sweepEvery),
			func() (river.JobArgs, *river.InsertOpts) { return sweepArgs{}, nil }, &river.PeriodicJobOpts{RunOnStart: true})},
	})
	if err != nil {
		return nil, fmt.Errorf("making the job client: %w", err)
	}
	return client, nil
}

func riverDriver(db Database) (riverdriver.Driver[*sql.Tx], error) {
	switch db.Dialect() {
	case "sqlite":
		return riversqlite.New(db.SQL()), nil
	case "postgres":
		return riverdatabasesql.New(db.SQL()), nil
	default:
		return nil, fmt.Errorf("unknown database dialect %q: use sqlite or postgres", db.Dialect())
	}
}

// quiet passes on River's warnings and errors only: its info lines are about itself, not about machines.
func quiet(l *slog.Logger) *slog.Logger { return slog.New(levelHandler{l.Handler(), slog.LevelWarn}) }

type levelHandler struct {
	slog.Handler
	least slog.Level
}

func (h levelHandler) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= h.least && h.Handler.Enabled(ctx, l)
}

func (h levelHandler) WithAttrs(a []slog.Attr) slog.Handler {
	return levelHandler{h.Handler.WithAttrs(a), h.least}
}

func (h levelHandler) WithGroup(n string) slog.Handler {
	return levelHandler{h.Handler.WithGroup(n), h.least}
}

// unique makes a job the machine's lock: at most one is queued or running. A finished one does not count.
var unique = river.UniqueOpts{ByArgs: true, ByState: []rivertype.JobState{
	rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRunning,
	rivertype.JobStateRetryable, rivertype.JobStateScheduled}}

// enqueue queues "advance this machine" in the transaction that changed it. A job that sleeps is woken; one
// that runs is told to look once more before it sleeps.
func (e *Engine) enqueue(ctx context.Context, tx *sql.Tx, machineID string) error {
	res, err := e.queue.InsertTx(ctx, tx, advanceArgs{Machine: machineID}, &river.InsertOpts{UniqueOpts: unique})
	if err != nil {
		return fmt.Errorf("queueing the next step: %w", err)
	}
	switch {
	case !res.UniqueSkippedAsDuplicate:
	case res.Job.State == rivertype.JobStateRunning:
		e.touched.Store(machineID, true)
	default:
		if _, err := e.queue.JobRetryTx(ctx, tx, res.Job.ID); err != nil && !errors.Is(err, rivertype.ErrNotFound) {
			return fmt.Errorf("waking the next step: %w", err)
		}
	}
	return nil
}
