package find

import (
	"fmt"
	"net/netip"
	"strings"
)

// MaxAddresses is how many addresses one scan looks at, at most: a network of 16 bits.
const MaxAddresses = 1 << 16

// Addresses reads ranges, separated by commas or spaces: an address, a network ("198.18.1.0/24", of which the first
// and the last address are left out when it is IPv4 and has more than two), or two addresses with a dash between.
// Each address comes once, in the order of the text.
func Addresses(text string) ([]netip.Addr, error) {
	var all []netip.Addr
	seen := map[netip.Addr]bool{}
	for _, part := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' }) {
		first, last, err := span(part)
		if err != nil {
			return nil, err
		}
		for a := first; a.IsValid() && a.Compare(last) <= 0; a = a.Next() {
			if seen[a] {
				continue
			}
			if len(all) == MaxAddresses {
				return nil, fmt.Errorf("%s has more than %d addresses: scan it in parts", text, MaxAddresses)
			}
			seen[a] = true
			all = append(all, a)
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("no addresses: give networks such as 198.18.1.0/24, or ranges such as 198.18.1.10-198.18.1.50")
	}
	return all, nil
}

// span reads one range.
func span(text string) (first, last netip.Addr, err error) {
	if strings.Contains(text, "/") {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return first, last, fmt.Errorf("%q is no network such as 198.18.1.0/24", text)
		}
		return ofPrefix(p.Masked())
	}
	from, to, dash := strings.Cut(text, "-")
	if first, err = netip.ParseAddr(from); err != nil {
		return first, last, fmt.Errorf("%q is no address, no network such as 198.18.1.0/24 and no range such as 198.18.1.10-198.18.1.50", text)
	}
	if !dash {
		return first, first, nil
	}
	if last, err = netip.ParseAddr(to); err != nil || last.Is4() != first.Is4() || last.Less(first) {
		return first, last, fmt.Errorf("%q: the second address must follow the first", text)
	}
	return first, last, nil
}

func ofPrefix(p netip.Prefix) (first, last netip.Addr, err error) {
	host := p.Addr().BitLen() - p.Bits()
	if host > 16 {
		return first, last, fmt.Errorf("%s has more than %d addresses: scan it in parts", p, MaxAddresses)
	}
	b := p.Addr().AsSlice()
	n := uint32(1)<<host - 1
	for i := len(b) - 1; n > 0; i, n = i-1, n>>8 {
		b[i] |= byte(n)
	}
	first = p.Addr()
	last, _ = netip.AddrFromSlice(b)
	if first.Is4() && host > 1 {
		first, last = first.Next(), last.Prev()
	}
	return first, last, nil
}
