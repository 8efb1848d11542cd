package provision_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"socle/api"
	"socle/hardware"
	"socle/internal/pgtest"
	"socle/internal/secret"
	"socle/inventory"
	"socle/inventory/store"
	"socle/inventory/view"
	"socle/provision"
)

func TestMain(m *testing.M) {
	if url := os.Getenv(victimURL); url != "" {
		victim(url)
		return
	}
	pgtest.Main(m)
}

// rack is a store, an engine on it, and simulated servers with their BMCs. The servers talk to the engine
// like real ones: they ask what to boot, open a session, post facts, poll for orders, report, phone home.
type rack struct {
	t      *testing.T
	url    string
	keys   *secret.Keyring
	ring   string // file of keys
	limits provision.Limits
	burnIn []inventory.BurnInPlan

	mu      sync.Mutex
	servers map[string]*server
	engine  *provision.Engine // nil while "down"
	store   *store.Store
	stop    func()
	verify  func(provision.Verification) error
	full    atomic.Bool                 // the server's disk
	probe   func(context.Context) error // what happens while a BMC is looked for; nil: nothing

	imported atomic.Bool // the images, rather than made by recipes
	shelf    shelf
}

// onBoth runs a test on a rack over each kind of database.
func onBoth(t *testing.T, test func(t *testing.T, r *rack)) {
	t.Helper()
	for name, url := range map[string]func(testing.TB) string{
		"sqlite":   func(t testing.TB) string { return filepath.Join(t.TempDir(), "socle.db") },
		"postgres": pgtest.URL,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ring := filepath.Join(t.TempDir(), "keys")
			keys, err := secret.Open(ring)
			must(t, err)
			r := &rack{t: t, url: url(t), keys: keys, ring: ring, servers: map[string]*server{}}
			r.limits = provision.Limits{Boot: 30 * time.Second, AgentGone: 30 * time.Second, PhoneHome: 30 * time.Second}
			r.start()
			t.Cleanup(func() { r.down() })
			test(t, r)
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

var roles = []inventory.Role{
	{Name: "hypervisor", Image: "hypervisor", Priority: 1, Verify: "none", Match: inventory.Conditions{MinDisks: 1}},
	{Name: "storage", Image: "storage", Priority: 2, Verify: "none", Match: inventory.Conditions{MinDisks: 3},
		DataDisks: &inventory.DiskRule{MinCount: 2, Label: "d"}},
}

// start opens the database and runs an engine, as a new process would.
func (r *rack) start() {
	r.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	s, err := store.Open(ctx, store.Options{URL: r.url, Keys: r.keys})
	must(r.t, err)
	v, err := view.New(ctx, s, slog.New(slog.DiscardHandler), nil)
	must(r.t, err)
	e, err := r.newEngine(ctx, s, v)
	must(r.t, err)
	ended := make(chan error, 2)
	go func() { ended <- e.Run(ctx) }()
	go func() { ended <- v.Run(ctx) }()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.engine, r.store = e, s
	r.stop = func() {
		cancel()
		if err := errors.Join(<-ended, <-ended); err != nil {
			r.t.Errorf("engine and view: %v", err)
		}
		must(r.t, s.Close())
	}
}

func (r *rack) newEngine(ctx context.Context, s *store.Store, v provision.View) (*provision.Engine, error) {
	key, err := s.Key(ctx, "boot-tokens")
	if err != nil {
		return nil, err
	}
	return provision.New(ctx, provision.Options{Store: s, View: v, BootKey: key, BMC: r, Drives: r, Media: &r.shelf, Images: r, Seeds: r, Verifier: r, Roles: roles,
		ServerURL: "https://socle.test", CAFingerprint: "00", Limits: r.limits, BurnIn: r.burnIn, Room: r.room, Recorder: recorder{t: r.t, store: s}})
}

func (r *rack) room() error {
	if r.full.Load() {
		return errors.New("5 MiB left")
	}
	return nil
}

// down stops the engine and closes the database; servers get no answer until start.
func (r *rack) down() {
	r.mu.Lock()
	stop := r.stop
	r.engine, r.stop = nil, nil
	r.mu.Unlock()
	if stop != nil {
		stop()
	}
}

var errDown = errors.New("connection refused")

func (r *rack) up() (*provision.Engine, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.engine == nil {
		return nil, errDown
	}
	return r.engine, nil
}

// server is one simulated machine with its BMC.
type server struct {
	rack   *rack
	id     inventory.Identity
	facts  hardware.Facts
	mu     sync.Mutex
	on     bool
	cancel context.CancelFunc // of the running boot
	booted inventory.Boot
	drive  drive
	always bool // the BMC was told to boot the network every time
	// forgets: the BMC forgets what holds once.
	forgets bool
	// drops: the BMC does not even show what holds once.
	drops bool
	call  api.PhoneHome
	nics  bool // whether network boot works
	mute  bool // whether the deployed system does not call

	bmcErr  error
	stuck   error             // how changes of power end that do nothing; nil: they work
	powered []string          // what the BMC was told, in order
	done    map[string]int    // how often each kind of order was carried out
	slow    map[string]func() // what happens before an order of a kind ends
	refuse  map[string]string // code with which orders of a kind fail
	result  json.RawMessage   // of a burn-in
}

func (r *rack) add(name string, disks int) *server {
	n := len(r.servers) + 1
	s := &server{rack: r, nics: true, done: map[string]int{}, slow: map[string]func(){}, refuse: map[string]string{},
		id: inventory.Identity{Serial: "SN-" + name, UUID: fmt.Sprintf("00000000-0000-4000-8000-%012d", n), NICMACs: []string{fmt.Sprintf("52:54:00:00:00:%02x", n)}}}
	s.facts = hardware.Facts{System: hardware.System{Serial: s.id.Serial, UUID: s.id.UUID, Product: "Test"}, Memory: hardware.Memory{TotalBytes: 1 << 30},
		NICs: []hardware.NIC{{Name: "eth0", MAC: s.id.NICMACs[0], Link: true}}}
	for d := range disks {
		s.facts.Disks = append(s.facts.Disks, hardware.Disk{Name: "d", Serial: fmt.Sprintf("%s-%d", name, d), SizeBytes: uint64(d+1) << 30})
	}
	r.servers[name] = s
	_, err := r.store.Import(r.t.Context(), []store.Planned{{Planned: inventory.Planned{Line: 2, Name: name, Identity: inventory.Identity{Serial: s.id.Serial},
		BMC: inventory.BMC{Protocol: inventory.Redfish, Address: name, User: "admin"}, Place: inventory.Place{Rack: "r01", U: n}}, Password: secret.New("pw")}}, "test", false)
	must(r.t, err)
	return s
}

// The BMC side.

func (r *rack) bmc(m inventory.Machine) (*server, error) {
	s := r.servers[m.Name]
	s.mu.Lock()
	defer s.mu.Unlock()
	return s, s.bmcErr
}

func (r *rack) Probe(ctx context.Context, m inventory.Machine) (provision.BMCInfo, error) {
	if r.probe != nil {
		if err := r.probe(ctx); err != nil {
			return provision.BMCInfo{}, err
		}
	}
	s, err := r.bmc(m)
	return provision.BMCInfo{Vendor: "Test", Model: "BMC", Serial: s.id.Serial}, err
}

func (r *rack) Power(_ context.Context, m inventory.Machine) (inventory.Power, error) {
	s, err := r.bmc(m)
	return s.power(), err
}

func (s *server) power() inventory.Power {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.on {
		return inventory.PowerOn
	}
	return inventory.PowerOff
}

func (r *rack) NextBoot(_ context.Context, m inventory.Machine, next provision.NextBoot) error {
	s, err := r.bmc(m)
	s.mu.Lock()
	defer s.mu.Unlock()
	if m.BMC.Protocol.PowerOnly() { // as package bmc has it
		return &provision.Failure{Kind: inventory.FaultBMC, Reason: "the server has no BMC that could do this"}
	}
	if err == nil && s.drops && !next.Always {
		return &provision.Failure{Kind: inventory.FaultBMC, Reason: "the BMC accepted a change that did not happen", Dropped: true, Retry: true}
	}
	s.booted, s.drive.next, s.always = next.Boot, next.Medium, next.Always
	return err
}

func (r *rack) SetPower(_ context.Context, m inventory.Machine, action string) (inventory.Power, error) {
	s, err := r.bmc(m)
	if err != nil {
		return "", err
	}
	s.mu.Lock()
	s.powered = append(s.powered, action)
	stuck := s.stuck
	s.mu.Unlock()
	if stuck != nil {
		return s.power(), stuck
	}
	s.turn(action == "on")
	return s.power(), nil
}

func (s *server) turn(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cancel != nil {
		s.cancel()
		s.cancel = nil
	}
	s.on = on
	if on {
		ctx, cancel := context.WithCancel(s.rack.t.Context())
		s.cancel = cancel
		go s.boot(ctx)
	}
}

// The server side.

// retry does what an agent does: the same again until it is answered.
func (s *server) retry(ctx context.Context, fn func(*provision.Engine) error) error {
	for ctx.Err() == nil {
		e, err := s.rack.up()
		if err == nil {
			err = fn(e)
		}
		var p *api.Problem
		if err == nil || errors.As(err, &p) {
			return err
		}
		select {
		case <-ctx.Done():
		case <-time.After(20 * time.Millisecond):
		}
	}
	return ctx.Err()
}

var here = netip.MustParseAddr("198.18.0.7")

// boot boots until a boot is neither refused nor for the ramdisk: an agent that is refused starts its server anew.
func (s *server) boot(ctx context.Context) {
	for ctx.Err() == nil {
		token, ok := s.fromDrive(ctx)
		if !ok && s.nics {
			token, ok = s.fromNetwork(ctx)
		}
		if !ok || !s.bootOnce(ctx, token) {
			return
		}
	}
}

// bootOnce runs the ramdisk. It says whether the server starts anew, which it does when its agent is refused.
func (s *server) bootOnce(ctx context.Context, token string) (again bool) {
	req := api.SessionRequest{Token: token, BootID: fmt.Sprint(time.Now().UnixNano()), Serial: s.facts.System.Serial, NICMACs: s.id.NICMACs}
	var reply api.SessionReply
	err := s.retry(ctx, func(e *provision.Engine) (err error) { reply, err = e.OpenSession(ctx, req, here); return err })
	if err != nil {
		return ctx.Err() == nil
	}
	s.work(ctx, reply.Token)
	return false
}

func (s *server) work(ctx context.Context, bearer string) {
	as := func(fn func(*provision.Engine, inventory.Session) error) error {
		return s.retry(ctx, func(e *provision.Engine) error {
			session, err := e.Session(ctx, bearer)
			if err != nil {
				return err
			}
			return fn(e, session)
		})
	}
	look := func(order string) error {
		return as(func(e *provision.Engine, n inventory.Session) error {
			s.mu.Lock()
			facts := s.facts
			s.mu.Unlock()
			return e.PostFacts(ctx, n, api.FactsPost{Order: order, Facts: facts})
		})
	}
	if look("") != nil {
		return
	}
	for ctx.Err() == nil {
		var o *api.Order
		err := as(func(e *provision.Engine, n inventory.Session) (err error) {
			o, err = e.NextOrder(ctx, n, 300*time.Millisecond)
			return err
		})
		if err != nil {
			return
		}
		if o == nil {
			continue
		}
		if o.Kind == api.OrderInspect && look(o.ID) != nil {
			return
		}
		rep := s.carryOut(ctx, o)
		err = as(func(e *provision.Engine, n inventory.Session) error { return e.Report(ctx, n, o.ID, rep) })
		if err != nil {
			return
		}
		if o.Kind == api.OrderReboot {
			go s.turn(true)
			return
		}
	}
}

func (s *server) carryOut(ctx context.Context, o *api.Order) api.Report {
	s.mu.Lock()
	s.done[o.Kind]++
	slow, code := s.slow[o.Kind], s.refuse[o.Kind]
	if o.Kind == api.OrderSeed {
		var seed api.Seed
		if json.Unmarshal(o.Params, &seed) == nil {
			s.facts.Kernel = seed.Files["token"] // what the "disk" holds
		}
	}
	s.mu.Unlock()
	if slow != nil {
		slow()
	}
	if code != "" {
		return api.Report{Seq: 1, State: "failed", Code: code, Message: "as ordered by the test"}
	}
	if o.Kind == api.OrderBurnIn {
		return api.Report{Seq: 1, State: "done", Result: s.result}
	}
	return api.Report{Seq: 1, State: "done"}
}

func (s *server) phoneHome(ctx context.Context) {
	s.mu.Lock()
	token, call, mute := s.facts.Kernel, s.call, s.mute
	s.mu.Unlock()
	if mute {
		return
	}
	if err := s.retry(ctx, func(e *provision.Engine) error { return e.PhoneHome(ctx, token, call, here) }); err != nil && ctx.Err() == nil {
		s.rack.t.Errorf("phoning home: %v", err)
	}
}

func (s *server) count(kind string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.done[kind]
}

func (s *server) told() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.powered...)
}

