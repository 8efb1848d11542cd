package dhcp6

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/netip"

	"socle/inventory"
)

// identifier is what a DUID says of its machine (RFC 8415 section 11, RFC 6355); each part may be empty.
type identifier struct {
	raw  string // the bytes
	mac  string // of types LL and LLT, normalized
	uuid string // of type UUID, in the order of the bytes
	// swapped is the UUID with its first three fields read as little-endian: EDK2 sends the bytes as SMBIOS
	// keeps them, others in network order, and nothing in the packet says which.
	swapped string
}

// Types of DUIDs.
const (
	duidLLT  = 1
	duidEN   = 2
	duidLL   = 3
	duidUUID = 4
)

var errDUID = errors.New("the client identifier is no DUID")

const ethernet = 1 // hardware type

// parseDUID reads a DUID. One of an unknown type is an identifier as good as any, it only says nothing.
func parseDUID(b []byte) (identifier, error) {
	if len(b) < 3 || len(b) > maxDUID {
		return identifier{}, fmt.Errorf("%w: it has %d bytes", errDUID, len(b))
	}
	id := identifier{raw: string(b)}
	kind, b := binary.BigEndian.Uint16(b), b[2:]
	switch {
	case kind == duidLLT && len(b) == 12 && binary.BigEndian.Uint16(b) == ethernet:
		id.mac = macOf(b[6:])
	case kind == duidLL && len(b) == 8 && binary.BigEndian.Uint16(b) == ethernet:
		id.mac = macOf(b[2:])
	case kind == duidUUID && len(b) == 16:
		id.uuid = uuidOf(b)
		id.swapped = uuidOf([]byte{b[3], b[2], b[1], b[0], b[5], b[4], b[7], b[6], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]})
	}
	return id, nil
}

// UUIDs are the ways in which the DUID's UUID can be read.
func (i identifier) UUIDs() []string {
	if i.uuid == "" {
		return nil
	}
	return []string{i.uuid, i.swapped}
}

func uuidOf(b []byte) string {
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:16])
}

// macOf is a unicast Ethernet address, normalized; empty for anything else.
func macOf(b []byte) string {
	if len(b) != 6 || b[0]&1 != 0 || [6]byte(b) == [6]byte{} {
		return ""
	}
	return inventory.NormalizeMAC(net.HardwareAddr(b).String())
}

// macFromEUI64 reads the Ethernet address out of a link-local address that was made from it (RFC 4291
// appendix A), as firmware, iPXE and Linux do unless they are told to hide it.
func macFromEUI64(a netip.Addr) string {
	if !a.Is6() || !a.IsLinkLocalUnicast() {
		return ""
	}
	b := a.As16()
	if b[11] != 0xff || b[12] != 0xfe {
		return ""
	}
	return macOf([]byte{b[8] ^ 2, b[9], b[10], b[13], b[14], b[15]})
}

// leaseID is how a lease's owner is written down: the DHCPv4 client identifier that RFC 4361 section 6.1
// makes of an IAID and a DUID.
func leaseID(duid string, iaid uint32) string {
	b := binary.BigEndian.AppendUint32([]byte{0xff}, iaid)
	return hex.EncodeToString(append(b, duid...))
}

// parseLeaseID reads what leaseID wrote.
func parseLeaseID(s string) (duid string, iaid uint32, ok bool) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) < 8 || b[0] != 0xff {
		return "", 0, false
	}
	return string(b[5:]), binary.BigEndian.Uint32(b[1:]), true
}
