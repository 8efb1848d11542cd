package dhcp

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"socle/inventory"
)

func nobody(netip.Addr) bool { return false }

func wide(bits int) *inventory.Subnet {
	p := netip.PrefixFrom(ip("10.0.0.0"), bits)
	return &inventory.Subnet{Name: "wide", Prefix: p, PoolFirst: address(number(p.Addr()) + 16), PoolLast: address(number(p.Addr()) + 1<<(32-bits) - 17)}
}

func (b *book) give(s *inventory.Subnet, mac string, now time.Time, term time.Duration) (netip.Addr, bool) {
	addr, ok := b.pick(s.PoolFirst, s.PoolLast, mac, now, nobody)
	if ok {
		b.put(inventory.Lease{Addr: addr, MAC: mac, Starts: now, Expires: now.Add(term)}, s, false)
	}
	return addr, ok
}

// TestPoolAgainstALinearSearch gives, renews, releases and drops at random, and compares each pick with what
// going through all addresses says: one is found exactly when there is one, and it is one that nobody holds.
func TestPoolAgainstALinearSearch(t *testing.T) {
	s := wide(25)
	for seed := range uint64(20) {
		b, rng, now := newBook(), rand.New(rand.NewPCG(seed, 1)), t0
		barred := map[netip.Addr]bool{address(number(s.PoolFirst) + 5): true, s.PoolLast: true}
		var held []inventory.Lease
		for step := range 3000 {
			now = now.Add(time.Duration(rng.IntN(10)) * time.Second)
			if len(held) > 0 && rng.IntN(3) > 0 {
				l := held[rng.IntN(len(held))]
				if e := b.byAddr[l.Addr]; e != nil && e.lease.MAC == l.MAC {
					l.Starts, l.Expires = now, now.Add(time.Duration(rng.IntN(2)*rng.IntN(600))*time.Second) // renewed, or released
					if e.offered {
						b.drop(l.Addr, s)
					} else {
						b.put(l, s, false)
					}
				}
				continue
			}
			free := 0
			for n := number(s.PoolFirst); n <= number(s.PoolLast); n++ {
				if e := b.byAddr[address(n)]; (e == nil || !e.lease.Expires.After(now)) && !barred[address(n)] {
					free++
				}
			}
			mac := fmt.Sprintf("52:54:00:00:%02x:%02x", step>>8, step&255)
			addr, ok := b.pick(s.PoolFirst, s.PoolLast, mac, now, func(a netip.Addr) bool { return barred[a] })
			if ok != (free > 0) {
				t.Fatalf("seed %d, step %d: %d are free, found is %t", seed, step, free, ok)
			}
			if !ok {
				continue
			}
			if e := b.byAddr[addr]; barred[addr] || e != nil && e.lease.Expires.After(now) {
				t.Fatalf("seed %d, step %d: %s is not free", seed, step, addr)
			}
			l := inventory.Lease{Addr: addr, MAC: mac, Starts: now, Expires: now.Add(time.Duration(rng.IntN(600)) * time.Second)}
			b.put(l, s, rng.IntN(2) == 0)
			held = append(held, l)
		}
		if p := b.index(span{s.PoolFirst, s.PoolLast}); len(p.ends) > 3*int(p.size) || len(b.byAddr) > int(p.size) || len(b.byMAC) > len(b.byAddr) {
			t.Errorf("seed %d: %d endings, %d addresses, %d MACs in a pool of %d", seed, len(p.ends), len(b.byAddr), len(b.byMAC), p.size)
		}
	}
}

// TestPoolPrefersTheLongestFree: never used first, then the one whose lease ended longest ago.
func TestPoolPrefersTheLongestFree(t *testing.T) {
	b, s := newBook(), wide(26) // 32 addresses
	var order []netip.Addr
	for i := range 32 {
		a, ok := b.give(s, fmt.Sprint(i), t0.Add(time.Duration(i)*time.Second), time.Minute)
		if !ok {
			t.Fatalf("address %d is not there", i)
		}
		order = append(order, a)
	}
	if a, ok := b.give(s, "late", t0.Add(40*time.Second), time.Minute); ok {
		t.Errorf("a full pool gave %s", a)
	}
	for i := range 32 {
		if a, ok := b.give(s, fmt.Sprint("new", i), t0.Add(5*time.Minute), time.Hour); !ok || a != order[i] {
			t.Errorf("%d: %s, not %s", i, a, order[i])
		}
	}
}

// TestServersSpreadOverAPool: two servers that know nothing of each other offer 2,000 clients 4,000 addresses,
// of which hardly any is the same.
func TestServersSpreadOverAPool(t *testing.T) {
	s := wide(16)
	taken, twice := map[netip.Addr]string{}, 0
	for salt := range uint32(2) {
		b := newBook()
		b.salt = salt
		for i := range 2000 {
			mac := fmt.Sprint(salt, i)
			a, ok := b.give(s, mac, t0, time.Hour)
			if !ok {
				t.Fatal("no address")
			}
			if other, ok := taken[a]; ok && other != mac {
				twice++
			}
			taken[a] = mac
		}
	}
	if twice > 20 {
		t.Errorf("%d of 2,000 addresses are offered by both", twice)
	}
}

// BenchmarkPickNearlyFull is what an address costs when 10 of 65,500 are free; it must not be a search.
func BenchmarkPickNearlyFull(b *testing.B) {
	k, s := newBook(), wide(16)
	for i := range 65_500 - 10 {
		if _, ok := k.give(s, fmt.Sprint(i), t0, time.Hour); !ok {
			b.Fatal("full too early")
		}
	}
	i := 0
	for b.Loop() {
		i++
		a, ok := k.give(s, fmt.Sprint("new", i), t0, 0) // an offer that ends at once
		if !ok {
			b.Fatal(a)
		}
	}
}
