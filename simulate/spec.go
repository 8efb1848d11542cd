package simulate

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"

	"socle/hardware"
	"socle/internal/secret"
)

// Spec says which fleet it is. Equal specs make equal fleets.
type Spec struct {
	Servers int
	Seed    uint64
	Odd     map[Oddity]int // how many servers have which oddity
	// Network is the fleet's own, /18 or larger: its first half has the servers' addresses, and the third quarter those of the BMCs;
	// at its end is the cable to the host. Zero: DefaultNetwork.
	Network netip.Prefix
}

// DefaultNetwork is a part of what is kept for benchmarks (RFC 2544), which no other network should use.
var DefaultNetwork = netip.MustParsePrefix("198.19.0.0/16")

// MostServers is how many one process simulates.
const MostServers = 10000

// The login of all BMCs. It is of no use elsewhere: the BMCs live in a namespace of this host, as long as the fleet does.
const bmcUser = "socle"

var bmcPassword = secret.New("simulated-bmc")

// perRack is how many servers, each one height unit high, stand in a rack.
const perRack = 40

// Fleet is what a Spec says, worked out.
type Fleet struct {
	Spec
	Servers []Server
	base    hardware.Facts // of a real server
}

// Server is one of the fleet: what a manifest says of it, and what is wrong with it.
type Server struct {
	Index  int
	Name   string
	Serial string
	UUID   string
	MACs   []string // of its interfaces
	BMCMAC string
	BMC    netip.Addr
	Rack   string
	U      int
	Odd    Oddity
	Cables []Cable // as they are planned, one an interface
	// with is the server whose cable it has, and which has its; -1: none.
	with int
}

// Cable goes from an interface to a switch's port.
type Cable struct {
	NIC    string // as the operating system names it
	Switch string
	MAC    string // of the switch: its chassis ID
	Port   string
}

// New works a Spec out.
func New(s Spec) (*Fleet, error) {
	if !s.Network.IsValid() {
		s.Network = DefaultNetwork
	}
	s.Network = s.Network.Masked()
	var errs []error
	if s.Servers < 1 || s.Servers > MostServers {
		errs = append(errs, fmt.Errorf("%d servers: from 1 to %d can be simulated", s.Servers, MostServers))
	}
	if !s.Network.Addr().Is4() || s.Network.Bits() > 18 || s.Network.Bits() < 8 {
		errs = append(errs, fmt.Errorf("network %s: an IPv4 network from /8 to /18 is needed", s.Network))
	} else if room := 1<<(32-s.Network.Bits()-2) - 16; s.Servers > room {
		errs = append(errs, fmt.Errorf("network %s has room for %d servers, not for %d", s.Network, room, s.Servers))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	f := &Fleet{Spec: s, Servers: make([]Server, s.Servers)}
	var err error
	if f.base, err = usual(); err != nil {
		return nil, err
	}
	for i := range f.Servers {
		f.Servers[i] = f.server(i)
	}
	return f, f.makeOdd()
}

// nics is how many interfaces a server has.
const nics = 2

func (f *Fleet) server(i int) Server {
	rack := fmt.Sprintf("r%02d", i/perRack+1)
	u := i%perRack + 1
	s := Server{Index: i, Name: fmt.Sprintf("%su%02d", rack, u), Serial: fmt.Sprintf("SIM%02d%05d", f.Seed%100, i+1), UUID: f.uuid(i),
		BMCMAC: f.mac(i, nics), BMC: f.bmc(i), Rack: rack, U: u, with: -1}
	for n := range nics {
		s.MACs = append(s.MACs, f.mac(i, n))
		leaf := fmt.Sprintf("%s-leaf-%c", rack, 'a'+n)
		s.Cables = append(s.Cables, Cable{NIC: fmt.Sprintf("eth%d", n), Switch: leaf, MAC: fmt.Sprintf("02:1e:af:%02x:%02x:%02x", i/perRack>>8, i/perRack&0xff, n), Port: fmt.Sprintf("swp%d", u)})
	}
	return s
}

// uuid is random (RFC 9562 section 5.4), and the same for the same seed.
func (f *Fleet) uuid(i int) string {
	r := f.chance(i, "uuid")
	hi, lo := r.Uint64()&^uint64(0xf000)|0x4000, r.Uint64()&^uint64(0xc000000000000000)|0x8000000000000000
	return fmt.Sprintf("%08x-%04x-%04x-%04x-%012x", hi>>32, hi>>16&0xffff, hi&0xffff, lo>>48, lo&0xffffffffffff)
}

// mac is the n-th address of a server; the last is the BMC's. They are administered locally.
func (f *Fleet) mac(i, n int) string {
	v := i<<2 | n
	return fmt.Sprintf("02:5e:%02x:%02x:%02x:%02x", f.Seed&0xff, v>>16&0xff, v>>8&0xff, v&0xff)
}

// chance is a source of random numbers for one thing of one server.
func (f *Fleet) chance(i int, what string) *rand.Rand {
	h := uint64(14695981039346656037) // FNV-1a
	for _, c := range []byte(what) {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return rand.New(rand.NewPCG(f.Seed, h^uint64(i))) //nolint:gosec // it is to be the same each time
}

// makeOdd deals the oddities out to servers, each at most one.
func (f *Fleet) makeOdd() error {
	order := f.chance(-1, "odd").Perm(len(f.Servers))
	taken := make([]bool, len(f.Servers))
	taken[0] = f.Odd[DuplicateUUID] > 0 // the one whose UUID is taken has nothing else
	next := func(fits func(i int) bool) (int, bool) {
		for _, i := range order {
			if !taken[i] && (fits == nil || fits(i)) {
				taken[i] = true
				return i, true
			}
		}
		return 0, false
	}
	for _, odd := range Oddities() {
		for range f.Odd[odd] {
			var fits func(i int) bool
			if odd == SwappedCables {
				fits = func(i int) bool {
					return i+1 < len(f.Servers) && f.Servers[i].Rack == f.Servers[i+1].Rack && !taken[i+1]
				}
			}
			i, ok := next(fits)
			if !ok {
				return fmt.Errorf("oddity %s: there are not enough servers that have nothing else", odd)
			}
			s := &f.Servers[i]
			switch s.Odd = odd; odd {
			case SwappedCables:
				other := &f.Servers[i+1]
				other.Odd, s.with, other.with, taken[i+1] = odd, i+1, i, true
			case DuplicateUUID:
				s.UUID = f.Servers[0].UUID
			}
		}
	}
	return nil
}
