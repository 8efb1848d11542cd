package provision_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"socle/api"
	"socle/internal/secret"
	"socle/inventory"
	"socle/inventory/store"
	"socle/provision"
)

// bootToken asks what hv01 boots and returns the token of its script.
func (r *rack) bootToken(e *provision.Engine) string {
	r.t.Helper()
	plan, err := e.PlanBoot(r.t.Context(), inventory.Identity{Serial: "SN-hv01", NICMACs: []string{"52:54:00:00:00:01"}}, "https://socle.test")
	must(r.t, err)
	if len(plan.Params) == 0 {
		return "" // it shall not boot the ramdisk
	}
	return plan.Params[2][len(api.ParamToken)+1:]
}

// open opens a session and returns why that was refused, empty when it was not.
func (r *rack) open(e *provision.Engine, token, boot string) string {
	r.t.Helper()
	_, err := e.OpenSession(r.t.Context(), api.SessionRequest{Token: token, BootID: boot, Serial: "SN-hv01"}, here)
	var p *api.Problem
	if errors.As(err, &p) && p.Code == api.ErrUnauthorized {
		return p.Detail
	}
	must(r.t, err)
	return ""
}

func TestBootToken(t *testing.T) {
	onBoth(t, func(t *testing.T, r *rack) {
		r.add("hv01", 1)
		first, second := r.bootToken(r.engine), r.bootToken(r.engine)
		if first == second {
			t.Error("two scripts hold one token")
		}
		raw, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(first, "socle-boot-"))
		must(t, err)
		for i := range raw { // each bit is signed
			bad := append([]byte(nil), raw...)
			bad[i] ^= 1 << (i % 8)
			if r.open(r.engine, "socle-boot-"+base64.RawURLEncoding.EncodeToString(bad), "x") == "" {
				t.Fatalf("a token with byte %d changed was taken", i)
			}
		}
		for _, bad := range []string{first[:len(first)-1], first + "A", strings.ToUpper(first), "socle-boot-", strings.Replace(first, "boot", "session", 1)} {
			if r.open(r.engine, bad, "x") == "" {
				t.Errorf("%q was taken", bad)
			}
		}
		if n := r.tokens(); n != 0 {
			t.Errorf("%d tokens were written before any was used", n)
		}
		for range 2 { // the answer was lost
			if why := r.open(r.engine, first, "boot-1"); why != "" {
				t.Errorf("refused: %s", why)
			}
		}
		if why := r.open(r.engine, first, "boot-2"); !strings.Contains(why, "used already") {
			t.Errorf("a second boot with one token: %q", why)
		}
		if n := r.tokens(); n != 1 {
			t.Errorf("%d tokens were written, one was used", n)
		}
	})
}

// tokens counts the boot tokens in the database.
func (r *rack) tokens() (n int) {
	r.t.Helper()
	must(r.t, r.store.SQL().QueryRowContext(r.t.Context(), "SELECT count(*) FROM tokens WHERE kind = 'boot'").Scan(&n))
	return n
}

// TestBootTokenHoldsWhileItsBootIsWanted changes what the machine shall boot between its script and its session.
func TestBootTokenHoldsWhileItsBootIsWanted(t *testing.T) {
	onBoth(t, func(t *testing.T, r *rack) {
		r.add("hv01", 1)
		change := func(fn func(*inventory.Machine)) {
			t.Helper()
			m, err := r.store.Machine(t.Context(), "hv01")
			must(t, err)
			_, err = r.store.Change(t.Context(), m.ID, "test", func(m *inventory.Machine) (inventory.Note, error) {
				fn(m)
				return inventory.Note{Kind: "test", Reason: "test"}, nil
			})
			must(t, err)
		}
		token := r.bootToken(r.engine)
		change(func(m *inventory.Machine) { m.Boot = inventory.BootDisk })
		if why := r.open(r.engine, token, "a"); !strings.Contains(why, "shall not boot the ramdisk") {
			t.Errorf("the machine shall boot its disk: %q", why)
		}
		change(func(m *inventory.Machine) {
			m.Boot, m.Op = inventory.BootRamdisk, &inventory.Op{Boot: inventory.BootRamdisk, At: time.Now()}
		})
		if why := r.open(r.engine, token, "a"); !strings.Contains(why, "another boot of this server was ordered") {
			t.Errorf("another boot was ordered: %q", why)
		}
		token = r.awaitBootToken(token)
		if why := r.open(r.engine, token, "a"); why != "" {
			t.Errorf("the token of the new boot: %s", why)
		}
		change(func(m *inventory.Machine) { m.Op = nil })
		if why := r.open(r.engine, token, "a"); why != "" {
			t.Errorf("the boot that has its session already asks again: %s", why)
		}
	})
}

