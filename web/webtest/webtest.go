// Package webtest is an in-memory world for tests of package web, its pages and the clients of its API: a
// rack with servers on every part of their road. It keeps the contracts of web's interfaces and does no work.
package webtest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"socle/api"
	"socle/inventory"
	"socle/inventory/offline"
	"socle/web"
)

// The tokens that the world knows.
const (
	AdminToken = "admin-token-of-the-test"
	AgentToken = "agent-token-of-the-test"
	BootToken  = "boot-token-of-the-test"
	HomeToken  = "home-token-of-the-test"
)

// World is everything behind the web server.
type World struct {
	Dir string // of chunks
	Now func() time.Time

	mu        sync.Mutex
	machines  []inventory.Machine
	orders    map[string][]inventory.Order
	events    []inventory.Event
	evidence  []inventory.Evidence
	images    []api.Image
	indexes   map[string][]byte
	waiting   []api.Order
	mappings  []inventory.Mapping
	ordered   []inventory.Delivery
	baselines []inventory.Baseline
	models    []inventory.Document
	accepting
	campaign inventory.Campaign
	measured []inventory.Measurement
	outliers api.OutlierReport
	findings []inventory.Findings
	queries  map[string]inventory.SavedQuery
	fixtures []inventory.Fixture
	rackings map[string]inventory.Racking
	acts     []offline.Act
	cabling  api.CableReport
	answered func(machines string)
	hosts    map[string]*host
	subs     map[chan struct{}]bool
	// Calls lists what was done, one line for each call that changes something.
	calls []string
	// Fail, when set, is what every call answers.
	fail error

	consoles func() *Consoles
}

// New makes an empty world.
func New(dir string, now func() time.Time) *World {
	w := &World{Dir: dir, Now: now, orders: map[string][]inventory.Order{}, indexes: map[string][]byte{}, subs: map[chan struct{}]bool{}}
	w.consoles = sync.OnceValue(func() *Consoles { return newConsoles(w) })
	return w
}

// Options wires the world into a web server's options.
func (w *World) Options() web.Options {
	return web.Options{
		Auth: w, Inventory: w, History: w, Changes: w, Verbs: w, Power: w, Health: w, BMCs: w, Trust: w, Keyring: ring{w}, Drives: w, Settings: w, Disks: w, Finder: w, Importer: w, Mappings: w, Deliveries: w, Catalogue: catalogue{w},
		Agents: w, PhoneHome: w, Images: w, Consoles: w.consoles(), Guests: w.consoles(), Roles: Roles(), Subnets: Subnets(), Version: "test", Now: w.Now,
		Baselines: w, Campaigns: w, Measured: w, Outliers: w, Searches: w, Planner: w,
		Findings: w, Cabling: w, Places: w, BurnIn: Plans(),
		Metrics:      http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(rw, "socle_up 1\n") }),
		Models:       w,
		NetBox:       w,
		Aisle:        w,
		Acceptance:   w,
		Papers:       w,
		Certificates: w,
		Parts:        w, Compared: w,
	}
}

// Fail makes every call answer with err, until it is nil again.
func (w *World) Fail(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fail = err
}

// Calls returns what was done.
func (w *World) Calls() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.calls)
}

func notFound(ref string) error {
	return fmt.Errorf("machine %q: %w", ref, inventory.ErrNotFound)
}

// Authenticate implements web.Authenticator.
func (w *World) Authenticate(_ context.Context, bearer string) (web.Actor, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fail != nil {
		return web.Actor{}, w.fail
	}
	if bearer != AdminToken {
		return web.Actor{}, api.NewProblem(http.StatusUnauthorized, api.ErrUnauthorized, "this token is not known")
	}
	return web.Actor{Name: "token:admin"}, nil
}

// Put adds or replaces a machine.
func (w *World) Put(m inventory.Machine) {
	w.mu.Lock()
	defer w.mu.Unlock()
	i := slices.IndexFunc(w.machines, func(o inventory.Machine) bool { return o.ID == m.ID })
	if i < 0 {
		w.machines = append(w.machines, m)
	} else {
		w.machines[i] = m
	}
	slices.SortFunc(w.machines, func(a, b inventory.Machine) int { return strings.Compare(a.Name, b.Name) })
	w.tick()
}

