package app

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"socle/api"
	"socle/internal/pgtest"
	"socle/internal/secret"
	"socle/inventory"
	"socle/inventory/store"
)

// renew is a process that renews a keyring.
func (r *rotator) renew(ctx context.Context, keys *secret.Keyring) error {
	m := &ringmaster{keys: keys, store: r.Store, rest: time.Millisecond, each: r.at}
	do := m.Rotate
	if r.Ring == "retire" {
		do = m.Retire
	}
	_, err := do(ctx, "test")
	return errors.Join(err, r.Close())
}

// hoard is a database with a secret in each place where there are any.
type hoard struct {
	*testing.T
	url, ring string
	machine   string
	session   string
}

const hoarded = "pass-of-the-hoard"

func newHoard(t *testing.T, url string) *hoard {
	h := &hoard{T: t, url: url, ring: filepath.Join(t.TempDir(), "keys"), session: "5e551011-0000-4000-8000-000000000000"}
	s, _ := h.open()
	defer func() { must(t, s.Close()) }()
	_, err := s.Import(t.Context(), []store.Planned{{Planned: inventory.Planned{Line: 2, Name: "hv01", Identity: inventory.Identity{Serial: "SN-1"},
		BMC: inventory.BMC{Protocol: inventory.IPMI, Address: "198.18.1.1", User: "root"}, Place: inventory.Place{Rack: "r01", U: 1}}, Password: secret.New(hoarded)}}, "test", false)
	must(t, err)
	m, err := s.Machine(t.Context(), "hv01")
	must(t, err)
	h.machine = m.ID
	_, err = s.ChangeLogin(t.Context(), m.ID, "test", func(_ *inventory.Machine, p *secret.Pair) (inventory.Note, error) {
		p.Other = secret.New("other-" + hoarded)
		return inventory.Note{Kind: "bmc", Reason: "a second password"}, nil
	})
	must(t, err)
	must(t, s.StartSession(t.Context(), inventory.Session{ID: h.session, Machine: m.ID, BootID: "b"}))
	_, err = s.Issue(t.Context(), inventory.Order{Machine: m.ID, Session: h.session, Kind: "write-image", Params: json.RawMessage(`{"secret":"` + hoarded + `"}`)})
	must(t, err)
	_, err = s.Key(t.Context(), "boot-tokens")
	must(t, err)
	return h
}

func (h *hoard) open() (*store.Store, *secret.Keyring) {
	h.Helper()
	keys, err := secret.Open(h.ring)
	must(h.T, err)
	s, err := store.Open(h.Context(), store.Options{URL: h.url, Keys: keys})
	must(h.T, err)
	return s, keys
}

// intact checks that everything opens, and returns how many keys there are and how many values the present one has sealed
// not.
func (h *hoard) intact(when string) (keys, old int) {
	h.Helper()
	s, ring := h.open()
	defer func() { must(h.T, s.Close()) }()
	_, pair, err := s.Login(h.Context(), h.machine)
	if err != nil || pair.Current.Reveal() != hoarded || pair.Other.Reveal() != "other-"+hoarded {
		h.Errorf("%s: passwords %q and %q, %v", when, pair.Current.Reveal(), pair.Other.Reveal(), err)
	}
	if all, err := s.Orders(h.Context(), h.machine); err != nil || len(all) != 1 || !strings.Contains(string(all[0].Params), hoarded) {
		h.Errorf("%s: orders %+v, %v", when, all, err)
	}
	ids, err := ring.Keys()
	must(h.T, err)
	return len(ids), h.sealedBefore(s, ring)
}

// sealedBefore counts the values that name another key than the present one.
func (h *hoard) sealedBefore(s *store.Store, ring *secret.Keyring) (n int) {
	for _, q := range []string{"SELECT sealed FROM bmc_passwords", "SELECT other FROM bmc_passwords", "SELECT value FROM settings WHERE name LIKE 'key %'", "SELECT params FROM orders"} {
		rows, err := s.SQL().QueryContext(h.Context(), q)
		must(h.T, err)
		for rows.Next() {
			var v []byte
			must(h.T, rows.Scan(&v))
			if raw, err := base64.StdEncoding.DecodeString(string(v)); err == nil {
				v = raw
			}
			if !ring.Current(v) {
				n++
			}
		}
		must(h.T, errors.Join(rows.Err(), rows.Close()))
	}
	return n
}

