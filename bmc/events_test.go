package bmc_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"socle/bmc"
	"socle/inventory"
	"socle/lab/redfish"
)

// comes waits for something.
func comes[T any](t *testing.T, c <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(time.Minute):
		t.Fatalf("it did not come: %s", what)
		panic("unreachable")
	}
}

// TestListen hears a power supply fail, by the stream of every maker that has one; it ends when the controller restarts,
// and when its caller has enough of it. Calls go on meanwhile.
func TestListen(t *testing.T) {
	t.Parallel()
	for _, name := range redfish.Shapes() {
		t.Run(name, func(t *testing.T) {
			b, _, target := shaped(t, name)
			d := bmc.New(usual)
			listen := func(ctx context.Context) (open chan bool, heard chan bmc.Notice, ended chan error) {
				open, heard, ended = make(chan bool, 1), make(chan bmc.Notice, 16), make(chan error, 1)
				go func() {
					ended <- d.Listen(ctx, target, func() { open <- true }, func(n bmc.Notice) { heard <- n })
				}()
				return open, heard, ended
			}
			open, heard, ended := listen(t.Context())
			if name == "ilo5" || name == "x11" {
				mustBe(t, comes(t, ended, "an error"), bmc.ErrUnsupported, "no stream of events")
				return
			}
			comes(t, open, "the stream")
			if err := b.SetHealth("PSU1", redfish.Critical); err != nil {
				t.Fatal(err)
			}
			if n := comes(t, heard, "the event"); n.Health != inventory.HealthCritical || !strings.Contains(n.Text, "PSU1") {
				t.Errorf("%+v", n)
			}
			if _, err := d.Power(t.Context(), target); err != nil {
				t.Errorf("while somebody listens: %v", err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			open, _, given := listen(ctx)
			comes(t, open, "a second stream")
			cancel()
			if err := comes(t, given, "its end"); err != nil {
				t.Error(err)
			}
			b.Restart()
			if err := comes(t, ended, "the end of the first"); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestSubscribe makes controllers post their events: twice asked, they do it once; what is suspended, of an earlier place or
// twice there is cleaned up, and what belongs to others stays.
func TestSubscribe(t *testing.T) {
	t.Parallel()
	for _, name := range redfish.Shapes() {
		t.Run(name, func(t *testing.T) {
			got := make(chan string, 64)
			srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/refuses" {
					w.WriteHeader(http.StatusNotFound)
					return
				}
				var e struct{ Context string }
				if err := json.NewDecoder(r.Body).Decode(&e); err != nil {
					t.Error(err)
				}
				got <- r.URL.Path + " " + e.Context
			}))
			t.Cleanup(srv.Close)
			b, _, target := shaped(t, name)
			d := bmc.New(usual)
			want := bmc.Subscription{Destination: srv.URL + "/events/1", Context: "socle:1", Owner: "socle:1"}
			posted := func(method, path, body string) {
				t.Helper()
				r := httptest.NewRequest(method, "/redfish/v1/EventService/Subscriptions"+path, strings.NewReader(body))
				r.SetBasicAuth("admin", password)
				w := httptest.NewRecorder()
				if b.ServeHTTP(w, r); w.Code/100 != 2 {
					t.Fatalf("%d %s", w.Code, w.Body)
				}
			}
			other := fmt.Sprintf(`{"Destination":%q,"Protocol":"Redfish","Context":"monitoring","EventTypes":["Alert"]}`, srv.URL+"/other")
			posted(http.MethodPost, "", other)
			subscribe := func(made bool, why string) {
				t.Helper()
				if got, err := d.Subscribe(t.Context(), target, want); err != nil || got != made {
					t.Errorf("%s: made %v, %v", why, got, err)
				}
				var all []string
				for _, s := range b.Subscriptions() {
					all = append(all, fmt.Sprint(s.Context, " ", s.Destination == want.Destination, " ", s.Enabled))
				}
				slices.Sort(all)
				if diff := cmp.Diff([]string{"monitoring false true", "socle:1 true true"}, all); diff != "" {
					t.Errorf("%s: %s", why, diff)
				}
			}
			subscribe(true, "first")
			subscribe(false, "again")
			if err := b.SetHealth("PSU1", redfish.Critical); err != nil {
				t.Fatal(err)
			}
			events := []string{comes(t, got, "an event"), comes(t, got, "the other's")}
			slices.Sort(events)
			if diff := cmp.Diff([]string{"/events/1 socle:1", "/other monitoring"}, events); diff != "" {
				t.Error(diff)
			}
			for _, s := range b.Subscriptions() {
				if s.Context == "socle:1" {
					posted(http.MethodPatch, "/"+s.ID, `{"Status":{"State":"Disabled"}}`)
				}
			}
			subscribe(true, "suspended")
			posted(http.MethodPost, "", strings.ReplaceAll(other, "monitoring", "socle:1"))
			subscribe(false, "left over from elsewhere")
			want.Destination = srv.URL + "/events/2"
			subscribe(true, "we have moved")
			if err := d.Unsubscribe(t.Context(), target, want.Owner); err != nil || len(b.Subscriptions()) != 1 {
				t.Errorf("%+v, %v", b.Subscriptions(), err)
			}
		})
	}
	p := startOwn(t)
	_, err := bmc.New(usual).Subscribe(t.Context(), p.target, bmc.Subscription{})
	mustBe(t, err, bmc.ErrUnsupported, "no controller tells of events")
}
