// Package view keeps in memory what the whole inventory says of who a machine is and what it boots, for those who
// must answer within microseconds: DHCP and the boot scripts. It follows the database by its events; it decides
// nothing and writes nothing but signs of life.
package view

import (
	"context"
	"fmt"
	"log/slog"
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

	mu     sync.RWMutex
	shelf  shelf
	id     index // everything by which machines are found
	serial index
	uuid   index
	bare   index // by UUID, those whose interfaces are not known: see alike
	mac    index // of interfaces and of BMCs
	addr   index // active machines
	keys   keys

	sighted []uint32 // by the machine's number: 1 since it was seen; atomic, under mu read-locked
}

// New reads the whole inventory. now is the clock, nil for the real one.
func New(ctx context.Context, source Source, log *slog.Logger, now func() time.Time) (*View, error) {
	if now == nil {
		now = time.Now
	}
	v := &View{source: source, log: log, now: now, keys: newKeys()}
	v.clear()
	return v, v.Refresh(ctx)
}

func (v *View) clear() {
	v.shelf, v.sighted = shelf{}, nil
	v.id, v.serial, v.uuid, v.bare, v.mac, v.addr = newIndex(), newIndex(), newIndex(), newIndex(), newIndex(), newIndex()
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
	n, known := v.find(s.ID)
	if !known {
		n = v.shelf.add(s)
		v.sighted = append(v.sighted, 0)
		v.id.put(v.keys.text(s.ID), n)
	} else {
		old := v.shelf.get(n)
		v.index(n, &old, false)
		v.shelf.replace(n, s)
	}
	v.index(n, s, true)
}

// find is the number of a machine by its ID.
func (v *View) find(id string) (n uint32, ok bool) {
	v.id.all(v.keys.text(id), func(machine uint32) bool {
		n, ok = machine, string(v.shelf.id(machine)) == id
		return !ok
	})
	return n, ok
}

// index puts a machine under all that names it, or takes it away from there.
func (v *View) index(n uint32, s *inventory.Sketch, in bool) {
	id := &s.Identity
	if id.Serial != "" {
		v.serial.set(v.keys.fold(id.Serial), n, in)
	}
	if id.UUID != "" {
		v.uuid.set(v.keys.text(id.UUID), n, in)
		if len(id.NICMACs) == 0 {
			v.bare.set(v.keys.text(id.UUID), n, in)
		}
	}
	for _, mac := range id.NICMACs {
		v.mac.set(v.keys.mac(mac), n, in)
	}
	if id.BMCMAC != "" {
		v.mac.set(v.keys.mac(id.BMCMAC), n, in)
	}
	if s.State == inventory.Active && s.Address.IsValid() {
		v.addr.set(v.keys.addr(s.Address), n, in)
	}
}

// Age is how old the view is at most: the time since it last began to look for changes and got an answer.
func (v *View) Age() time.Duration { return v.now().Sub(*v.looked.Load()) }

// Size is the number of machines.
func (v *View) Size() int {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return len(v.shelf.spans)
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
	ids := v.takeSighted()
	if len(ids) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	if err := v.source.Sighted(ctx, ids, v.now()); err != nil {
		v.log.Warn("signs of life were lost", "machines", len(ids), "err", err)
	}
}

// takeSighted are the IDs of the machines that were seen since the last call.
func (v *View) takeSighted() (ids []string) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	for n := range v.sighted {
		if atomic.LoadUint32(&v.sighted[n]) != 0 && atomic.SwapUint32(&v.sighted[n], 0) != 0 {
			ids = append(ids, string(v.shelf.id(uint32(n)))) //nolint:gosec // a machine's number
		}
	}
	return ids
}
