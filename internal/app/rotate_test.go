package app

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"socle/api"
	"socle/bmc"
	"socle/internal/pgtest"
	"socle/internal/secret"
	"socle/inventory"
	"socle/inventory/store"
	"socle/lab/redfish"
	"socle/lab/redfish/redfishtest"
	"socle/provision"
)

// rotator is a process that changes the login of a BMC, and is killed at one of its steps.
type rotator struct {
	URL, Keys string // of the database
	Begin     bool   // whether it orders the change, or goes on with one
	Ring      string // what it does to the keyring instead: rotate, retire
	Adopt     string // address of a BMC that is adopted from inside instead

	mortal
	*store.Store
	*bmcs
}

const rotatorEnv = "SOCLE_TEST_ROTATOR"

func (r *rotator) PasswordLength(ctx context.Context, m inventory.Machine) (least, most int, err error) {
	defer r.at()
	return r.bmcs.PasswordLength(ctx, m)
}

func (r *rotator) PutAccount(ctx context.Context, m inventory.Machine, user string, password secret.Secret) error {
	r.at()
	defer r.at()
	return r.bmcs.PutAccount(ctx, m, user, password)
}

func (r *rotator) OwnPassword(ctx context.Context, m inventory.Machine, password secret.Secret) error {
	r.at()
	defer r.at()
	return r.bmcs.OwnPassword(ctx, m, password)
}

func (r *rotator) TryLogin(ctx context.Context, m inventory.Machine, user string, password secret.Secret) (provision.BMCInfo, error) {
	r.at()
	defer r.at()
	return r.bmcs.TryLogin(ctx, m, user, password)
}

func (r *rotator) RemoveAccount(ctx context.Context, m inventory.Machine, user string) error {
	r.at()
	defer r.at()
	return r.bmcs.RemoveAccount(ctx, m, user)
}

func (r *rotator) ChangeLogin(ctx context.Context, id, actor string, fn func(*inventory.Machine, *secret.Pair) (inventory.Note, error)) (inventory.Machine, error) {
	r.at()
	defer r.at()
	return r.Store.ChangeLogin(ctx, id, actor, fn)
}

func (r *rotator) Issue(ctx context.Context, o inventory.Order) (inventory.Order, error) {
	r.at()
	defer r.at()
	return r.Store.Issue(ctx, o)
}

func (r *rotator) Report(ctx context.Context, session, order string, w inventory.OrderReport) (inventory.Order, error) {
	r.at()
	defer r.at()
	return r.Store.Report(ctx, session, order, w)
}

// begin orders the change.
func (r *rotator) begin(ctx context.Context, e *provision.Engine) (err error) {
	switch {
	case !r.Begin:
	case r.Adopt != "":
		_, err = e.Adopt(ctx, "test", "hv01", api.AdoptRequest{})
	default:
		_, err = e.Rotate(ctx, "test", "hv01", api.RotateRequest{})
	}
	return err
}

