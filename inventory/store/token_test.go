package store_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"socle/internal/secret"
	"socle/inventory"
	"socle/inventory/store"
)

func (b *bench) token(spec store.TokenSpec) string {
	b.t.Helper()
	s, err := b.NewToken(b.ctx, spec)
	must(b.t, err)
	return s.Reveal()
}

func TestToken(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		text := b.token(store.TokenSpec{Kind: inventory.TokenSession, Machine: "m1", Subject: "s1", TTL: time.Hour})
		other := b.token(store.TokenSpec{Kind: inventory.TokenSession, Machine: "m1", Subject: "s1", TTL: time.Hour})
		forever := b.token(store.TokenSpec{Kind: inventory.TokenAdmin, Subject: "admin"})
		if text == other || len(text) < 43 || strings.ContainsAny(text, "/+= ?&#") {
			t.Errorf("tokens are %q and %q", text, other)
		}
		got, err := b.Token(b.ctx, inventory.TokenSession, text)
		must(t, err)
		want := store.Token{ID: got.ID, Kind: inventory.TokenSession, Machine: "m1", Subject: "s1", Created: b.clock(), Expires: b.clock().Add(time.Hour)}
		if diff := cmp.Diff(want, got); diff != "" || got.ID == "" {
			t.Errorf("token (-want +got):\n%s", diff)
		}
		if n := b.count("SELECT count(*) FROM tokens WHERE hash = '" + text + "' OR id = '" + text + "' OR subject = '" + text + "'"); n != 0 {
			t.Error("the token's text is in the database")
		}
		refused := func(what, kind, text string) {
			t.Helper()
			if tok, err := b.Token(b.ctx, kind, text); !errors.Is(err, store.ErrNoToken) || tok != (store.Token{}) {
				t.Errorf("%s: %+v, %v", what, tok, err)
			}
			if _, err := b.UseToken(b.ctx, kind, text, "x"); !errors.Is(err, store.ErrNoToken) {
				t.Errorf("using %s: %v", what, err)
			}
		}
		refused("another kind", inventory.TokenAdmin, text)
		refused("unknown", inventory.TokenSession, text+"x")
		refused("nothing", inventory.TokenSession, "")
		refused("hostile", inventory.TokenSession, "' OR 1=1 --\x00")
		b.pass(time.Hour)
		refused("expired", inventory.TokenSession, text)
		b.pass(1000 * time.Hour)
		if _, err := b.Token(b.ctx, inventory.TokenAdmin, forever); err != nil {
			t.Error(err)
		}
		b.token(store.TokenSpec{Kind: "x"}) // making one clears old ones away
		if n := b.count("SELECT count(*) FROM tokens"); n != 2 {
			t.Errorf("%d tokens are kept", n)
		}
	})
}

func TestRevokeTokens(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		mine := b.token(store.TokenSpec{Kind: inventory.TokenBoot, Machine: "m1"})
		kind := b.token(store.TokenSpec{Kind: inventory.TokenPhoneHome, Machine: "m1"})
		other := b.token(store.TokenSpec{Kind: inventory.TokenBoot, Machine: "m2"})
		must(t, b.RevokeTokens(b.ctx, inventory.TokenBoot, "m1"))
		if _, err := b.UseToken(b.ctx, inventory.TokenBoot, mine, "x"); !errors.Is(err, store.ErrNoToken) {
			t.Errorf("revoked token: %v", err)
		}
		if _, err := b.UseToken(b.ctx, inventory.TokenBoot, other, "x"); err != nil {
			t.Errorf("another machine's: %v", err)
		}
		if _, err := b.UseToken(b.ctx, inventory.TokenPhoneHome, kind, "x"); err != nil {
			t.Errorf("another kind: %v", err)
		}
		if err := b.RevokeTokens(b.ctx, "", "m1"); err == nil {
			t.Error("tokens of no kind were revoked")
		}
	})
}

func TestUseToken(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		text := b.token(store.TokenSpec{Kind: inventory.TokenBoot, Machine: "m1", TTL: time.Hour})
		for range 2 { // the answer was lost the first time
			got, err := b.UseToken(b.ctx, inventory.TokenBoot, text, "boot-1")
			if err != nil || got.UsedBy != "boot-1" || got.Machine != "m1" {
				t.Errorf("%+v, %v", got, err)
			}
		}
		if got, err := b.UseToken(b.ctx, inventory.TokenBoot, text, "boot-2"); !errors.Is(err, store.ErrTokenUsed) || got.UsedBy != "boot-1" {
			t.Errorf("second boot: %+v, %v", got, err)
		}
		if _, err := b.UseToken(b.ctx, inventory.TokenBoot, text, ""); err == nil {
			t.Error("nobody used a token")
		}
	})
}

