package provision_test

import (
	"errors"
	"net/http"
	"net/netip"
	"testing"
	"time"

	"socle/api"
	"socle/inventory"
)

// TestPartners: two servers that test the network are brought together, a third waits in vain, and who is not in such a test
// is refused.
func TestPartners(t *testing.T) {
	onBoth(t, func(t *testing.T, r *rack) {
		ctx := t.Context()
		r.down()
		r.burnIn = []inventory.BurnInPlan{{Tests: []string{api.TestNetwork}, Seconds: 60, Memory: 50}}
		r.start()
		names := []string{"a", "b", "c"}
		under, done := make(chan struct{}, len(names)), make(chan struct{})
		defer close(done)
		for _, name := range names {
			s := r.add(name, 1)
			s.result = []byte(`{"notes":["the network was tested"]}`)
			s.slow[api.OrderBurnIn] = func() { under <- struct{}{}; <-done }
		}
		sessions, orders := map[string]inventory.Session{}, map[string]string{}
		for _, name := range names {
			_, err := r.engine.Test(ctx, "test", name, api.TestRequest{})
			must(t, err)
		}
		for range names {
			<-under
		}
		for _, name := range names {
			m := r.await(name, in(inventory.Testing))
			s, err := r.store.LiveSession(ctx, m.ID)
			must(t, err)
			all, err := r.store.Orders(ctx, m.ID)
			must(t, err)
			for _, o := range all {
				if o.Kind == api.OrderBurnIn {
					sessions[name], orders[name] = s, o.ID
				}
			}
		}
		ask := func(name, order string, port int, wait time.Duration) (*api.Partner, error) {
			return r.engine.Partner(ctx, sessions[name], order, api.PartnerRequest{Port: port}, netip.MustParseAddr("192.0.2.7"), wait)
		}
		if p, err := ask("a", orders["a"], 4000, time.Millisecond); p != nil || err != nil {
			t.Errorf("alone: %+v, %v", p, err)
		}
		type answer struct {
			p   *api.Partner
			err error
		}
		first, second := make(chan answer, 1), make(chan answer, 1)
		go func() { p, err := ask("a", orders["a"], 4000, time.Minute); first <- answer{p, err} }()
		go func() { p, err := ask("b", orders["b"], 5000, time.Minute); second <- answer{p, err} }()
		one, two := <-first, <-second
		if one.err != nil || two.err != nil || one.p == nil || two.p == nil {
			t.Fatalf("%+v, %+v", one, two)
		}
		dialled := map[bool]string{true: "192.0.2.7:5000", false: "192.0.2.7:4000"}[one.p.Address != ""]
		if one.p.Machine != "b" || two.p.Machine != "a" || one.p.Token == "" || one.p.Token != two.p.Token || one.p.Address+two.p.Address != dialled {
			t.Errorf("%+v, %+v", one.p, two.p)
		}
		if p, err := ask("c", orders["c"], 6000, time.Millisecond); p != nil || err != nil {
			t.Errorf("the odd one: %+v, %v", p, err)
		}
		for order, port := range map[string]int{orders["b"]: 4000, "none": 4000, orders["a"]: 0} {
			p, err := ask("a", order, port, time.Millisecond)
			var problem *api.Problem
			if !errors.As(err, &problem) || problem.Status < http.StatusBadRequest {
				t.Errorf("order %s, port %d: %+v, %v", order, port, p, err)
			}
		}
	})
}