// PutOrder adds an order, or replaces the one with its ID.
func (w *World) PutOrder(o inventory.Order) {
	w.mu.Lock()
	defer w.mu.Unlock()
	list := w.orders[o.Machine]
	if i := slices.IndexFunc(list, func(x inventory.Order) bool { return x.ID == o.ID }); i >= 0 {
		list[i] = o
	} else {
		w.orders[o.Machine] = append([]inventory.Order{o}, list...)
	}
	w.tick()
}

// Append adds an event and gives it its number.
func (w *World) Append(e inventory.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	e.Seq = int64(len(w.events) + 1)
	w.events = append(w.events, e)
	w.tick()
}

// See adds evidence.
func (w *World) See(e inventory.Evidence) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.evidence = append(w.evidence, e)
}

func (w *World) tick() {
	for c := range w.subs {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

// Subscribe implements web.Changes.
func (w *World) Subscribe() (<-chan struct{}, func()) {
	c := make(chan struct{}, 1)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.subs[c] = true
	return c, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.subs, c)
	}
}

// Machine implements web.Inventory.
func (w *World) Machine(_ context.Context, ref string) (inventory.Machine, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.find(ref)
}

func (w *World) find(ref string) (inventory.Machine, error) {
	if w.fail != nil {
		return inventory.Machine{}, w.fail
	}
	for _, m := range w.machines {
		if ref != "" && (m.ID == ref || m.Name == ref || m.Identity.Serial == ref) {
			return m, nil
		}
	}
	return inventory.Machine{}, notFound(ref)
}

// Machines implements web.Inventory.
func (w *World) Machines(context.Context) ([]inventory.Machine, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.machines), w.fail
}

// Orders implements web.Inventory.
func (w *World) Orders(_ context.Context, id string) ([]inventory.Order, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.orders[id]), w.fail
}

// Events implements web.History.
func (w *World) Events(_ context.Context, f inventory.EventFilter) ([]inventory.Event, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var list []inventory.Event
	for _, e := range w.events {
		if e.Seq > f.After && (f.Machine == "" || f.Machine == e.Machine) {
			list = append(list, e)
		}
	}
	if f.Limit > 0 && len(list) > f.Limit {
		if f.Latest {
			list = list[len(list)-f.Limit:]
		} else {
			list = list[:f.Limit]
		}
	}
	return list, w.fail
}

// Evidence implements web.History.
func (w *World) Evidence(_ context.Context, who string, limit int) ([]inventory.Evidence, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var list []inventory.Evidence
	for _, e := range slices.Backward(w.evidence) {
		if (e.Machine == who || e.MAC == who) && len(list) < limit {
			list = append(list, e)
		}
	}
	return list, w.fail
}

// change alters a machine, notes the call and tells everybody.
func (w *World) change(call, actor, ref string, fn func(*inventory.Machine) error) (inventory.Machine, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	m, err := w.find(ref)
	if err != nil {
		return m, err
	}
	if err := fn(&m); err != nil {
		return m, err
	}
	m.Version++
	i := slices.IndexFunc(w.machines, func(o inventory.Machine) bool { return o.ID == m.ID })
	w.machines[i] = m
	w.calls = append(w.calls, actor+" "+call+" "+m.Name)
	w.events = append(w.events, inventory.Event{
		Seq: int64(len(w.events) + 1), Time: w.Now(), Machine: m.ID, Name: m.Name, Actor: actor, Kind: "verb", Reason: call,
	})
	w.tick()
	return m, nil
}

