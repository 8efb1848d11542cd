package dhcp

import (
	"fmt"

	"github.com/insomniacslk/dhcp/dhcpv4"
)

// Where the header's texts stand that may hold options instead (RFC 2131 section 2).
const (
	snameAt, fileAt, fileEnd = 44, 108, 236
)

// overload reads the options that a client put into the header's fields "file" and "sname" because they did
// not fit elsewhere (option 52, RFC 2132 section 9.3), in the order of RFC 3396 section 5; what is split over
// several places is put together. The library knows only of the options field.
func overload(p *dhcpv4.DHCPv4, raw []byte) error {
	v := p.Options.Get(dhcpv4.OptionOptionOverload)
	if len(v) != 1 || v[0] < 1 || v[0] > 3 {
		return nil
	}
	if v[0]&1 != 0 {
		if err := p.Options.FromBytes(raw[fileAt:fileEnd]); err != nil {
			return fmt.Errorf("reading options in the field file: %w", err)
		}
		p.BootFileName = ""
	}
	if v[0]&2 != 0 {
		if err := p.Options.FromBytes(raw[snameAt:fileAt]); err != nil {
			return fmt.Errorf("reading options in the field sname: %w", err)
		}
		p.ServerHostName = ""
	}
	return nil
}
