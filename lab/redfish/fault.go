package redfish

import (
	"math/rand/v2"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync"
	"time"
)

// Kind is a way to misbehave.
type Kind string

// The kinds. Some hold for every request, some for requests that change something, some for one subject only.
const (
	Hang         Kind = "hang"          // takes the request and never answers
	Slow         Kind = "slow"          // waits For before it answers
	Disconnect   Kind = "disconnect"    // closes the connection without an answer
	Broken       Kind = "broken"        // answers 200 with something that is not JSON
	Unavailable  Kind = "unavailable"   // answers 503 with Retry-After
	Error        Kind = "error"         // answers 500
	Unauthorized Kind = "unauthorized"  // refuses logins and sessions (401)
	LockOut      Kind = "lock-out"      // a login, though it is right, locks its account as if many had been wrong
	DropSession  Kind = "drop-session"  // ends the session that asks, and answers 401
	Restarts     Kind = "restarts"      // restarts itself instead of answering, and is away for a time
	Conflict     Kind = "conflict"      // answers changes with 409
	Ignore       Kind = "ignore"        // answers changes with success and does nothing
	Lie          Kind = "lie"           // answers power changes with success, does nothing, and shows the power as asked
	ForgetBoot   Kind = "forget-boot"   // takes a boot override and does not keep it
	WrongBoot    Kind = "wrong-boot"    // keeps a boot override and shows another one
	WrongETag    Kind = "wrong-etag"    // shows an ETag that it does not accept
	LoseEvent    Kind = "lose-event"    // does not deliver an event
	FailWork     Kind = "fail-work"     // takes an order for a task, and the task fails
	StuckWork    Kind = "stuck-work"    // takes an order for a task, and the task never ends
	LoseSettings Kind = "lose-settings" // drops pending settings at the boot that should apply them
)

// Kinds are all kinds there are.
func Kinds() []Kind {
	return []Kind{
		Hang, Slow, Disconnect, Broken, Unavailable, Error, Unauthorized, LockOut, DropSession, Restarts, Conflict, Ignore, Lie,
		ForgetBoot, WrongBoot, WrongETag, LoseEvent, FailWork, StuckWork, LoseSettings,
	}
}

// changesOnly are the kinds that leave alone what only reads, unless the fault names methods itself.
var changesOnly = []Kind{Conflict, Ignore, Lie, ForgetBoot, FailWork, StuckWork}

// Fault is one way to misbehave, and when. Its zero value apart from Kind is: always.
type Fault struct {
	Kind    Kind
	Methods []string      // HTTP methods; none: all
	Path    string        // pattern of path.Match over the path; "/…/**" is all below; empty: all
	After   int           // how many occasions pass first
	Times   int           // how often it happens; 0: for ever
	Chance  float64       // how likely at each occasion, decided by the seed; 0: always
	For     time.Duration // Slow: the wait; Restarts: how long it is away, 0 its restart time
}

// matches tells whether the fault means such a request.
func (f *Fault) matches(method, p string) bool {
	if len(f.Methods) > 0 && !slices.Contains(f.Methods, method) {
		return false
	}
	if len(f.Methods) == 0 && slices.Contains(changesOnly, f.Kind) && reads(method) {
		return false
	}
	if f.Path == "" {
		return true
	}
	p = strings.TrimSuffix(p, "/")
	if below, ok := strings.CutSuffix(f.Path, "/**"); ok {
		return p == below || strings.HasPrefix(p, below+"/")
	}
	ok, _ := path.Match(f.Path, p) // Parse and Add refuse bad patterns
	return ok
}

func reads(method string) bool { return method == http.MethodGet || method == http.MethodHead }

// Faults are the orders to misbehave of one controller, in the order in which they were given; the zero value is a
// controller that works. They may be changed while it serves.
type Faults struct {
	mu     sync.Mutex
	random *rand.Rand
	orders []*order
}

type order struct {
	fault  Fault
	passed int
	done   int
}

func (f *Faults) seed(seed uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.random == nil {
		f.random = rand.New(rand.NewPCG(seed, 0x50c1e)) //nolint:gosec // chance that can be repeated is what is wanted
	}
}

// Add orders a fault and returns how to take the order back. It panics when the fault is no valid one: that is a
// mistake in a test; words of people go through ParseFault.
func (f *Faults) Add(fault Fault) (remove func()) {
	if err := fault.check(); err != nil {
		panic(err)
	}
	o := &order{fault: fault}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.orders = append(f.orders, o)
	return func() { f.drop(func(other *order) bool { return other == o }) }
}

// Remove takes back all orders of a kind.
func (f *Faults) Remove(kind Kind) { f.drop(func(o *order) bool { return o.fault.Kind == kind }) }

// Clear takes back all orders.
func (f *Faults) Clear() { f.drop(func(*order) bool { return true }) }

func (f *Faults) drop(which func(*order) bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.orders = slices.DeleteFunc(f.orders, which)
}

// Happened counts how often faults of a kind that are still ordered have happened.
func (f *Faults) Happened(kind Kind) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for _, o := range f.orders {
		if o.fault.Kind == kind {
			n += o.done
		}
	}
	return n
}

// occasion asks whether a fault of the kind happens now, and counts it.
func (f *Faults) occasion(kind Kind, method, path string) (Fault, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, o := range f.orders {
		switch {
		case o.fault.Kind != kind || !o.fault.matches(method, path):
		case o.fault.Times > 0 && o.done >= o.fault.Times:
		case o.passed < o.fault.After:
			o.passed++
		case o.fault.Chance > 0 && f.chance() >= o.fault.Chance:
		default:
			o.done++
			return o.fault, true
		}
	}
	return Fault{}, false
}

func (f *Faults) chance() float64 {
	if f.random == nil {
		f.random = rand.New(rand.NewPCG(0, 0x50c1e)) //nolint:gosec // as in seed
	}
	return f.random.Float64()
}