// Deploy implements web.Verbs.
func (w *World) Deploy(_ context.Context, actor, ref string, req api.DeployRequest) (inventory.Machine, error) {
	return w.change("deploy "+req.Role, actor, ref, func(m *inventory.Machine) error {
		if req.Serial != m.Identity.Serial {
			return api.NewProblem(http.StatusUnprocessableEntity, api.ErrSerial, fmt.Sprintf("%s has the serial number %s, not %q", m.Name, m.Identity.Serial, req.Serial))
		}
		if m.Hold != nil {
			return api.NewProblem(http.StatusConflict, api.ErrHeld, m.Name+" is held: "+m.Hold.Reason)
		}
		m.Intent = inventory.Intent{State: inventory.Active, Role: req.Role, Actor: actor, Serial: req.Serial}
		return nil
	})
}

// Hold implements web.Verbs.
func (w *World) Hold(_ context.Context, actor, ref, reason string) (inventory.Machine, error) {
	return w.change("hold", actor, ref, func(m *inventory.Machine) error {
		m.Hold = &inventory.Hold{Reason: reason, Actor: actor, Since: w.Now()}
		return nil
	})
}

// Release implements web.Verbs.
func (w *World) Release(_ context.Context, actor, ref string) (inventory.Machine, error) {
	return w.change("release", actor, ref, func(m *inventory.Machine) error { m.Hold = nil; return nil })
}

// Inspect implements web.Verbs.
func (w *World) Inspect(_ context.Context, actor, ref string, _ api.InspectRequest) (inventory.Machine, error) {
	return w.change("inspect", actor, ref, func(*inventory.Machine) error { return nil })
}

// Medium implements web.Verbs.
func (w *World) Medium(_ context.Context, actor, ref string, _ api.MediumRequest) (api.MediumReply, error) {
	m, err := w.change("medium", actor, ref, func(*inventory.Machine) error { return nil })
	return api.MediumReply{Machine: m.Name, Params: []string{api.ParamName + "=" + m.Name}, Expires: w.Now().Add(time.Hour)}, err
}

// Rotate implements web.Verbs.
func (w *World) Rotate(_ context.Context, actor, ref string, _ api.RotateRequest) (api.RotateReply, error) {
	m, err := w.change("rotate", actor, ref, func(*inventory.Machine) error { return nil })
	return api.RotateReply{Machine: m.Name, User: "socle-a"}, err
}

// BuildOut implements web.Verbs.
func (w *World) BuildOut(_ context.Context, actor string, req api.BuildOutRequest) (api.BuildOutReply, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var reply api.BuildOutReply
	for _, name := range req.Machines {
		if _, err := w.find(name); err != nil {
			return reply, err
		}
	}
	for _, m := range w.machines {
		switch {
		case len(req.Machines) > 0 && !slices.Contains(req.Machines, m.Name):
		case m.Hold != nil:
			reply.Skipped = append(reply.Skipped, m.Name+": held, "+m.Hold.Reason)
		case m.State == inventory.Active:
			reply.Skipped = append(reply.Skipped, m.Name+": active already")
		default:
			reply.Started = append(reply.Started, m.Name)
		}
	}
	w.calls = append(w.calls, actor+" buildout "+strings.Join(reply.Started, ","))
	return reply, w.fail
}

