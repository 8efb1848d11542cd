package web

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"socle/api"
	"socle/inventory"
	"socle/inventory/cabling"
	"socle/inventory/elevation"
	"socle/inventory/offline"
)

// maxSync bounds a snapshot with its journal as they are sent, in bytes.
const maxSync = 48 << 20

// snapshotLife is how long work can begin with a snapshot, when nothing else is said.
const snapshotLife = 7 * 24 * time.Hour

// Some of the conflicts are listed: nobody reads more.
const maxConflicts, maxDecided = 500, 100

type (
	snapshotInput struct{ Body api.SnapshotRequest }
	syncInput     struct{ Body api.SyncRequest }
	decisionInput struct {
		ID   string `path:"id" maxLength:"100"`
		Body api.Decision
	}
)

func (s *Server) restAisle(a huma.API) {
	register(s, a, post("take-snapshot", api.PathSnapshots, "Take a signed snapshot of racks, to work in the aisle without a network", "places"),
		func(ctx context.Context, in *snapshotInput) (*body[api.SnapshotFile], error) {
			f, err := s.takeSnapshot(ctx, in.Body)
			return &body[api.SnapshotFile]{api.SnapshotFile(f)}, err
		})
	op := post("sync-snapshot", api.PathSync, "Bring what was done in the aisle: each act is applied once, or is a conflict for a person", "places")
	op.MaxBodyBytes = maxSync
	register(s, a, op, func(ctx context.Context, in *syncInput) (*body[api.SyncReply], error) {
		r, err := s.syncAisle(ctx, in.Body)
		return &body[api.SyncReply]{r}, err
	})
	register(s, a, get("list-conflicts", api.PathConflicts, "What was done in the aisle and contradicts what is known, and how it was decided", "places"),
		func(ctx context.Context, _ *none) (*body[api.ConflictList], error) {
			l, err := s.conflicts(ctx)
			return &body[api.ConflictList]{l}, err
		})
	register(s, a, post("decide-conflict", api.PathConflicts+"/{id}", "Decide a conflict: what was done in the aisle, or what was known", "places"),
		func(ctx context.Context, in *decisionInput) (*body[api.AisleAct], error) {
			act, err := s.decide(ctx, in.ID, in.Body)
			return &body[api.AisleAct]{actOut(act)}, err
		})
}

// takeSnapshot gathers what is needed at some racks, and has it signed.
func (s *Server) takeSnapshot(ctx context.Context, r api.SnapshotRequest) (offline.File, error) {
	racks, machines, _, err := s.standing(ctx)
	if err != nil {
		return offline.File{}, err
	}
	wanted, err := wantedRacks(racks, r)
	if err != nil {
		return offline.File{}, err
	}
	life := snapshotLife
	if r.Hours > 0 {
		life = time.Duration(r.Hours) * time.Hour
	}
	now := s.o.Now().UTC()
	snap := offline.Snapshot{ID: rand.Text(), Taken: now, Expires: now.Add(life), Actor: actor(ctx), Scope: wanted}
	fixtures, err := s.o.Places.Fixtures(ctx)
	if err != nil {
		return offline.File{}, err
	}
	for _, f := range fixtures {
		if snap.Covers(f.Place.RackName()) {
			snap.Fixtures = append(snap.Fixtures, f)
		}
	}
	if err := s.carryServers(ctx, &snap, machines); err != nil {
		return offline.File{}, err
	}
	return s.o.Aisle.SealSnapshot(ctx, snap)
}

// wantedRacks are the full names of the racks that are asked for.
func wantedRacks(racks []elevation.Rack, r api.SnapshotRequest) (all []string, err error) {
	for _, ref := range r.Racks {
		one, err := elevation.Find(racks, ref)
		if err != nil {
			return nil, err
		}
		all = append(all, one.Name())
	}
	for _, one := range racks {
		if r.Site != "" && one.Place.Rack != "" && strings.EqualFold(one.Place.Site, r.Site) {
			all = append(all, one.Name())
		}
	}
	switch {
	case len(all) == 0 && r.Site != "":
		return nil, newProblem(http.StatusNotFound, fmt.Sprintf("site %q has no racks", r.Site))
	case len(all) == 0:
		return nil, newProblem(http.StatusUnprocessableEntity, "say of which racks, or of which site")
	}
	return all, nil
}