// ringPlaces are the moments at which the renewal of a ring can be killed: after the new key, and after each of four
// columns; where nobody else uses the database, also after the old key has gone.
var ringPlaces = map[string]int{"sqlite": 6, "postgres": 5}

// TestKeyringKilled kills a process that renews the keyring, after each of its parts. Everything opens at every moment, and
// the next process ends what it began.
func TestKeyringKilled(t *testing.T) {
	for engine, places := range ringPlaces {
		for n := 1; n <= places+1; n++ {
			t.Run(engine+"/"+strconv.Itoa(n), func(t *testing.T) {
				t.Parallel()
				url := filepath.Join(t.TempDir(), "socle.db")
				if engine == "postgres" {
					url = pgtest.URL(t)
				}
				h := newHoard(t, url)
				r := rotator{URL: h.url, Keys: h.ring, Ring: "rotate", mortal: mortal{Kill: n}}
				died := r.start(t)
				if died != (n <= places) {
					t.Errorf("it has %d places to die at: at %d it died %v", places, n, died)
				}
				keys, old := h.intact("when it died")
				if want := 4 - min(max(n-1, 0), 4); died && old != want {
					t.Errorf("%d values are sealed with the old key, want %d", old, want)
				}
				if died && keys > 1 {
					r = rotator{URL: h.url, Keys: h.ring, Ring: "rotate"}
					r.start(t)
				}
				if engine == "postgres" {
					if keys, old := h.intact("before the old key goes"); keys != 2 || old != 0 {
						t.Errorf("%d keys, %d old values, while another server may not have the new key", keys, old)
					}
					r = rotator{URL: h.url, Keys: h.ring, Ring: "retire"}
					r.start(t)
				}
				if keys, old = h.intact("in the end"); keys != 1 || old != 0 {
					t.Errorf("in the end %d keys, %d old values", keys, old)
				}
			})
		}
	}
}

// TestKeyring: what a renewal tells, and what it does with values that nobody can open.
func TestKeyring(t *testing.T) {
	h := newHoard(t, filepath.Join(t.TempDir(), "socle.db"))
	s, ring := h.open()
	defer func() { must(t, s.Close()) }()
	r := &ringmaster{keys: ring, store: s, rest: time.Millisecond}
	before, err := r.Keys(t.Context())
	if err != nil || len(before.Keys) != 1 || !before.Keys[0].Seals || len(before.Keys[0].ID) != 8 {
		t.Errorf("%+v, %v", before, err)
	}
	var p *api.Problem
	if _, err := r.Retire(t.Context(), "token:admin"); !errors.As(err, &p) || p.Code != api.ErrConflict {
		t.Errorf("retiring the only key: %v", err)
	}
	_, err = s.SQL().ExecContext(t.Context(), "UPDATE bmc_passwords SET other = x'0102030405060708'")
	must(t, err)
	after, err := r.Rotate(t.Context(), "token:admin")
	if err != nil || len(after.Keys) != 1 || after.Keys[0].ID == before.Keys[0].ID || after.Resealed != 3 || after.Lost != 1 || !strings.Contains(after.Next, "backups") {
		t.Errorf("%+v, %v", after, err)
	}
	events, err := s.Events(t.Context(), inventory.EventFilter{Limit: 100})
	must(t, err)
	told := 0
	for _, e := range events {
		if e.Kind == "keyring" && e.Actor == "token:admin" && e.Machine == "" {
			told++
		}
	}
	if told != 2 {
		t.Errorf("the history tells %d times", told)
	}
	// Interrupted while it waits, it has lost nothing.
	ctx, cancel := context.WithCancel(t.Context())
	r.rest, r.each = time.Hour, cancel
	if _, err := r.Rotate(ctx, "token:admin"); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
	if now, err := r.Keys(t.Context()); err != nil || len(now.Keys) != 2 {
		t.Errorf("%+v, %v", now, err)
	}
}