// Import implements web.Importer: lines are counted, "bad" ones are refused.
func (w *World) Import(_ context.Context, actor string, text []byte, o api.ImportOptions) (api.ImportReply, error) {
	reply := api.ImportReply{DryRun: o.DryRun}
	p := api.NewProblem(http.StatusUnprocessableEntity, api.ErrInvalid, "the manifest has errors; nothing was imported")
	for i, line := range bytes.Split(bytes.TrimSpace(text), []byte("\n")) {
		name, _, _ := strings.Cut(string(line), ",")
		switch {
		case i == 0:
		case name == "bad":
			p.Errors = append(p.Errors, api.ErrorDetail{Message: "the serial number is missing", Location: fmt.Sprintf("line %d, column serial", i+1)})
		default:
			reply.Added = append(reply.Added, name)
			reply.Changes = append(reply.Changes, api.ImportChange{Line: i + 1, Machine: name, Added: true, Fields: []api.FieldChange{{Field: "name", After: name}}})
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fail != nil {
		return api.ImportReply{}, w.fail
	}
	if len(p.Errors) > 0 {
		return api.ImportReply{}, p
	}
	if !o.DryRun {
		w.calls = append(w.calls, actor+" import "+strings.Join(reply.Added, ","))
	}
	return reply, nil
}

// catalogue implements web.Catalogue; World's own Images would be two things.
type catalogue struct{ w *World }

// Images implements web.Catalogue.
func (c catalogue) Images(context.Context) ([]api.Image, error) {
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	return slices.Clone(c.w.images), c.w.fail
}

// AddChunk stores a chunk and returns its name.
func (w *World) AddChunk(content []byte) (string, error) {
	sum := sha256.Sum256(content)
	name := hex.EncodeToString(sum[:])
	return name, os.WriteFile(filepath.Join(w.Dir, name), content, 0o600)
}

// AddIndex stores an index and returns its digest.
func (w *World) AddIndex(content []byte, image api.Image) string {
	sum := sha256.Sum256(content)
	digest := "sha256:" + hex.EncodeToString(sum[:])
	image.Digest = digest
	w.mu.Lock()
	defer w.mu.Unlock()
	w.indexes[digest] = content
	w.images = append(w.images, image)
	return digest
}

// IndexBytes implements web.Images.
func (w *World) IndexBytes(digest string) ([]byte, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if b, ok := w.indexes[digest]; ok {
		return b, nil
	}
	return nil, fmt.Errorf("reading the index %s: %w", digest, os.ErrNotExist)
}

// OpenChunk implements web.Images.
func (w *World) OpenChunk(sum string) (*os.File, error) {
	return os.Open(filepath.Join(w.Dir, filepath.Base(sum)))
}

// Give queues an order for the agent.
func (w *World) Give(o api.Order) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waiting = append(w.waiting, o)
	w.tick()
}

// OpenSession implements web.Agents.
func (w *World) OpenSession(_ context.Context, req api.SessionRequest, remote netip.Addr) (api.SessionReply, error) {
	if req.Token != BootToken {
		return api.SessionReply{}, api.NewProblem(http.StatusUnauthorized, api.ErrUnauthorized, "this boot token is not known")
	}
	w.note("agent session " + req.Serial + " from " + remote.String())
	return api.SessionReply{Session: "session-1", Token: AgentToken, Machine: "hv01"}, nil
}

func (w *World) note(call string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = append(w.calls, call)
}

// Session implements web.Agents.
func (w *World) Session(_ context.Context, bearer string) (inventory.Session, error) {
	if bearer != AgentToken {
		return inventory.Session{}, api.NewProblem(http.StatusUnauthorized, api.ErrUnauthorized, "this session is not known or has ended")
	}
	return inventory.Session{ID: "session-1", Machine: "id-hv01"}, nil
}

// PostFacts implements web.Agents.
func (w *World) PostFacts(_ context.Context, s inventory.Session, facts api.FactsPost) error {
	w.note("agent facts " + s.ID + " " + facts.Facts.System.Serial)
	return nil
}

// NextOrder implements web.Agents.
func (w *World) NextOrder(ctx context.Context, _ inventory.Session, wait time.Duration) (*api.Order, error) {
	changes, cancel := w.Subscribe()
	defer cancel()
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for {
		w.mu.Lock()
		if len(w.waiting) > 0 {
			o := w.waiting[0]
			w.waiting = w.waiting[1:]
			w.mu.Unlock()
			return &o, nil
		}
		w.mu.Unlock()
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-timer.C:
			return nil, nil
		case <-changes:
		}
	}
}

// Report implements web.Agents.
func (w *World) Report(_ context.Context, s inventory.Session, order string, r api.Report) error {
	w.note(fmt.Sprintf("agent report %s %s %d %s", s.ID, order, r.Seq, r.State))
	return nil
}

// PhoneHome implements web.PhoneHome.
func (w *World) PhoneHome(_ context.Context, token string, _ api.PhoneHome, remote netip.Addr) error {
	if token != HomeToken {
		return api.NewProblem(http.StatusUnauthorized, api.ErrUnauthorized, "this phone-home token is not known")
	}
	w.note("phone-home from " + remote.String())
	return nil
}