// TestUseTokenRace lets many boots of two stores use one token at once: one gets it.
func TestUseTokenRace(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		stores := []*store.Store{b.Store, b.open()}
		for round := range 5 {
			text := b.token(store.TokenSpec{Kind: inventory.TokenBoot, Machine: "m1", TTL: time.Hour})
			var won, lost atomic.Int64
			var wg sync.WaitGroup
			for w := range 16 {
				wg.Go(func() {
					_, err := stores[w%2].UseToken(b.ctx, inventory.TokenBoot, text, fmt.Sprint("boot-", round, "-", w))
					switch {
					case err == nil:
						won.Add(1)
					case errors.Is(err, store.ErrTokenUsed):
						lost.Add(1)
					default:
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if won.Load() != 1 || lost.Load() != 15 {
				t.Errorf("%d won and %d lost", won.Load(), lost.Load())
			}
		}
	})
}

// TestSpendToken spends tokens that the store did not make: the first who says so has each.
func TestSpendToken(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		stores := []*store.Store{b.Store, b.open()}
		spec := store.TokenSpec{Kind: inventory.TokenBoot, Machine: "m1", Subject: "hv01", TTL: time.Hour}
		for round := range 3 {
			text := fmt.Sprint("signed-", round)
			var won, lost atomic.Int64
			var wg sync.WaitGroup
			for w := range 12 {
				wg.Go(func() {
					for range 2 { // whoever has it may say so again
						_, err := stores[w%2].SpendToken(b.ctx, spec, text, fmt.Sprint("boot-", w))
						switch {
						case err == nil:
							won.Add(1)
						case errors.Is(err, store.ErrTokenUsed):
							lost.Add(1)
						default:
							t.Error(err)
						}
					}
				})
			}
			wg.Wait()
			if won.Load() != 2 || lost.Load() != 22 {
				t.Errorf("%d won and %d lost", won.Load(), lost.Load())
			}
		}
		if n := b.count("SELECT count(*) FROM tokens WHERE hash LIKE '%signed%'"); n != 0 {
			t.Error("a token's text is in the database")
		}
		must(t, b.RevokeTokens(b.ctx, inventory.TokenBoot, "m1"))
		if _, err := b.SpendToken(b.ctx, spec, "signed-0", "boot-0"); !errors.Is(err, store.ErrNoToken) {
			t.Errorf("revoked: %v", err)
		}
		b.pass(31 * 24 * time.Hour)
		if _, err := b.SpendToken(b.ctx, spec, "another", "boot-0"); err != nil || b.count("SELECT count(*) FROM tokens") != 1 {
			t.Errorf("spending one did not clear old ones away: %v", err)
		}
		if _, err := b.SpendToken(b.ctx, spec, "nobody's", ""); err == nil {
			t.Error("nobody spent a token")
		}
	})
}

// TestKey lets two processes make one key at the same time, and a third that lost the keyring replace it.
func TestKey(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		stores := []*store.Store{b.Store, b.open()}
		var keys [2]string
		var wg sync.WaitGroup
		for i, s := range stores {
			wg.Go(func() {
				k, err := s.Key(b.ctx, "x")
				if err != nil {
					t.Error(err)
				}
				keys[i] = k.Reveal()
			})
		}
		wg.Wait()
		if keys[0] != keys[1] || len(keys[0]) != 32 {
			t.Fatalf("keys of %d and %d bytes, equal: %v", len(keys[0]), len(keys[1]), keys[0] == keys[1])
		}
		if other, err := b.Key(b.ctx, "y"); err != nil || other.Reveal() == keys[0] {
			t.Errorf("another key: equal, or %v", err)
		}
		ring, err := secret.Open(filepath.Join(t.TempDir(), "other"))
		must(t, err)
		stranger, err := store.Open(b.ctx, store.Options{URL: b.url, Keys: ring})
		must(t, err)
		defer stranger.Close()
		replaced, err := stranger.Key(b.ctx, "x")
		if err != nil || replaced.Reveal() == keys[0] {
			t.Fatalf("with another keyring: the same key, or %v", err)
		}
		if again, err := stranger.Key(b.ctx, "x"); err != nil || again.Reveal() != replaced.Reveal() {
			t.Errorf("the replaced key is not kept: %v", err)
		}
	})
}
