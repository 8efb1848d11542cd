package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"socle/api"
	"socle/bmc"
	"socle/internal/secret"
	"socle/inventory"
	"socle/inventory/store"
	"socle/lab/redfish"
	"socle/provision"
)

// adoption is a server whose manifest has a wrong password of its BMC, and the engine that is to adopt it.
type adoption struct {
	*testing.T
	store  *store.Store
	engine *provision.Engine
	bmcs   *bmcs
	bmc    *redfish.BMC
	addr   string
	dir    string
}

func newAdoption(t *testing.T) *adoption {
	t.Helper()
	a := &adoption{T: t, dir: t.TempDir()}
	keys, err := secret.Open(filepath.Join(t.TempDir(), "keys"))
	must(t, err)
	a.store, err = store.Open(t.Context(), store.Options{URL: filepath.Join(a.dir, "socle.db"), Keys: keys})
	must(t, err)
	a.bmc, a.addr = serveBMC(t)
	importWrong(t, a.store, a.addr)
	key, err := a.store.Key(t.Context(), "boot-tokens")
	must(t, err)
	a.bmcs = &bmcs{driver: bmc.New(bmc.Options{Burst: 100}), logins: a.store}
	a.engine, err = provision.New(t.Context(), provision.Options{Store: a.store, BMC: a.bmcs, Accounts: a.bmcs, BootKey: key, RotationGrace: time.Millisecond})
	must(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- a.engine.Run(ctx) }()
	t.Cleanup(func() { cancel(); must(t, errors.Join(<-ended, a.store.Close())) })
	return a
}

// importWrong imports a manifest whose password of the BMC is wrong.
func importWrong(t *testing.T, s *store.Store, addr string) {
	t.Helper()
	_, err := s.Import(t.Context(), []store.Planned{{Planned: inventory.Planned{Line: 2, Name: "hv01", Identity: inventory.Identity{Serial: "SN-1", NICMACs: []string{card}},
		BMC: inventory.BMC{Protocol: inventory.Redfish, Address: addr, User: "socle-a"}, Place: inventory.Place{Rack: "r01", U: 1}}, Password: secret.New("not-This.w0rd")}}, "test", false)
	must(t, err)
}

// await waits until the machine's BMC is as wanted.
func (a *adoption) await(want func(inventory.BMC) bool) inventory.Machine {
	a.Helper()
	changes, stop := a.store.Subscribe()
	defer stop()
	deadline := time.After(2 * time.Minute)
	for {
		m, err := a.store.Machine(a.Context(), "hv01")
		must(a.T, err)
		if want(m.BMC) {
			return m
		}
		select {
		case <-changes:
		case <-deadline:
			a.Fatalf("the BMC stays %+v, %+v", m.BMC, m.BMC.Rotation)
		}
	}
}

// agent boots the ramdisk, and carries out the first order to make an account as carryOut says. It returns what the order
// was.
func (a *adoption) agent(boot string, carryOut func(api.BMCAccount) (api.Report, error)) api.BMCAccount {
	a.Helper()
	ctx, cancel := context.WithTimeout(a.Context(), 2*time.Minute)
	defer cancel()
	w, err := bootAgent(ctx, a.engine, boot, carryOut)
	must(a.T, err)
	return w
}

// make makes an account as somebody can who needs no password of the BMC.
func (a *adoption) make(w api.BMCAccount) (api.Report, error) {
	return makeInside(a.Context(), a.addr, w)
}

// bootAgent is an agent in one boot, which waits for the order to make an account.
func bootAgent(ctx context.Context, e *provision.Engine, boot string, carryOut func(api.BMCAccount) (api.Report, error)) (w api.BMCAccount, err error) {
	plan, err := e.PlanBoot(ctx, inventory.Identity{NICMACs: []string{card}}, "https://socle.test")
	if err != nil {
		return w, err
	}
	token := strings.TrimPrefix(plan.Params[2], api.ParamToken+"=")
	reply, err := e.OpenSession(ctx, api.SessionRequest{Token: token, BootID: boot, Serial: "SN-1"}, netip.MustParseAddr("198.18.0.7"))
	if err != nil {
		return w, err
	}
	s, err := e.Session(ctx, reply.Token)
	if err != nil {
		return w, err
	}
	var o *api.Order
	for o == nil && err == nil {
		o, err = e.NextOrder(ctx, s, time.Second)
		err = errors.Join(err, ctx.Err())
	}
	if err != nil {
		return w, fmt.Errorf("waiting for the order to make an account: %w", err)
	}
	if o.Kind != api.OrderBMCAccount || o.Serial != "SN-1" {
		return w, fmt.Errorf("the order is %s, for %s", o.Kind, o.Serial)
	}
	if err := json.Unmarshal(o.Params, &w); err != nil {
		return w, err
	}
	report, err := carryOut(w)
	if err != nil {
		return w, err
	}
	return w, e.Report(ctx, s, o.ID, report)
}

