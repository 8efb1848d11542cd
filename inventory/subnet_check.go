package inventory

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"
)

var uuidText = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// Octets reads an identifier as people write it: "0x" and hexadecimal digits (colons may separate them), or
// the text itself.
func Octets(s string) (string, error) {
	digits, ok := strings.CutPrefix(s, "0x")
	if !ok {
		return s, nil
	}
	b, err := hex.DecodeString(strings.ReplaceAll(digits, ":", ""))
	if err != nil || len(b) == 0 {
		return "", fmt.Errorf("%q: after 0x give pairs of hexadecimal digits", s)
	}
	return string(b), nil
}

// CheckSubnets finds everything that is wrong with subnets; each error names its element.
func CheckSubnets(subnets []Subnet) (errs []error) {
	names := map[string]int{}
	shared := map[string]string{} // interface → name of its shared network
	for i := range subnets {
		s := &subnets[i]
		bad := func(format string, args ...any) {
			errs = append(errs, fmt.Errorf("subnets[%d] %q: %w", i, s.Name, fmt.Errorf(format, args...)))
		}
		for _, err := range s.check() {
			bad("%w", err)
		}
		if j, ok := names[s.Name]; ok && s.Name != "" {
			bad("subnets[%d] has this name already", j)
		}
		names[s.Name] = i
		for _, t := range subnets[:i] {
			if t.Prefix.IsValid() && s.Prefix.IsValid() && t.Prefix.Overlaps(s.Prefix) {
				bad("prefix %s overlaps %s of %q", s.Prefix, t.Prefix, t.Name)
			}
			if t.Link() == s.Link() && t.active() && s.active() && (t.Mode == SubnetProxy) != (s.Mode == SubnetProxy) {
				bad("mode %s: %q on the same link has mode %s; proxy stands alone on its link", s.mode(), t.Name, t.mode())
			}
		}
		if s.Interface == "" {
			continue
		}
		if other, ok := shared[s.Interface]; ok && other != s.Shared {
			bad("shared_network %q: another subnet of interface %s has %q; one interface is one link", s.Shared, s.Interface, other)
		}
		shared[s.Interface] = s.Shared
	}
	return errs
}

// Link is a name for the link that the subnet is on, equal for the subnets of one link.
func (s *Subnet) Link() string {
	switch {
	case s.Shared != "":
		return "shared " + s.Shared
	case s.Interface != "":
		return "interface " + s.Interface
	default:
		return "prefix " + s.Prefix.Masked().String()
	}
}

func (s *Subnet) mode() SubnetMode {
	if s.Mode == "" {
		return SubnetFull
	}
	return s.Mode
}

func (s *Subnet) active() bool { return s.Mode != SubnetOff }

func (s *Subnet) check() (errs []error) {
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if !s.Prefix.IsValid() {
		bad("prefix is missing, e.g. 198.18.0.0/24")
		return errs
	}
	if !s.Prefix.Addr().Is4() || s.Prefix.Bits() > 30 || s.Prefix.Bits() < 8 {
		bad("prefix %s: give an IPv4 prefix of /8 to /30", s.Prefix)
		return errs
	}
	if !slices.Contains(SubnetModes(), s.mode()) {
		bad("mode %q is none of %v", s.Mode, SubnetModes())
	}
	if s.LeaseTime != 0 && s.LeaseTime < time.Minute {
		bad("lease_time %s: give at least 1m", s.LeaseTime)
	}
	for _, a := range []struct {
		name string
		addr netip.Addr
	}{{"server", s.Server}, {"gateway", s.Gateway}} {
		if a.addr.IsValid() && !s.Prefix.Contains(a.addr) && (a.name != "server" || s.Interface != "") {
			bad("%s %s is not in %s", a.name, a.addr, s.Prefix)
		}
	}
	if s.Server.IsValid() && !s.Server.Is4() {
		bad("server %s is not IPv4", s.Server)
	}
	for _, a := range slices.Concat(s.DNS, s.NTP) {
		if !a.Is4() {
			bad("dns or ntp server %s is not IPv4", a)
		}
	}
	return append(append(errs, s.checkPools()...), s.checkReservations()...)
}

