package store_test

import (
	"errors"
	"slices"
	"sync"
	"testing"

	"socle/inventory"
	"socle/inventory/acceptance"
	"socle/inventory/certificate"
	"socle/inventory/store"
)

// TestCertificates: however many processes issue them at once, they are one chain, signed with one key, and stay as they were.
func TestCertificates(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		other := b.open()
		report := acceptance.NewReport(acceptance.Scope{Kind: acceptance.OfRack, Name: "r1"}, b.clock(), []acceptance.Unit{{ID: "m<1>", Name: "n1", Verdict: acceptance.Accepted, Checks: []acceptance.Check{}}}, nil)
		const each = 5
		var all sync.WaitGroup
		for _, s := range []*store.Store{b.Store, other} {
			all.Go(func() {
				for range each {
					if _, err := s.IssueCertificate(b.ctx, certificate.New(report, nil, nil, "token:ann", "", b.clock())); err != nil {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
		list, err := b.Certificates(b.ctx, "")
		must(t, err)
		if len(list) != 2*each || list[0].Number != 2*each || list[0].Verdict != "accepted" || list[0].Name != "r1" || list[0].Actor != "token:ann" {
			t.Fatalf("%+v", list)
		}
		var before *certificate.Certificate
		for _, e := range slices.Backward(list) {
			file, err := other.Certificate(b.ctx, e.Number)
			must(t, err)
			c, err := certificate.Parse(file)
			must(t, err)
			must(t, c.Verify())
			must(t, c.Follows(before))
			if c.Digest() != e.Digest {
				t.Errorf("%+v has the digest %s", e, c.Digest())
			}
			before = &c
		}
		for id, n := range map[string]int{"m<1>": 2 * each, "m": 0, "n1": 0} {
			if of, err := b.Certificates(b.ctx, id); err != nil || len(of) != n {
				t.Errorf("%d certificates judge the machine %q, want %d: %v", len(of), id, n, err)
			}
		}
		if _, err := b.Certificate(b.ctx, 99); !errors.Is(err, inventory.ErrNotFound) {
			t.Error(err)
		}
	})
}
