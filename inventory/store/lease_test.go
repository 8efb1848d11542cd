package store_test

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"socle/inventory"
	"socle/inventory/store"
)

func lease(b *bench, n int) inventory.Lease {
	return inventory.Lease{
		Addr: netip.AddrFrom4([4]byte{198, 18, byte(n >> 8), byte(n)}), MAC: fmt.Sprintf("52:54:00:00:%02x:%02x", n>>8, n&255), ClientID: "01aa", Hostname: "h\x00\xff",
		Subnet: "prov", Machine: "m1", Starts: b.clock(), Expires: b.clock().Add(time.Hour),
	}
}

func TestLeases(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		var all []inventory.Lease
		for n := range 1200 { // several statements
			all = append(all, lease(b, n))
		}
		save := func(leases ...inventory.Lease) {
			t.Helper()
			lost, err := b.SaveLeases(b.ctx, leases)
			must(t, err)
			if len(lost) > 0 {
				t.Fatalf("lost to %+v", lost)
			}
		}
		save(all...)
		save()
		renewed := all[7]
		renewed.Machine, renewed.Expires = "", b.clock().Add(2*time.Hour)
		stale := renewed
		stale.Hostname = "stale"
		save(stale, renewed) // one address twice: the last counts
		got, err := b.Leases(b.ctx)
		must(t, err)
		if len(got) != len(all) {
			t.Fatalf("%d leases", len(got))
		}
		want := map[netip.Addr]inventory.Lease{}
		for _, l := range all {
			l.Hostname = "h\uFFFD\uFFFD"
			want[l.Addr] = l
		}
		renewed.Hostname = "h\uFFFD\uFFFD"
		want[renewed.Addr] = renewed
		for _, l := range got {
			if diff := cmp.Diff(want[l.Addr], l, sameAddr); diff != "" {
				t.Fatalf("lease (-want +got):\n%s", diff)
			}
		}
		var addrs []netip.Addr
		for _, l := range all[1:] {
			addrs = append(addrs, l.Addr)
		}
		must(t, b.DeleteLeases(b.ctx, append(addrs, netip.MustParseAddr("203.0.113.1"))))
		if got, err = b.Leases(b.ctx); err != nil || len(got) != 1 || got[0].Addr != all[0].Addr {
			t.Errorf("%d leases left, %v", len(got), err)
		}
	})
}

func TestEvidence(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		m := b.plan(hv(1))
		mac := m.Identity.NICMACs[0]
		var lines []inventory.Evidence
		for n := range 5 {
			lines = append(lines, inventory.Evidence{Time: b.clock().Add(time.Duration(n) * time.Second), MAC: mac, Source: "dhcp", Asked: fmt.Sprint(n), Reply: "OFFER", Bytes: int64(n)})
		}
		lines[2] = inventory.Evidence{
			Time: lines[2].Time, MAC: mac, Source: "dhcp", Asked: "2", Reply: "OFFER", Bytes: 1 << 40,
			Kind: inventory.SawRequest, Outcome: inventory.OutElsewhere, Client: inventory.StageFirmware, Arch: "7", File: "snponly.efi",
			Total: 1 << 41, Addr: netip.MustParseAddr("198.18.0.9"), Peer: netip.MustParseAddr("2001:db8::1"), PeerMAC: "52:54:00:00:00:0f",
			Iface: "prov0", Relay: netip.MustParseAddr("198.18.1.1"), Port: "ge-0/0/1/leaf1",
		}
		lines[3].Machine = m.ID
		lines[4].Machine = "another"
		lines = append(lines, inventory.Evidence{MAC: "52:54:00:00:00:ee", Asked: strings.Repeat("x\x00", 1<<20)})
		must(t, b.AddEvidence(b.ctx, lines))
		must(t, b.AddEvidence(b.ctx, nil))
		asked := func(ref string, limit int) (s string) {
			got, err := b.Evidence(b.ctx, ref, limit)
			must(t, err)
			for _, e := range got {
				s += e.Asked
			}
			return s
		}
		for _, tt := range []struct {
			ref   string
			limit int
			want  string
		}{{m.ID, 0, "0123"}, {m.ID, 2, "23"}, {mac, 0, "01234"}, {strings.ToUpper(mac), 1, "4"}, {"another", 0, "4"}, {"nobody", 0, ""}} {
			if got := asked(tt.ref, tt.limit); got != tt.want {
				t.Errorf("evidence of %s: %q, want %q", tt.ref, got, tt.want)
			}
		}
		got, err := b.Evidence(b.ctx, mac, 100)
		must(t, err)
		if diff := cmp.Diff(lines[:5], got, cmpopts.EquateComparable(netip.Addr{})); diff != "" {
			t.Errorf("evidence (-want +got):\n%s", diff)
		}
		if n := len(asked("52:54:00:00:00:ee", 0)); n > 1100 {
			t.Errorf("a line of %d bytes is kept", n)
		}
	})
}

func TestSetting(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		if _, err := b.Setting(b.ctx, "ca"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("no setting: %v", err)
		}
		for _, want := range []string{"a", "b", ""} {
			must(t, b.SetSetting(b.ctx, "ca", want))
			if got, err := b.Setting(b.ctx, "ca"); err != nil || got != want {
				t.Errorf("setting is %q, %v", got, err)
			}
		}
	})
}

func BenchmarkSaveLeases(b *testing.B) {
	for _, e := range engines {
		for _, size := range []int{1, 100} {
			b.Run(fmt.Sprint(e.name, "/", size), func(b *testing.B) {
				s, err := store.Open(b.Context(), store.Options{URL: e.url(b)})
				if err != nil {
					b.Fatal(err)
				}
				defer s.Close()
				leases := make([]inventory.Lease, size)
				for i := range leases {
					leases[i] = inventory.Lease{Addr: netip.AddrFrom4([4]byte{198, 18, 0, byte(i)}), MAC: "52:54:00:00:00:01", Starts: time.Now(), Expires: time.Now()}
				}
				for b.Loop() {
					if lost, err := s.SaveLeases(b.Context(), leases); err != nil || len(lost) > 0 {
						b.Fatal(lost, err)
					}
				}
				b.ReportMetric(float64(size*b.N)/b.Elapsed().Seconds(), "leases/s")
			})
		}
	}
}

// BenchmarkAddEvidence stores what 30 exchanges of DHCP say.
func BenchmarkAddEvidence(b *testing.B) {
	for _, e := range engines {
		b.Run(e.name, func(b *testing.B) {
			s, err := store.Open(b.Context(), store.Options{URL: e.url(b)})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			lines := make([]inventory.Evidence, 60)
			for i := range lines {
				lines[i] = inventory.Evidence{Time: time.Now(), MAC: "52:54:00:00:00:01", Source: "dhcp", Asked: "REQUEST for=198.18.0.9 relay=198.18.1.1", Reply: "ACK 198.18.0.9 file=snponly.efi",
					Kind: inventory.SawRequest, Outcome: inventory.OutAcked, Arch: "7", File: "snponly.efi", Addr: netip.MustParseAddr("198.18.0.9"), Iface: "prov0", Relay: netip.MustParseAddr("198.18.1.1")}
			}
			for b.Loop() {
				if err := s.AddEvidence(b.Context(), lines); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