// card is the network card that the server boots by.
const card = "02:53:00:00:00:01"

// makeInside makes an account by a password that only the test has: what comes from inside needs none.
func makeInside(ctx context.Context, addr string, w api.BMCAccount) (api.Report, error) {
	inside := bmc.Target{Machine: "hv01", Protocol: inventory.Redfish, Address: addr, User: "socle-a", Password: secret.New("first-Pass.w0rd")}
	err := bmc.New(bmc.Options{Burst: 100}).PutAccount(ctx, inside, w.User, secret.New(w.Password))
	return api.Report{Seq: 1, State: "done", Result: json.RawMessage(`{"id":3,"channel":1,"mac":"02:53:00:00:01:0b"}`)}, err
}

// TestAdoptInBand: nobody knows the BMC's password, and the agent makes an account that is used from then on. The first
// one fails, which is told, and ordered again another is made. The password is nowhere but in the order.
func TestAdoptInBand(t *testing.T) {
	a := newAdoption(t)
	reply, err := a.engine.Adopt(t.Context(), "test", "hv01", api.AdoptRequest{})
	if err != nil || reply != (api.AdoptReply{Machine: "hv01", How: api.AdoptInBand, User: "socle-b"}) {
		t.Fatalf("%+v, %v", reply, err)
	}
	first := a.agent("boot-1", func(api.BMCAccount) (api.Report, error) {
		return api.Report{Seq: 1, State: "failed", Code: api.CodeBMC, Message: "all 10 accounts of the BMC are taken: remove one"}, nil
	})
	m := a.await(func(b inventory.BMC) bool { return b.Rotation != nil && !b.Rotation.Stopped.IsZero() })
	if !strings.Contains(m.BMC.Rotation.Problem, "accounts of the BMC are taken") || m.BMC.User != "socle-a" {
		t.Errorf("after the failure: %+v, %+v", m.BMC, m.BMC.Rotation)
	}
	if all, err := (&desk{store: a.store, now: time.Now}).List(t.Context()); err != nil || len(all) != 1 || !strings.Contains(all[0].Problem, "are taken") {
		t.Errorf("the list says %+v, %v", all, err)
	}
	if _, err = a.engine.Adopt(t.Context(), "test", "hv01", api.AdoptRequest{}); err != nil {
		t.Fatal(err)
	}
	second := a.agent("boot-2", a.make)
	if second.User != "socle-b" || len(second.Password) != 16 || second.Password == first.Password {
		t.Errorf("account %s with a password of %d bytes, the same as the first one's: %v", second.User, len(second.Password), second.Password == first.Password)
	}
	m = a.await(func(b inventory.BMC) bool { return b.Rotation == nil && b.User == "socle-b" })
	if m.BMC.Origin != inventory.FromSocle || m.BMC.MAC != "02:53:00:00:01:0b" || m.BMC.Firmware == "" {
		t.Errorf("%+v", m.BMC)
	}
	letsIn(t, a.store, m.ID)
	if n := len(slices.DeleteFunc(a.bmc.Requests(), func(r redfish.Request) bool { return r.Status != 401 })); n > 1 {
		t.Errorf("%d logins were refused: an account could have been locked", n)
	}
	for _, name := range []string{"socle.db", "socle.db-wal"} {
		text, err := os.ReadFile(filepath.Join(a.dir, name))
		if err == nil && (bytes.Contains(text, []byte(second.Password)) || bytes.Contains(text, []byte(first.Password))) {
			t.Errorf("a password stands in %s", name)
		}
	}
	if reply, err = a.engine.Adopt(t.Context(), "test", "hv01", api.AdoptRequest{}); err != nil || reply.How != api.AdoptWorks {
		t.Errorf("adopted again: %+v, %v", reply, err)
	}
}