func (s *Subnet) checkPools() (errs []error) {
	type named struct {
		name string
		Pool
	}
	var pools []named
	for i, p := range s.Pools {
		pools = append(pools, named{fmt.Sprintf("pools[%d]", i), p})
	}
	if s.PoolFirst.IsValid() || s.PoolLast.IsValid() {
		pools = append(pools, named{"pool_first to pool_last", Pool{First: s.PoolFirst, Last: s.PoolLast}})
	}
	if len(pools) > 0 && (s.Mode == SubnetProxy || s.Mode == SubnetReservations) {
		errs = append(errs, fmt.Errorf("%s: mode %s gives no dynamic addresses; leave the pool out", pools[0].name, s.Mode))
	}
	for i, p := range pools {
		bad := func(format string, args ...any) {
			errs = append(errs, fmt.Errorf("%s: %w", p.name, fmt.Errorf(format, args...)))
		}
		switch {
		case !p.First.IsValid() || !p.Last.IsValid():
			bad("first or last address is missing")
			continue
		case !s.Prefix.Contains(p.First) || !s.Prefix.Contains(p.Last):
			bad("%s to %s is not in %s", p.First, p.Last, s.Prefix)
		case p.Last.Less(p.First):
			bad("last address %s lies before first %s", p.Last, p.First)
		case s.Server.IsValid() && s.Server.Compare(p.First) >= 0 && s.Server.Compare(p.Last) <= 0:
			bad("server %s lies in the pool", s.Server)
		}
		for _, o := range pools[:i] {
			if !p.Last.Less(o.First) && !o.Last.Less(p.First) {
				bad("overlaps %s", o.name)
			}
		}
		for _, err := range p.Match.check() {
			bad("match: %w", err)
		}
	}
	return errs
}

func (m *ClientRule) check() (errs []error) {
	if !slices.Contains([]string{"", "known", "unknown"}, m.Machine) {
		errs = append(errs, fmt.Errorf("machine %q is neither known nor unknown", m.Machine))
	}
	for name, v := range map[string]string{"circuit_id": m.CircuitID, "remote_id": m.RemoteID} {
		if _, err := Octets(v); err != nil {
			errs = append(errs, fmt.Errorf("%s %w", name, err))
		}
	}
	return errs
}

func (s *Subnet) checkReservations() (errs []error) {
	seen := map[string]int{}
	for i, r := range s.Reservations {
		bad := func(format string, args ...any) {
			errs = append(errs, fmt.Errorf("reservations[%d] %s: %w", i, r.Address, fmt.Errorf(format, args...)))
		}
		if s.Mode == SubnetProxy {
			bad("mode proxy gives no addresses")
		}
		key, err := r.Key()
		switch {
		case err != nil:
			bad("%w", err)
		case !r.Address.IsValid():
			bad("address is missing")
		case !s.Prefix.Contains(r.Address):
			bad("address is not in %s", s.Prefix)
		case r.Address == s.Server || r.Address == s.Gateway || r.Address == s.Prefix.Masked().Addr():
			bad("address is not for clients")
		}
		for _, k := range append([]string{"address " + r.Address.String()}, key) {
			if j, ok := seen[k]; ok && k != "" {
				bad("reservations[%d] has the same %s", j, strings.Fields(k)[0])
			}
			seen[k] = i
		}
	}
	return errs
}

// Key is by what a reservation recognises its client, as one text that is equal for equal clients.
func (r *Reservation) Key() (key string, err error) {
	var ways []string
	if r.MAC != "" {
		if ways = append(ways, "mac "+NormalizeMAC(r.MAC)); NormalizeMAC(r.MAC) == "" {
			return "", fmt.Errorf("mac %q is not a hardware address", r.MAC)
		}
	}
	if r.ClientID != "" {
		id, err := Octets(r.ClientID)
		if err != nil {
			return "", fmt.Errorf("client_id %w", err)
		}
		ways = append(ways, "client_id "+id)
	}
	if r.UUID != "" {
		if ways = append(ways, "uuid "+strings.ToLower(r.UUID)); !uuidText.MatchString(strings.ToLower(r.UUID)) {
			return "", fmt.Errorf("uuid %q is not like 44332211-6655-8877-99aa-bbccddeeff00", r.UUID)
		}
	}
	if r.CircuitID != "" || r.RemoteID != "" {
		circuit, err := Octets(r.CircuitID)
		if err != nil {
			return "", fmt.Errorf("circuit_id %w", err)
		}
		remote, err := Octets(r.RemoteID)
		if err != nil {
			return "", fmt.Errorf("remote_id %w", err)
		}
		ways = append(ways, fmt.Sprintf("port %q %q", circuit, remote))
	}
	if len(ways) != 1 {
		return "", errors.New("name the client in one way: mac, client_id, uuid, or circuit_id and remote_id")
	}
	return ways[0], nil
}
