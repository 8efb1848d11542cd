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
	macs := make([]string, 0, len(id.NICMACs))
	for _, m := range id.NICMACs {
		if m = NormalizeMAC(m); m != "" {
			macs = append(macs, m)
		}
	}
	slices.Sort(macs)
	id.NICMACs = slices.Compact(macs)
	return id
}

// placeholders are what firmware says when nobody filled in a serial number.
var placeholders = []string{
	"", "0", "none", "n/a", "na", "null", "unknown", "default string", "not specified", "not available", "empty",
	"to be filled by o.e.m.", "to be filled by o.e.m", "system serial number", "chassis serial number", "o.e.m.",
	"0123456789", "1234567890", "123456789", "xxxxxxxxxx", "...............", "invalid",
}

func meaningful(s string) string {
	s = strings.TrimSpace(s)
	if slices.Contains(placeholders, strings.ToLower(s)) {
		return ""
	}
	return s
}

var withoutSeparators = strings.NewReplacer(":", "", "-", "", ".", "", " ", "")

// NormalizeMAC brings an address to "aa:bb:cc:dd:ee:ff", or to "" when it is not one or is all zero or ones.
func NormalizeMAC(s string) string {
	hex := strings.ToLower(withoutSeparators.Replace(s))
	if len(hex) != 12 || strings.Trim(hex, "0") == "" || strings.Trim(hex, "f") == "" ||
		strings.Trim(hex, "0123456789abcdef") != "" {
		return ""
	}
	var b strings.Builder
	for i := 0; i < 12; i += 2 {
		if i > 0 {
			b.WriteByte(':')
		}
		b.WriteString(hex[i : i+2])
	}
	return b.String()
}

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
