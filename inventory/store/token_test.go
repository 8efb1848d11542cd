package store_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

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
