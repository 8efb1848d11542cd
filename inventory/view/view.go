// Package view keeps in memory what the whole inventory says of who a machine is and what it boots, for those who
// must answer within microseconds: DHCP and the boot scripts. It follows the database by its events; it decides
// nothing and writes nothing but signs of life.
package view

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"socle/inventory"
)

// Source is the inventory's database; *store.Store is one.
type Source interface {
	// Sketches reads the machines that changed since the event after (0: all) and the number to go on from.
	Sketches(ctx context.Context, after int64) (changed []inventory.Sketch, last int64, err error)
	// Subscribe ticks when this process changed something.
	Subscribe() (changes <-chan struct{}, cancel func())
	Sighted(ctx context.Context, ids []string, at time.Time) error
}

const (
	every      = 500 * time.Millisecond // looks for changes of other processes
	pause      = 20 * time.Millisecond  // between two looks: a thousand changes are seen at once
	lookTime   = 10 * time.Second       // that a look may take
	sightEvery = 30 * time.Second       // signs of life are written so often
	maxAlike   = 64                     // more machines with one address or UUID are not compared here
)

// MaxAge is how old a view may be to recognise machines: what it says may be over, and a machine must not boot the
// disk that was to be erased meanwhile.
const MaxAge = 5 * time.Second

// View is the inventory in memory. It may be used by many goroutines.
type View struct {
	source Source
	log    *slog.Logger
	now    func() time.Time

	last   int64                     // event that it follows; of the one goroutine that refreshes
	looked atomic.Pointer[time.Time] // start of the last look that succeeded

	mu       sync.RWMutex
	machines map[string]*inventory.Sketch // by ID; a sketch is never changed, only replaced
	serial   map[string][]*inventory.Sketch
	uuid     map[string][]*inventory.Sketch
	bare     map[string][]*inventory.Sketch     // by UUID, those whose interfaces are not known: see alike
	mac      map[string][]*inventory.Sketch     // of interfaces and of BMCs
	addr     map[netip.Addr][]*inventory.Sketch // active machines

	sightMu sync.Mutex
	sighted map[string]struct{} // IDs, since they were last written
}

// New reads the whole inventory. now is the clock, nil for the real one.
func New(ctx context.Context, source Source, log *slog.Logger, now func() time.Time) (*View, error) {
	if now == nil {
		now = time.Now
	}
	v := &View{source: source, log: log, now: now, sighted: map[string]struct{}{}}
	v.clear()
	return v, v.Refresh(ctx)
}

func (v *View) clear() {
	v.machines, v.serial, v.uuid = map[string]*inventory.Sketch{}, map[string][]*inventory.Sketch{}, map[string][]*inventory.Sketch{}
	v.bare, v.mac, v.addr = map[string][]*inventory.Sketch{}, map[string][]*inventory.Sketch{}, map[netip.Addr][]*inventory.Sketch{}
}

// Refresh takes in what changed. Run calls it; only one goroutine may.
func (v *View) Refresh(ctx context.Context) error {
	began := v.now()
	changed, last, err := v.source.Sketches(ctx, v.last)
	if err == nil && last < v.last { // another database, or an older copy of it
		v.log.Warn("the history of the inventory is shorter than it was: reading all of it again", "was", v.last, "is", last)
		changed, last, err = v.source.Sketches(ctx, 0)
		if err == nil {
			v.mu.Lock()
			v.clear()
			v.mu.Unlock()
		}
	}
	if err != nil {
		return fmt.Errorf("following the inventory: %w", err)
	}
	if len(changed) > 0 {
		v.mu.Lock()
		for i := range changed {
			v.put(&changed[i])
		}
		v.mu.Unlock()
	}
	v.last = last
	v.looked.Store(&began)
	return nil
}

// put replaces what is known of a machine.
func (v *View) put(s *inventory.Sketch) {
	own := *s // a copy of its own: a list that was read is not kept for one of its machines
	if old := v.machines[own.ID]; old != nil {
		v.index(old, false)
	}
	v.machines[own.ID] = &own
	v.index(&own, true)
}

// index puts a machine under all that names it, or takes it away from there.
func (v *View) index(s *inventory.Sketch, in bool) {
	id := &s.Identity
	if id.Serial != "" {
		enter(v.serial, strings.ToLower(id.Serial), s, in)
	}
	if id.UUID != "" {
		enter(v.uuid, id.UUID, s, in)
		if len(id.NICMACs) == 0 {
			enter(v.bare, id.UUID, s, in)
		}
	}
	for _, mac := range id.NICMACs {
		enter(v.mac, mac, s, in)
	}
	if id.BMCMAC != "" {
		enter(v.mac, id.BMCMAC, s, in)
	}
	if s.State == inventory.Active && s.Address.IsValid() {
		enter(v.addr, s.Address, s, in)
	}
}

func enter[K comparable](m map[K][]*inventory.Sketch, key K, s *inventory.Sketch, in bool) {
	if in {
		m[key] = append(m[key], s)
		return
	}
	rest := slices.DeleteFunc(m[key], func(other *inventory.Sketch) bool { return other == s })
	if len(rest) == 0 {
		delete(m, key)
		return
	}
	m[key] = rest
}

// Age is how old the view is at most: the time since it last began to look for changes and got an answer.
func (v *View) Age() time.Duration { return v.now().Sub(*v.looked.Load()) }

// Size is the number of machines.
func (v *View) Size() int {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return len(v.machines)
}

// Run follows the inventory until ctx ends.
func (v *View) Run(ctx context.Context) error {
	changes, cancel := v.source.Subscribe()
	defer cancel()
	tick := time.NewTicker(every)
	defer tick.Stop()
	breath := time.NewTimer(0)
	defer breath.Stop()
	failed, wrote := false, v.now()
	for {
		select {
		case <-ctx.Done():
			v.writeSighted(context.WithoutCancel(ctx))
			return nil
		case <-changes:
		case <-tick.C:
		}
		look, done := context.WithTimeout(ctx, lookTime)
		err := v.Refresh(look)
		done()
		switch {
		case err != nil && ctx.Err() == nil && !failed:
			v.log.Warn("DHCP and boot scripts know the inventory as it was", "err", err, "age", v.Age())
		case err == nil && failed:
			v.log.Info("DHCP and boot scripts know the inventory again")
		}
		failed = err != nil
		if v.now().Sub(wrote) >= sightEvery {
			v.writeSighted(ctx)
			wrote = v.now()
		}
		breath.Reset(pause)
		select {
		case <-breath.C:
		case <-ctx.Done():
		}
	}
}

func (v *View) writeSighted(ctx context.Context) {
	v.sightMu.Lock()
	ids := make([]string, 0, len(v.sighted))
	for id := range v.sighted {
		ids = append(ids, id)
	}
	clear(v.sighted)
	v.sightMu.Unlock()
	if len(ids) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	if err := v.source.Sighted(ctx, ids, v.now()); err != nil {
		v.log.Warn("signs of life were lost", "machines", len(ids), "err", err)
	}
}