// run changes the login to the end, or dies on the way.
func (r *rotator) run() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	keys, err := secret.Open(r.Keys)
	if err != nil {
		return err
	}
	if r.Store, err = store.Open(ctx, store.Options{URL: r.URL, Keys: keys}); err != nil {
		return err
	}
	if r.Ring != "" {
		return r.renew(ctx, keys)
	}
	key, err := r.Key(ctx, "boot-tokens")
	if err != nil {
		return err
	}
	r.bmcs = &bmcs{driver: bmc.New(bmc.Options{Burst: 100}), logins: r.Store}
	e, err := provision.New(ctx, provision.Options{Store: r, BMC: r.bmcs, Accounts: r, BootKey: key, RotationGrace: 10 * time.Millisecond, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	if err := r.begin(ctx, e); err != nil {
		return err
	}
	working, stop := context.WithCancel(ctx)
	defer stop()
	if r.Adopt != "" { // the same boot goes on after a crash of the server
		go func() {
			_, _ = bootAgent(working, e, "boot-1", func(w api.BMCAccount) (api.Report, error) { return makeInside(working, r.Adopt, w) })
		}()
	}
	return workUntil(ctx, e, r.Store, func() (bool, any, error) {
		m, err := r.Machine(ctx, "hv01")
		done := err == nil && (m.BMC.Rotation == nil || !m.BMC.Rotation.Stopped.IsZero())
		if done {
			stop()
		}
		return done, m.BMC.Rotation, err
	})
}

// TestRotationKilled kills a process that changes the login of a BMC, before and after each of its steps, and lets
// another one go on. Whenever one dies, the login that is in force works; in the end the new one is in force, and
// nothing is left of what lies between.
func TestRotationKilled(t *testing.T) {
	for name, url := range map[string]func(testing.TB) string{
		"sqlite":   func(t testing.TB) string { return filepath.Join(t.TempDir(), "socle.db") },
		"postgres": pgtest.URL,
	} {
		t.Run(name, func(t *testing.T) {
			for n := 1; n <= places+1; n++ {
				t.Run(strconv.Itoa(n), func(t *testing.T) {
					t.Parallel()
					if died := rotationKilled(t, url(t), n); died != (n <= places) {
						t.Errorf("a change of a login has %d places to die at: at %d it died %v", places, n, died)
					}
				})
			}
		})
	}
}

// places is how many there are to die at: before and after each call of the BMC and each change of the database.
const places = 13

// rotationKilled is one change of a login with a death at its nth step. It says false when it has fewer steps.
func rotationKilled(t *testing.T, url string, n int) (died bool) {
	ring := filepath.Join(t.TempDir(), "keys")
	keys, err := secret.Open(ring)
	must(t, err)
	s, err := store.Open(t.Context(), store.Options{URL: url, Keys: keys})
	must(t, err)
	defer func() { must(t, s.Close()) }()
	b, address := serveBMC(t)
	// The account that goes is one of Socle's own, of an earlier change.
	_, err = s.Import(t.Context(), []store.Planned{{Planned: inventory.Planned{Line: 2, Name: "hv01", Identity: inventory.Identity{Serial: "SN-1"},
		BMC: inventory.BMC{Protocol: inventory.Redfish, Address: address, User: "socle-a"}, Place: inventory.Place{Rack: "r01", U: 1}}, Password: secret.New("first-Pass.w0rd")}}, "test", false)
	must(t, err)
	m, err := s.Machine(t.Context(), "hv01")
	must(t, err)
	_, err = s.Change(t.Context(), m.ID, "test", func(m *inventory.Machine) (inventory.Note, error) {
		m.BMC.Origin = inventory.FromSocle
		return inventory.Note{Kind: "bmc", Reason: "as after an earlier change"}, nil
	})
	must(t, err)
	r := rotator{URL: url, Keys: ring, Begin: true, mortal: mortal{Kill: n}}
	if died = r.start(t); t.Failed() {
		return died
	}
	letsIn(t, s, m.ID)
	if died {
		// One that died before the change was written down changed nothing; who ordered it orders it again.
		m, err = s.Machine(t.Context(), "hv01")
		must(t, err)
		r = rotator{URL: url, Keys: ring, Begin: m.BMC.Rotation == nil && m.BMC.User == "socle-a"}
		if r.start(t) {
			t.Fatalf("step %d: the second process died as well", n)
		}
	}
	letsIn(t, s, m.ID)
	m, err = s.Machine(t.Context(), "hv01")
	must(t, err)
	_, pair, err := s.Login(t.Context(), m.ID)
	must(t, err)
	if m.BMC.Rotation != nil || m.BMC.User != "socle-b" || m.BMC.Origin != inventory.FromSocle || !pair.Other.Empty() || pair.Current.Reveal() == "first-Pass.w0rd" {
		t.Errorf("step %d: in the end %+v, %+v", n, m.BMC, m.BMC.Rotation)
	}
	if list := b.Accounts(); len(list) != 1 || list[0].User != "socle-b" || list[0].Locked {
		t.Errorf("step %d: accounts in the end: %+v", n, list)
	}
	if slices.ContainsFunc(b.Requests(), func(r redfish.Request) bool { return r.Status == 401 }) {
		t.Errorf("step %d: a login was refused on the way", n)
	}
	return died
}

// letsIn checks that the login in force works.
func letsIn(t *testing.T, s *store.Store, id string) {
	t.Helper()
	d := &bmcs{driver: bmc.New(bmc.Options{}), logins: s}
	if _, err := d.Probe(t.Context(), inventory.Machine{ID: id, Name: "hv01"}); err != nil {
		t.Errorf("the login in force: %v", err)
	}
}

// start runs a process to its end, and tells whether it was killed.
func (r *rotator) start(t *testing.T) bool {
	t.Helper()
	spec, err := json.Marshal(struct {
		URL, Keys string
		Begin     bool
		Ring      string
		Kill      int
		Adopt     string
	}{r.URL, r.Keys, r.Begin, r.Ring, r.Kill, r.Adopt})
	must(t, err)
	return killed(t, rotatorEnv+"="+string(spec))
}

// serveBMC serves an emulated controller, which asks for passwords of 8 to 16 characters.
func serveBMC(t *testing.T, changes ...func(*redfish.Options)) (*redfish.BMC, string) {
	shape, err := redfish.ShapeByName("generic")
	must(t, err)
	shape.Policy = redfish.Policy{MinLength: 8, MaxLength: 16, LockThreshold: 3}
	o := redfish.Options{
		Machine: redfishtest.NewVM(redfish.Description{Name: "hv01", Serial: "SN-1", UUID: "6e1c0f9a-3a0b-4d1c-9d7e-0123456789ab", CPUs: 1, MemoryMiB: 2048}),
		User:    "socle-a", Password: secret.New("first-Pass.w0rd"), Shape: shape,
	}
	for _, change := range changes {
		change(&o)
	}
	b := redfish.New(o)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- redfish.Serve(ctx, l, b) }()
	t.Cleanup(func() {
		cancel()
		must(t, <-done)
	})
	return b, l.Addr().String()
}