// TestAdoptLogin: a login that somebody knows is tried once and kept, a wrong one is not; what was begun by the agent can
// be given up.
func TestAdoptLogin(t *testing.T) {
	a := newAdoption(t)
	var p *api.Problem
	if _, err := a.engine.Adopt(t.Context(), "test", "hv01", api.AdoptRequest{User: "root", Password: "calvin"}); !errors.As(err, &p) || p.Code != "bmc-auth" {
		t.Errorf("a wrong login: %v", err)
	}
	if _, err := a.engine.Adopt(t.Context(), "test", "hv01", api.AdoptRequest{User: "root"}); !errors.As(err, &p) || p.Status != 422 {
		t.Errorf("half a login: %v", err)
	}
	if _, err := a.engine.Adopt(t.Context(), "test", "hv01", api.AdoptRequest{}); err != nil {
		t.Fatal(err)
	}
	if _, err := a.engine.Adopt(t.Context(), "test", "hv01", api.AdoptRequest{User: "socle-a", Password: "first-Pass.w0rd"}); !errors.As(err, &p) || p.Status != 409 {
		t.Errorf("while the agent is to make an account: %v", err)
	}
	if _, err := a.engine.Rotate(t.Context(), "test", "hv01", api.RotateRequest{Abort: true}); err != nil {
		t.Errorf("giving it up: %v", err)
	}
	reply, err := a.engine.Adopt(t.Context(), "test", "hv01", api.AdoptRequest{User: "socle-a", Password: "first-Pass.w0rd"})
	if err != nil || reply.How != api.AdoptTaken {
		t.Fatalf("%+v, %v", reply, err)
	}
	m := a.await(func(b inventory.BMC) bool { return b.Origin == inventory.FromPerson && b.User == "socle-a" })
	letsIn(t, a.store, m.ID)
}

// adoptionPlaces is how many there are to die at in an adoption: before and after each change of the database that it
// makes, each order and report, and the first login.
const adoptionPlaces = 14

// TestAdoptionKilled kills a process that adopts a BMC in-band, at each of its steps, and lets another one go on. In the end the new
// account is in force, and no other one was touched or locked.
func TestAdoptionKilled(t *testing.T) {
	for n := 1; n <= adoptionPlaces+1; n++ {
		t.Run(strconv.Itoa(n), func(t *testing.T) {
			t.Parallel()
			if died := adoptionKilled(t, n); died != (n <= adoptionPlaces) {
				t.Errorf("an adoption has %d places to die at: at %d it died %v", adoptionPlaces, n, died)
			}
		})
	}
}

func adoptionKilled(t *testing.T, n int) (died bool) {
	ring := filepath.Join(t.TempDir(), "keys")
	keys, err := secret.Open(ring)
	must(t, err)
	url := filepath.Join(t.TempDir(), "socle.db")
	s, err := store.Open(t.Context(), store.Options{URL: url, Keys: keys})
	must(t, err)
	defer func() { must(t, s.Close()) }()
	b, addr := serveBMC(t)
	importWrong(t, s, addr)
	r := rotator{URL: url, Keys: ring, Begin: true, mortal: mortal{Kill: n}, Adopt: addr}
	if died = r.start(t); t.Failed() {
		return died
	}
	m, err := s.Machine(t.Context(), "hv01")
	must(t, err)
	if died {
		r = rotator{URL: url, Keys: ring, Begin: m.BMC.Rotation == nil && m.BMC.User == "socle-a", Adopt: addr}
		if r.start(t) {
			t.Fatalf("step %d: the second process died as well", n)
		}
	}
	m, err = s.Machine(t.Context(), "hv01")
	must(t, err)
	letsIn(t, s, m.ID)
	if m.BMC.Rotation != nil || m.BMC.User != "socle-b" || m.BMC.Origin != inventory.FromSocle {
		t.Errorf("step %d: in the end %+v, %+v", n, m.BMC, m.BMC.Rotation)
	}
	list := b.Accounts()
	if len(list) != 2 || list[0].Locked || list[1].Locked {
		t.Errorf("step %d: accounts in the end: %+v", n, list)
	}
	return died
}
