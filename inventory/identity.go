package inventory

import (
	"slices"
	"strings"
)

// Identity is everything by which a machine can be recognised. No part of it is trusted alone: vendors ship
// boards with equal UUIDs and with "To be filled by O.E.M." as serial, and NICs and BMCs are swapped.
type Identity struct {
	Serial   string   `json:"serial,omitempty"`    // SMBIOS type 1, or the chassis's
	UUID     string   `json:"uuid,omitempty"`      // SMBIOS type 1, lower case
	BMCMAC   string   `json:"bmc_mac,omitempty"`   // lower case with colons
	NICMACs  []string `json:"nic_macs,omitempty"`  // likewise, sorted
	AssetTag string   `json:"asset_tag,omitempty"` // the owner's sticker
}

// Normalize brings every part to its canonical form and drops the vendors' placeholders.
func (id Identity) Normalize() Identity {
	id.Serial = meaningful(id.Serial)
	id.AssetTag = meaningful(id.AssetTag)
	id.UUID = strings.ToLower(meaningful(id.UUID))
	if strings.Trim(id.UUID, "0-") == "" || strings.Trim(id.UUID, "f-") == "" {
		id.UUID = ""
	}
	id.BMCMAC = NormalizeMAC(id.BMCMAC)
	if !canonicalMACs(id.NICMACs) {
		macs := make([]string, 0, len(id.NICMACs))
		for _, m := range id.NICMACs {
			if m = NormalizeMAC(m); m != "" {
				macs = append(macs, m)
			}
		}
		slices.Sort(macs)
		id.NICMACs = slices.Compact(macs)
	}
	id.NICMACs = slices.Clip(id.NICMACs) // the list is shared with who asked: appending makes another
	return id
}

// placeholders are what firmware says when nobody filled in a serial number.
var placeholders = []string{
	"", "0", "none", "n/a", "na", "null", "unknown", "default string", "not specified", "not available", "empty",
	"to be filled by o.e.m.", "to be filled by o.e.m", "system serial number", "chassis serial number", "o.e.m.",
	"0123456789", "1234567890", "123456789", "xxxxxxxxxx", "...............", "invalid",
}

// canonicalMACs tells whether a list is what Normalize makes of it, as those are that were read from there.
func canonicalMACs(macs []string) bool {
	for i, m := range macs {
		if !canonicalMAC(m) || i > 0 && macs[i-1] >= m {
			return false
		}
	}
	return macs != nil
}

func meaningful(s string) string {
	s = strings.TrimSpace(s)
	for _, p := range placeholders {
		if len(p) == len(s) && strings.EqualFold(p, s) {
			return ""
		}
	}
	return s
}

// NormalizeMAC brings an address to "aa:bb:cc:dd:ee:ff", or to "" when it is not one or is all zero or ones. It is
// asked several times for each packet and request, so that one that is normal already costs no memory.
func NormalizeMAC(s string) string {
	if canonicalMAC(s) {
		return s
	}
	var b [17]byte
	n := 0
	for i := range len(s) {
		c := s[i]
		switch {
		case c == ':' || c == '-' || c == '.' || c == ' ':
			continue
		case c >= 'A' && c <= 'F':
			c += 'a' - 'A'
		case !hexDigit(c):
			return ""
		}
		if n == len(b) {
			return ""
		}
		b[n] = c
		if n++; n%3 == 2 && n < len(b) {
			b[n] = ':'
			n++
		}
	}
	if n != len(b) || string(b[:]) == noMAC || string(b[:]) == broadcastMAC {
		return ""
	}
	return string(b[:])
}

// Addresses of nobody.
const (
	noMAC        = "00:00:00:00:00:00"
	broadcastMAC = "ff:ff:ff:ff:ff:ff"
)

func canonicalMAC(s string) bool {
	if len(s) != len(noMAC) || s == noMAC || s == broadcastMAC {
		return false
	}
	for i := range len(s) {
		if i%3 == 2 && s[i] != ':' || i%3 != 2 && !hexDigit(s[i]) {
			return false
		}
	}
	return true
}

// hexDigit tells whether c is a digit of base 16, in lower case.
func hexDigit(c byte) bool { return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' }

// Match is how well an identity that was seen fits one that is known.
type Match int

// The outcomes of a comparison.
const (
	NoMatch  Match = iota
	Conflict       // something agrees and something contradicts: a person must look
	Likely         // something agrees, nothing contradicts
	Certain        // the serial agrees and at least one more thing, nothing contradicts
)

// Compare holds an identity that was seen against one that is known. An absent part neither agrees nor
// contradicts. Two servers with one UUID and different serials do not match; a server whose NIC was
// swapped does.
func (id Identity) Compare(seen Identity) Match { return id.Normalize().compare(seen.Normalize()) }

// compare is Compare of two that are normalized already.
func (id Identity) compare(seen Identity) Match {
	if id.Serial != "" && seen.Serial != "" && !strings.EqualFold(id.Serial, seen.Serial) {
		if id.BMCMAC != "" && id.BMCMAC == seen.BMCMAC || overlap(id.NICMACs, seen.NICMACs) {
			return Conflict // a board or a NIC moved to another chassis
		}
		return NoMatch
	}
	serial := id.Serial != "" && strings.EqualFold(id.Serial, seen.Serial)
	macs := overlap(id.NICMACs, seen.NICMACs)
	bmc := id.BMCMAC != "" && id.BMCMAC == seen.BMCMAC
	uuid := id.UUID != "" && id.UUID == seen.UUID
	bmcDiffers := id.BMCMAC != "" && seen.BMCMAC != "" && !bmc
	switch {
	case serial && (macs || bmc || uuid):
		return Certain
	case serial, macs, bmc && !bmcDiffers:
		return Likely
	case uuid && !bmcDiffers && (len(id.NICMACs) == 0 || len(seen.NICMACs) == 0) && (id.Serial == "" || seen.Serial == ""):
		return Likely
	default:
		return NoMatch
	}
}

func overlap(a, b []string) bool {
	return slices.ContainsFunc(a, func(m string) bool { return slices.Contains(b, m) })
}

// Merge adds to a known identity what was newly seen; what is known stays where the new is silent. The sets
// of NICs are united: a sighting by DHCP knows one interface only. Facts, which know them all, replace them.
func (id Identity) Merge(seen Identity) Identity {
	id, seen = id.Normalize(), seen.Normalize()
	for _, p := range []struct {
		known *string
		seen  string
	}{{&id.Serial, seen.Serial}, {&id.UUID, seen.UUID}, {&id.BMCMAC, seen.BMCMAC}, {&id.AssetTag, seen.AssetTag}} {
		if p.seen != "" {
			*p.known = p.seen
		}
	}
	id.NICMACs = append(id.NICMACs, seen.NICMACs...)
	return id.Normalize()
}
