package app

import (
	"errors"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"socle/api"
	"socle/bmc"
	"socle/internal/secret"
	"socle/inventory"
	"socle/inventory/store"
	"socle/lab/redfish"
	"socle/provision"
)

const factoryPassword = "first-Pass.w0rd"

// factory serves a controller whose only account must change its password before anything else.
func factory(o *redfish.Options) { o.User, o.MustChange = "root", true }

// delivered is a store with that controller's machine.
func delivered(t *testing.T, url, ring, address string) (*store.Store, inventory.Machine) {
	keys, err := secret.Open(ring)
	must(t, err)
	s, err := store.Open(t.Context(), store.Options{URL: url, Keys: keys})
	must(t, err)
	_, err = s.Import(t.Context(), []store.Planned{{Planned: inventory.Planned{Line: 2, Name: "hv01", Identity: inventory.Identity{Serial: "SN-1"},
		BMC: inventory.BMC{Protocol: inventory.Redfish, Address: address, User: "root"}, Place: inventory.Place{Rack: "r01", U: 1}}, Password: secret.New(factoryPassword)}}, "test", false)
	must(t, err)
	m, err := s.Machine(t.Context(), "hv01")
	must(t, err)
	return s, m
}

// ownPlaces is how many there are to die at until an account of our own begins to be made, which TestRotationKilled is about.
const ownPlaces = 14

// TestOwnPasswordKilled kills a process that changes the password of a factory's account, which is the only one that there
// is, before and after each of its steps. One of the passwords that are stored always works, and the next process finds
// out which.
func TestOwnPasswordKilled(t *testing.T) {
	for n := 1; n <= ownPlaces; n++ {
		t.Run(strconv.Itoa(n), func(t *testing.T) {
			t.Parallel()
			ownPasswordKilled(t, n)
		})
	}
}

func ownPasswordKilled(t *testing.T, n int) {
	b, address := serveBMC(t, factory)
	url, ring := filepath.Join(t.TempDir(), "socle.db"), filepath.Join(t.TempDir(), "keys")
	s, m := delivered(t, url, ring, address)
	defer func() { must(t, s.Close()) }()
	r := rotator{URL: url, Keys: ring, Begin: true, mortal: mortal{Kill: n}}
	if !r.start(t) {
		t.Fatalf("step %d: it did not die", n)
	}
	m, err := s.Machine(t.Context(), "hv01")
	must(t, err)
	at, pair, err := s.Login(t.Context(), m.ID)
	must(t, err)
	works := func(a redfish.Account) bool {
		return a.User == at.User && slices.Contains([]string{pair.Current.Reveal(), pair.Other.Reveal()}, a.Password.Reveal())
	}
	if !slices.ContainsFunc(b.Accounts(), works) {
		t.Fatalf("step %d: no password that is stored works: nobody gets in any more", n)
	}
	r = rotator{URL: url, Keys: ring, Begin: m.BMC.Rotation == nil && m.BMC.User == "root"}
	if r.start(t) {
		t.Fatalf("step %d: the second process died as well", n)
	}
	letsIn(t, s, m.ID)
	m, err = s.Machine(t.Context(), "hv01")
	must(t, err)
	_, pair, err = s.Login(t.Context(), m.ID)
	must(t, err)
	if m.BMC.Rotation != nil || m.BMC.User != "socle-a" || m.BMC.Origin != inventory.FromSocle || !pair.Other.Empty() {
		t.Errorf("step %d: in the end %+v, %+v", n, m.BMC, m.BMC.Rotation)
	}
	list := b.Accounts()
	if len(list) != 2 || list[0].User != "root" || list[0].Password.Reveal() == factoryPassword || list[1].User != "socle-a" || list[0].Locked {
		t.Errorf("step %d: accounts in the end: %+v", n, list)
	}
	refused := 0
	for _, q := range b.Requests() {
		if q.Status == 401 {
			refused++
		}
	}
	if refused > 1 { // to find out which password works
		t.Errorf("step %d: %d logins were refused on the way", n, refused)
	}
}

// TestOwnPassword: a BMC that lets nobody do anything before the password is changed says so, is left as it is until a
// person orders it, and can be given up only while the BMC has not heard of it.
func TestOwnPassword(t *testing.T) {
	b, address := serveBMC(t, factory)
	s, m := delivered(t, filepath.Join(t.TempDir(), "socle.db"), filepath.Join(t.TempDir(), "keys"), address)
	defer func() { must(t, s.Close()) }()
	bmcs := &bmcs{driver: bmc.New(bmc.Options{Burst: 100}), logins: s}
	var f *provision.Failure
	if _, err := bmcs.Power(t.Context(), m); !errors.As(err, &f) || f.Kind != inventory.FaultBMCPassword || f.Retry || !strings.Contains(f.Remedy, "socle bmc rotate") {
		t.Errorf("%v: %+v", err, f)
	}
	e := rotating(t, s)
	rotate := func(r api.RotateRequest) error {
		_, err := e.Rotate(t.Context(), "test", "hv01", r)
		return err
	}
	must(t, rotate(api.RotateRequest{}))
	m, err := s.Machine(t.Context(), "hv01")
	must(t, err)
	if r := m.BMC.Rotation; r == nil || !r.Own || r.User != "root" || !strings.Contains(r.String(), "before anything else") {
		t.Errorf("ordered: %+v", r)
	}
	must(t, rotate(api.RotateRequest{Abort: true}))
	if list := b.Accounts(); len(list) != 1 || list[0].Password.Reveal() != factoryPassword {
		t.Errorf("given up before it began: %+v", list)
	}
	must(t, rotate(api.RotateRequest{}))
	b.Faults().Add(redfish.Fault{Kind: redfish.Ignore}) // it says yes to everything
	defer works(t, e)()
	stopped := awaitBMC(t, s, func(b inventory.BMC) bool { return b.Rotation != nil && !b.Rotation.Stopped.IsZero() })
	if r := stopped.BMC.Rotation; r.Sent.IsZero() || !strings.Contains(r.Problem, "refuses it") || stopped.BMC.User != "root" {
		t.Errorf("stopped: %+v", r)
	}
	var p *api.Problem
	if err := rotate(api.RotateRequest{Abort: true}); !errors.As(err, &p) || p.Code != api.ErrConflict {
		t.Errorf("given up when the BMC may have it: %v", err)
	}
	b.Faults().Clear()
	must(t, rotate(api.RotateRequest{}))
	m = awaitBMC(t, s, func(b inventory.BMC) bool { return b.Rotation == nil })
	if m.BMC.User != "socle-a" || len(b.Accounts()) != 2 {
		t.Errorf("in the end %+v", m.BMC)
	}
	letsIn(t, s, m.ID)
}