// rotating is an engine that changes logins.
func rotating(t *testing.T, s *store.Store) *provision.Engine {
	t.Helper()
	key, err := s.Key(t.Context(), "boot-tokens")
	must(t, err)
	bmcs := &bmcs{driver: bmc.New(bmc.Options{Burst: 100}), logins: s}
	e, err := provision.New(t.Context(), provision.Options{Store: s, BMC: bmcs, Accounts: bmcs, BootKey: key, RotationGrace: time.Millisecond})
	must(t, err)
	return e
}

// works runs an engine until stop.
func works(t *testing.T, e *provision.Engine) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- e.Run(ctx) }()
	return func() { cancel(); must(t, <-ended) }
}

// awaitBMC waits until hv01's BMC is as it is wanted in the inventory.
func awaitBMC(t *testing.T, s *store.Store, want func(inventory.BMC) bool) inventory.Machine {
	t.Helper()
	changes, stop := s.Subscribe()
	defer stop()
	for {
		m, err := s.Machine(t.Context(), "hv01")
		must(t, err)
		if want(m.BMC) {
			return m
		}
		select {
		case <-changes:
		case <-time.After(time.Minute):
			t.Fatalf("after a minute %+v, %+v", m.BMC, m.BMC.Rotation)
		}
	}
}

// TestRotationStops: a BMC that says yes and does nothing keeps its old login in force, the change says why it stopped,
// goes on when it is ordered again, or is given up.
func TestRotationStops(t *testing.T) {
	keys, err := secret.Open(filepath.Join(t.TempDir(), "keys"))
	must(t, err)
	s, err := store.Open(t.Context(), store.Options{URL: filepath.Join(t.TempDir(), "socle.db"), Keys: keys})
	must(t, err)
	b, address := serveBMC(t)
	_, err = s.Import(t.Context(), []store.Planned{{Planned: inventory.Planned{Line: 2, Name: "hv01", Identity: inventory.Identity{Serial: "SN-1"},
		BMC: inventory.BMC{Protocol: inventory.Redfish, Address: address, User: "socle-a"}, Place: inventory.Place{Rack: "r01", U: 1}}, Password: secret.New("first-Pass.w0rd")}}, "test", false)
	must(t, err)
	defer func() { must(t, s.Close()) }()
	e := rotating(t, s)
	defer works(t, e)()
	rotate := func(r api.RotateRequest) {
		t.Helper()
		_, err := e.Rotate(t.Context(), "test", "hv01", r)
		must(t, err)
	}
	await := func(want func(inventory.BMC) bool) inventory.Machine {
		t.Helper()
		return awaitBMC(t, s, want)
	}
	b.Faults().Add(redfish.Fault{Kind: redfish.Ignore})
	rotate(api.RotateRequest{})
	m := await(func(b inventory.BMC) bool { return b.Rotation != nil && b.Rotation.Problem != "" })
	if !strings.Contains(m.BMC.Rotation.Problem, `no account "socle-b"`) || m.BMC.User != "socle-a" {
		t.Errorf("stopped with %+v, user %s", m.BMC.Rotation, m.BMC.User)
	}
	letsIn(t, s, m.ID)
	b.Faults().Clear()
	rotate(api.RotateRequest{Abort: true})
	m = await(func(b inventory.BMC) bool { return b.Rotation == nil })
	if n := len(b.Accounts()); n != 1 || m.BMC.User != "socle-a" {
		t.Errorf("given up: %d accounts, user %s", n, m.BMC.User)
	}
	b.Faults().Add(redfish.Fault{Kind: redfish.Ignore})
	rotate(api.RotateRequest{})
	await(func(b inventory.BMC) bool { return b.Rotation != nil && b.Rotation.Problem != "" })
	b.Faults().Clear()
	rotate(api.RotateRequest{RemoveOld: true}) // it goes on, and the account of the manifest goes as well
	m = await(func(b inventory.BMC) bool { return b.Rotation == nil && b.User == "socle-b" })
	if list := b.Accounts(); len(list) != 1 || list[0].User != "socle-b" {
		t.Errorf("accounts %+v", list)
	}
	letsIn(t, s, m.ID)
	var p *api.Problem
	if _, err := e.Rotate(t.Context(), "test", "hv01", api.RotateRequest{Abort: true}); !errors.As(err, &p) {
		t.Errorf("giving up what is over: %v", err)
	}
}
