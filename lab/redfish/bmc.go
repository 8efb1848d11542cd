package redfish

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"socle/internal/secret"
)

// Options describe one controller.
type Options struct {
	Machine  VM
	User     string
	Password secret.Secret
	Shape    *Shape           // whose controller it is like; nil: Generic
	Seed     uint64           // what it does by chance and what its sensors show; equal seeds, equal controllers
	Faults   *Faults          // nil: none so far; see BMC.Faults
	Log      *slog.Logger     // nil: silent
	Now      func() time.Time // nil: time.Now
	// WorkTime is how long a task of the controller takes (updates, erasing, volumes); 0 is 2 s.
	WorkTime time.Duration
	// RestartTime is how long the controller is away when it restarts; 0 is 3 s.
	RestartTime time.Duration
	// MustChange makes the first account one that can do nothing before it has changed its password.
	MustChange bool
	// CertFile keeps the certificate and its key over restarts of the program; "": each Serve makes a new one.
	CertFile string
}

// BMC is one emulated management controller. It answers all paths below /redfish, and Close ends what it does
// besides. It does one request at a time, as small controllers do; those that a fault holds do not hold others.
type BMC struct {
	vm      VM
	shape   *Shape
	seed    uint64
	faults  *Faults
	log     *slog.Logger
	now     func() time.Time
	work    time.Duration
	restart time.Duration

	certFile string

	journal journal
	boots   atomic.Int64 // boots of the machine that the settings have not seen yet
	away    atomic.Int64 // Unix nanoseconds until which the controller restarts

	ctx    context.Context // ends what runs besides requests
	cancel context.CancelFunc
	tasks  sync.WaitGroup

	mu       sync.Mutex // guards what follows
	accounts accounts
	sessions sessions
	events   events
	entries  logEntries
	works    works
	media    media
	bios     bios
	updates  updates
	storage  storage
	health   map[string]string // by component, what is not OK
	override pendingBoot
	certs    certificate
	claimed  string // power that the controller shows instead of the true one; empty: none
	led      bool
	asset    *string
	nicState nicSettings
	neighbor *Neighbor // heard at the controller's own port
}

// New returns the controller of one machine.
func New(o Options) *BMC {
	b := &BMC{
		vm: o.Machine, shape: o.Shape, seed: o.Seed, faults: o.Faults, log: o.Log, now: o.Now, work: o.WorkTime, restart: o.RestartTime,
		certFile: o.CertFile,
	}
	if b.shape == nil {
		b.shape = generic
	}
	if b.faults == nil {
		b.faults = new(Faults)
	}
	b.faults.seed(o.Seed)
	if b.log == nil {
		b.log = slog.New(slog.DiscardHandler)
	}
	if b.now == nil {
		b.now = time.Now
	}
	if b.work == 0 {
		b.work = 2 * time.Second
	}
	if b.restart == 0 {
		b.restart = 3 * time.Second
	}
	b.ctx, b.cancel = context.WithCancel(context.Background())
	b.accounts = newAccounts(b.shape, o.User, o.Password, o.MustChange)
	return b
}

// Close ends what the controller does besides answering, and waits for it.
func (b *BMC) Close() {
	b.mu.Lock()
	b.cancel()
	b.mu.Unlock()
	b.tasks.Wait()
}

// Faults are those of this controller; they may be ordered while it serves.
func (b *BMC) Faults() *Faults { return b.faults }

// Booted tells the controller that the machine begins a boot that was not asked of the controller: settings that
// wait for a boot come into force. It may be called by the machine at any time.
func (b *BMC) Booted() { b.boots.Add(1) }

// Restart makes the controller go away for its restart time, as after a reset of its own: connections get no answer,
// sessions end, the machine goes on.
func (b *BMC) Restart() {
	b.away.Store(b.now().Add(b.restart).UnixNano())
	b.mu.Lock()
	defer b.mu.Unlock()
	b.restarted()
}

// restarted forgets what a controller does not keep over a restart; the caller holds the lock.
func (b *BMC) restarted() {
	b.sessions.endAll()
	b.events.unplug()
}

// gone tells whether the controller is away.
func (b *BMC) gone() bool { return b.now().UnixNano() < b.away.Load() }

// settle lets what is due happen: work that ended, boots that the settings wait for. The caller holds the lock.
func (b *BMC) settle() {
	for range b.boots.Swap(0) {
		b.applyPending()
	}
	b.finishWorks()
}

// locked runs f under the lock, with everything up to date.
func (b *BMC) locked(f func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.settle()
	f()
}

// ServeHTTP implements http.Handler.
func (b *BMC) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := &call{Request: r, w: &answerWriter{ResponseWriter: w}}
	entry := Request{At: b.now(), Method: r.Method, Path: r.URL.Path}
	done := b.receive(c)
	entry.User, entry.Body, entry.Status, entry.Faults = c.name, c.body, c.w.status, c.hit
	b.journal.add(entry)
	b.log.Debug("redfish request", "method", r.Method, "path", r.URL.Path, "status", c.w.status)
	if !done {
		panic(http.ErrAbortHandler) // the way to end a request without an answer
	}
}

// receive answers a request, or returns false for one that gets no answer.
func (b *BMC) receive(c *call) bool {
	if b.gone() || !b.misbehave(c) {
		return false
	}
	c.w.Header().Set("OData-Version", "4.0")
	c.w.Header().Set("Cache-Control", "no-cache")
	if err := b.answer(c); err != nil {
		writeProblem(c.w, err)
	}
	return true
}