// awaitBootToken asks for tokens until one is of another boot than the given one: the view follows within moments.
func (r *rack) awaitBootToken(old string) string {
	r.t.Helper()
	boot := func(token string) string {
		raw, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(token, "socle-boot-"))
		must(r.t, err)
		return string(raw[23:31])
	}
	for range 500 {
		if token := r.bootToken(r.engine); token != "" && boot(token) != boot(old) {
			return token
		}
		<-time.After(10 * time.Millisecond)
	}
	r.t.Fatal("the view did not follow")
	return ""
}

// TestBootTokenOfAnotherServer hands a script out on one server and opens the session on another, on one
// database; a server with another key takes nothing.
func TestBootTokenOfAnotherServer(t *testing.T) {
	onBoth(t, func(t *testing.T, r *rack) {
		r.add("hv01", 1)
		s, err := store.Open(t.Context(), store.Options{URL: r.url, Keys: r.keys})
		must(t, err)
		defer s.Close()
		key, err := s.Key(t.Context(), "boot-tokens")
		must(t, err)
		other := r.second(s, key, time.Now)
		token := r.bootToken(r.engine)
		if why := r.open(other, token, "a"); why != "" {
			t.Errorf("the other server: %s", why)
		}
		if why := r.open(r.engine, token, "b"); !strings.Contains(why, "used already") {
			t.Errorf("the first server, another boot: %q", why)
		}
		if r.open(r.second(s, secret.New(strings.Repeat("k", 32)), time.Now), token, "a") == "" {
			t.Error("a server with another key takes the token")
		}
		token = r.bootToken(r.engine)
		later := func() time.Time { return time.Now().Add(30 * time.Minute) }
		if why := r.open(r.second(s, key, later), token, "a"); !strings.Contains(why, "is 30m0s old") {
			t.Errorf("after 30 minutes: %q", why)
		}
		earlier := func() time.Time { return time.Now().Add(-3 * time.Minute) }
		if why := r.open(r.second(s, key, earlier), token, "a"); !strings.Contains(why, "clocks") {
			t.Errorf("on a server whose clock is slow: %q", why)
		}
	})
}

// second is another engine on the database, which does no work.
func (r *rack) second(s *store.Store, key secret.Secret, now func() time.Time) *provision.Engine {
	r.t.Helper()
	e, err := provision.New(r.t.Context(), provision.Options{Store: s, BootKey: key, BMC: r, Images: r, Seeds: r, Verifier: r, Roles: roles,
		ServerURL: "https://socle.test", CAFingerprint: "00", Now: now})
	must(r.t, err)
	return e
}

// FuzzBootToken offers texts as tokens: none is taken that was not signed.
func FuzzBootToken(f *testing.F) {
	f.Add("socle-boot-")
	f.Add("socle-boot-" + strings.Repeat("A", 106))
	f.Add("socle-boot-" + strings.Repeat("-", 106))
	keys, err := secret.Open(filepath.Join(f.TempDir(), "keys"))
	if err != nil {
		f.Fatal(err)
	}
	s, err := store.Open(f.Context(), store.Options{URL: filepath.Join(f.TempDir(), "db"), Keys: keys})
	if err != nil {
		f.Fatal(err)
	}
	defer s.Close()
	e, err := provision.New(f.Context(), provision.Options{Store: s, BootKey: secret.New(fmt.Sprint(time.Now())), ServerURL: "https://socle.test", CAFingerprint: "00"})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		_, err := e.OpenSession(t.Context(), api.SessionRequest{Token: text, BootID: "a"}, here)
		var p *api.Problem
		if !errors.As(err, &p) {
			t.Errorf("%q: %v", text, err)
		}
	})
}