// The rest of what the engine needs.

func (r *rack) Resolve(name string) (string, api.Index, error) {
	switch name {
	case "hypervisor", "storage", "sha256:hypervisor", "sha256:storage":
		ix := api.Index{Name: name, Size: 1 << 20}
		if !r.imported.Load() {
			ix.Recipe = &api.RecipeInfo{Name: name}
		}
		return "sha256:" + name[max(0, len(name)-len("hypervisor")):], ix, nil
	}
	return "", api.Index{}, errors.New("no such image")
}

func (r *rack) Seed(_ context.Context, _ inventory.Machine, _ inventory.Role, token secret.Secret) (map[string]string, error) {
	return map[string]string{"token": token.Reveal()}, nil
}

func (r *rack) Verify(_ context.Context, v provision.Verification) ([]string, error) {
	r.mu.Lock()
	verify := r.verify
	r.mu.Unlock()
	if verify != nil {
		if err := verify(v); err != nil {
			return nil, err
		}
	}
	return []string{"it works"}, nil
}

// await waits until a machine is as wanted, and fails the test with its history when it never is.
func (r *rack) await(name string, want func(inventory.Machine) bool) inventory.Machine {
	r.t.Helper()
	deadline := time.Now().Add(60 * time.Second)
	for {
		m, err := r.store.Machine(r.t.Context(), name)
		if err == nil && want(m) {
			return m
		}
		if !errors.Is(err, inventory.ErrNotFound) {
			must(r.t, err)
		}
		if time.Now().After(deadline) {
			events, _ := r.store.Events(r.t.Context(), inventory.EventFilter{Machine: m.ID, Limit: 1000})
			for _, e := range events {
				r.t.Logf("%s %s %s: %s", e.Time.Format("05.000"), e.Actor, e.Kind, e.Reason)
			}
			r.t.Fatalf("%s stays %s, step %q, fault %+v", name, m.State, m.Step, m.Fault)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func in(state inventory.State) func(inventory.Machine) bool {
	return func(m inventory.Machine) bool { return m.State == state }
}

func faulty(kind inventory.FaultKind) func(inventory.Machine) bool {
	return func(m inventory.Machine) bool { return m.Fault != nil && m.Fault.Kind == kind }
}
