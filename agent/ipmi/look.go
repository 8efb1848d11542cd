package ipmi

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"
	"strings"

	"socle/hardware"
)

// Parameters of a LAN channel (IPMI 2.0 table 23-4).
const (
	lanAddress = 3
	lanSource  = 4
	lanMAC     = 5
	lanVLAN    = 20
)

// maxChannel is the last one that may be a network's (IPMI 2.0 table 6-1).
const maxChannel = 11

// Look asks a controller who and where it is, and which accounts it has. What a controller does not tell is left out; it
// is an error only when it does not answer.
func Look(ctx context.Context, c Controller) (*hardware.BMC, error) {
	id, err := c.Ask(ctx, getDeviceID)
	if err != nil {
		return nil, err
	}
	b := deviceID(id)
	guid, err := c.Ask(ctx, getSystemGUID)
	if err == nil && len(guid) >= 16 && !same(guid[:16]) {
		b.GUID = hex.EncodeToString(guid[:16])
	}
	if err == nil || refused(err) {
		err = network(ctx, c, b)
	}
	if err != nil {
		return b, err
	}
	if b.Channel == 0 {
		return b, nil
	}
	places, err := accounts(ctx, c, byte(b.Channel))
	if err != nil && !refused(err) {
		return b, err
	}
	for _, p := range places {
		if p.name != "" {
			b.Accounts = append(b.Accounts, hardware.BMCAccount{ID: int(p.id), Name: p.name, Admin: p.admin(), Enabled: p.enabled()})
		}
	}
	return b, nil
}

// same tells whether all bytes are equal, as of a GUID that nobody has set.
func same(b []byte) bool { return bytes.Count(b, b[:1]) == len(b) }

// deviceID reads the answer to Get Device ID (IPMI 2.0 section 20.1): device, its revision, firmware major and minor
// (BCD), IPMI version, support, and the manufacturer, lowest byte first.
func deviceID(answer []byte) *hardware.BMC {
	b := &hardware.BMC{}
	if len(answer) >= 9 {
		b.Version = fmt.Sprintf("%d.%02x", answer[2]&0x7f, answer[3])
		b.Vendor = manufacturer(uint32(answer[6]) | uint32(answer[7])<<8 | uint32(answer[8])<<16)
	}
	return b
}

// manufacturer names the IANA enterprise numbers of usual makers.
func manufacturer(n uint32) string {
	known := map[uint32]string{11: "HPE", 2: "IBM", 343: "Intel", 674: "Dell", 10876: "Supermicro", 19046: "Lenovo",
		20301: "IBM/Lenovo", 47196: "HPE", 2011: "Huawei", 15370: "Giga-Byte", 49769: "ASRock Rack", 2623: "ASUS",
		7154: "IPMI Forum", 6653: "Tyan", 7244: "Quanta", 42: "Sun/Oracle", 5771: "Cisco", 10368: "Fujitsu", 3704: "AMI"}
	if name := known[n]; name != "" {
		return name
	}
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("IANA %d", n)
}

// network finds the channel by which the controller is on the network: the first that has an address, else the first
// that could have one.
func network(ctx context.Context, c Controller, b *hardware.BMC) error {
	for channel := byte(1); channel <= maxChannel; channel++ {
		mac, err := lan(ctx, c, channel, lanMAC, 6)
		if err != nil {
			return err
		}
		if mac == nil || same(mac) { // no network, or a card without an address
			continue
		}
		address, err := lan(ctx, c, channel, lanAddress, 4)
		if err != nil {
			return err
		}
		has := address != nil && !netip.AddrFrom4([4]byte(address)).IsUnspecified()
		if b.Channel != 0 && !has {
			continue
		}
		b.Channel, b.MAC = int(channel), net.HardwareAddr(mac).String()
		if has {
			b.Address = netip.AddrFrom4([4]byte(address)).String()
		}
		source, err := lan(ctx, c, channel, lanSource, 1)
		if err != nil {
			return err
		}
		vlan, err := lan(ctx, c, channel, lanVLAN, 2)
		if err != nil {
			return err
		}
		b.Source, b.VLAN = sourceOf(source), vlanOf(vlan)
		if has {
			return nil
		}
	}
	return nil
}

// lan reads one parameter of a channel, nil when it has none of at least that length.
func lan(ctx context.Context, c Controller, channel, parameter byte, length int) ([]byte, error) {
	answer, err := c.Ask(ctx, getLAN, channel, parameter, 0, 0)
	if refused(err) || err == nil && len(answer) < 1+length {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return answer[1 : 1+length], nil // the first byte is the parameter's revision
}

func sourceOf(b []byte) string {
	if b == nil {
		return ""
	}
	return map[byte]string{1: "static", 2: "dhcp", 3: "bios", 4: "other"}[b[0]&0x0f]
}

// vlanOf is the number of the VLAN, 0 when none is in use.
func vlanOf(b []byte) int {
	if b == nil || b[1]&0x80 == 0 {
		return 0
	}
	return int(b[0]) | int(b[1]&0x0f)<<8
}

// printable is a foreign name that can be shown: up to its first zero, without what is not ASCII.
func printable(b []byte) string {
	b, _, _ = bytes.Cut(b, []byte{0})
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return -1
		}
		return r
	}, string(b)))
}