// carryServers puts the servers into a snapshot: those of its racks with what is wrong with them and how they are to be
// cabled, the others so that they are known.
func (s *Server) carryServers(ctx context.Context, snap *offline.Snapshot, machines map[string]inventory.Machine) error {
	t, err := s.tidings(ctx)
	if err != nil {
		return err
	}
	for _, m := range machines {
		x := offline.Server{ID: m.ID, Name: m.Name, Serial: m.Serial(), AssetTag: m.Identity.AssetTag, Place: m.Place}
		if !snap.Covers(m.Place.RackName()) {
			snap.Others = append(snap.Others, x)
			continue
		}
		i := elevation.Server(m)
		x.Model, x.State, x.Power, x.Trouble, x.Fault, x.Held = m.Model, i.State, i.Power, i.Text, i.Fault, i.Held
		racking, racked := t.racked(m)
		if racked {
			x.Racked = &offline.Racked{Actor: racking.Actor, Time: racking.Time}
		}
		for _, u := range m.Undone(racked, t.found[m.ID]) {
			x.Wrong = append(x.Wrong, offline.Wrong(u))
		}
		for _, u := range m.Undone(true, t.found[m.ID]) {
			x.Then = append(x.Then, offline.Wrong(u))
		}
		snap.Servers = append(snap.Servers, x)
	}
	plan, err := s.o.Cabling.CablePlan(ctx, "")
	if err != nil {
		return err
	}
	for _, c := range plan.Cables {
		if m, known := machines[c.Server]; known && snap.Covers(m.Place.RackName()) {
			snap.Cables = append(snap.Cables, cabling.Cable{Server: c.Server, Port: c.Port, Switch: c.Switch, SwitchPort: c.SwitchPort, Group: c.Group, Label: c.Label, Colour: c.Colour, Length: c.Length})
		}
	}
	snap.Sort()
	return nil
}

// syncAisle takes in what was done in the aisle.
func (s *Server) syncAisle(ctx context.Context, r api.SyncRequest) (api.SyncReply, error) {
	snap, err := s.o.Aisle.OpenSnapshot(ctx, offline.File(r.Snapshot))
	if err != nil {
		return api.SyncReply{}, err
	}
	chain, torn, err := offline.Parse(r.Journal, snap.ID)
	if err == nil && len(torn) > 0 {
		err = fmt.Errorf("%w: it does not end with a whole line", offline.ErrDamaged)
	}
	if err != nil {
		return api.SyncReply{}, newProblem(http.StatusUnprocessableEntity, err.Error())
	}
	now := s.o.Now()
	b := offline.Batch{Snapshot: snap, Entries: chain.Entries, SentBy: actor(ctx), Skew: r.Clock.Sub(now)}
	if err := b.Check(); err != nil {
		return api.SyncReply{}, newProblem(http.StatusUnprocessableEntity, err.Error())
	}
	acts, err := s.o.Aisle.SyncActs(ctx, b, r.DryRun)
	if err != nil {
		return api.SyncReply{}, err
	}
	return api.SyncReply{DryRun: r.DryRun, Acts: actsOut(acts), Clock: offline.Skew(b.Skew), Odd: chain.Odd(snap, now)}, nil
}

func (s *Server) conflicts(ctx context.Context) (out api.ConflictList, err error) {
	open, err := s.o.Aisle.Acts(ctx, inventory.ActFilter{Open: true, Limit: maxConflicts})
	if err != nil {
		return out, err
	}
	decided, err := s.o.Aisle.Acts(ctx, inventory.ActFilter{Decided: true, Limit: maxDecided})
	return api.ConflictList{Open: actsOut(open), Decided: actsOut(decided)}, err
}

// decide decides a conflict. What cannot be decided so is a problem that says what is the matter.
func (s *Server) decide(ctx context.Context, id string, d api.Decision) (offline.Act, error) {
	a, err := s.o.Aisle.DecideAct(ctx, id, actor(ctx), d.Reason, d.Take == string(offline.Mine))
	if errors.Is(err, offline.ErrDecided) || errors.Is(err, offline.ErrMoved) || errors.Is(err, offline.ErrImpossible) {
		err = newProblem(http.StatusConflict, err.Error())
	}
	return a, err
}

func actsOut(acts []offline.Act) []api.AisleAct {
	all := make([]api.AisleAct, len(acts))
	for i, a := range acts {
		all[i] = actOut(a)
	}
	return all
}

func actOut(a offline.Act) api.AisleAct {
	out := api.AisleAct{ID: a.ID, Kind: string(a.Kind), What: a.What(), Rack: a.Rack, Machine: a.Name, Actor: a.Actor, Time: a.Time, Clock: offline.Skew(a.Skew),
		SentBy: a.SentBy, Synced: a.Synced, Outcome: string(a.Outcome), Again: a.Again, Why: a.Why, Known: a.Known}
	if a.Change.Actor != "" {
		out.Change = &api.AisleChange{Actor: a.Change.Actor, Time: a.Change.Time, What: a.Change.What}
	}
	if a.Decider != "" {
		out.Decided = &api.AisleDecided{Actor: a.Decider, Time: a.Decided, Reason: a.Reason}
	}
	return out
}
