package probe

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"strconv"

	"socle/hardware"
)

// tables is what is wanted of SMBIOS (DMTF DSP0134).
type tables struct {
	system   hardware.System
	firmware hardware.Firmware
	dimms    []hardware.DIMM
	psus     []hardware.PSU
}

func (r Root) smbios() (tables, error) {
	raw, err := readBounded(filepath.Join(r.Sys, "firmware/dmi/tables/DMI"))
	if err != nil {
		return tables{}, fmt.Errorf("reading the firmware's table: %w", err)
	}
	entry, _ := readBounded(filepath.Join(r.Sys, "firmware/dmi/tables/smbios_entry_point"))
	return parseSMBIOS(raw, uuidLittleEndian(entry))
}

// uuidLittleEndian tells whether the table follows version 2.6 or later, where the first three fields of a
// UUID are little-endian (DSP0134, 7.2.1). Without an entry point the newer rule is assumed.
func uuidLittleEndian(entry []byte) bool {
	switch {
	case len(entry) >= 8 && string(entry[:4]) == "_SM_":
		return entry[6] > 2 || entry[6] == 2 && entry[7] >= 6
	default:
		return true
	}
}

// structure is one record: its formatted part, header included, and its strings.
type structure struct {
	kind    byte
	data    []byte
	strings []string
}

func (s structure) byteAt(i int) byte {
	if i < len(s.data) {
		return s.data[i]
	}
	return 0
}

func (s structure) word(i int) uint16 {
	if i+2 <= len(s.data) {
		return binary.LittleEndian.Uint16(s.data[i:])
	}
	return 0
}

func (s structure) dword(i int) uint32 {
	if i+4 <= len(s.data) {
		return binary.LittleEndian.Uint32(s.data[i:])
	}
	return 0
}

// text resolves the string number that stands at offset i; numbers count from 1.
func (s structure) text(i int) string {
	if n := int(s.byteAt(i)); n > 0 && n <= len(s.strings) {
		return Clean(s.strings[n-1])
	}
	return ""
}

// nextStructure cuts one record off the table.
func nextStructure(raw []byte) (s structure, rest []byte, err error) {
	if len(raw) < 4 {
		return s, nil, fmt.Errorf("table ends in the head of a structure")
	}
	n := int(raw[1])
	if n < 4 || n > len(raw) {
		return s, nil, fmt.Errorf("structure of type %d says it is %d bytes long, %d are left", raw[0], n, len(raw))
	}
	s = structure{kind: raw[0], data: raw[:n]}
	rest = raw[n:]
	for start, i := 0, 0; i < len(rest); i++ {
		if rest[i] != 0 {
			continue
		}
		if i == start { // an empty string ends the set; a set without strings is two zeros
			if len(s.strings) == 0 && i+1 < len(rest) && rest[i+1] == 0 {
				i++
			}
			return s, rest[i+1:], nil
		}
		s.strings = append(s.strings, string(rest[start:i]))
		start = i + 1
	}
	return s, nil, fmt.Errorf("strings of the structure of type %d do not end", s.kind)
}

// parseSMBIOS reads a structure table. What was read before an error is returned with it.
func parseSMBIOS(raw []byte, littleUUID bool) (tables, error) {
	var t tables
	for len(raw) > 0 {
		s, rest, err := nextStructure(raw)
		if err != nil {
			return t, err
		}
		raw = rest
		switch s.kind {
		case 0:
			t.firmware.Vendor, t.firmware.Version, t.firmware.Date = s.text(4), s.text(5), s.text(8)
		case 1:
			sys := &t.system
			sys.Manufacturer, sys.Product, sys.Serial, sys.SKU = s.text(4), s.text(5), s.text(7), s.text(0x19)
			sys.UUID = uuid(s.data, littleUUID)
		case 2:
			if t.system.BoardSerial == "" {
				t.system.BoardSerial = s.text(7)
			}
		case 3:
			if t.system.ChassisSerial == "" {
				t.system.ChassisSerial, t.system.AssetTag = s.text(7), s.text(8)
			}
		case 17:
			if len(t.dimms) < maxItems {
				t.dimms = append(t.dimms, dimm(s))
			}
		case 39:
			if len(t.psus) < maxItems {
				t.psus = append(t.psus, psu(s))
			}
		case 127: // end of table
			return t, nil
		}
	}
	return t, nil
}

func uuid(data []byte, little bool) string {
	if len(data) < 0x18 {
		return ""
	}
	u := [16]byte(data[8:0x18])
	if little {
		u[0], u[1], u[2], u[3] = u[3], u[2], u[1], u[0]
		u[4], u[5], u[6], u[7] = u[5], u[4], u[7], u[6]
	}
	h := hex.EncodeToString(u[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// memoryTypes are the values of DSP0134 table 77 that are met on servers.
var memoryTypes = map[byte]string{
	0x07: "RAM", 0x12: "DDR", 0x13: "DDR2", 0x18: "DDR3", 0x1a: "DDR4", 0x1b: "LPDDR", 0x1c: "LPDDR2", 0x1d: "LPDDR3",
	0x1e: "LPDDR4", 0x20: "HBM", 0x21: "HBM2", 0x22: "DDR5", 0x23: "LPDDR5", 0x24: "HBM3",
}

// dimm reads a memory device (DSP0134, 7.18).
func dimm(s structure) hardware.DIMM {
	d := hardware.DIMM{Locator: s.text(0x10), Type: memoryTypes[s.byteAt(0x12)], SpeedMTs: int(s.word(0x15)),
		Vendor: s.text(0x17), Serial: s.text(0x18), PartNumber: s.text(0x1a)}
	if bank := s.text(0x11); d.Locator == "" {
		d.Locator = bank
	}
	if d.SpeedMTs == 0xffff {
		d.SpeedMTs = int(s.dword(0x54) & 0x7fffffff)
	}
	if t := s.byteAt(0x12); d.Type == "" && t > 2 {
		d.Type = "type " + strconv.Itoa(int(t))
	}
	switch size := s.word(0x0c); {
	case size == 0 || size == 0xffff: // empty, or unknown
	case size == 0x7fff:
		d.SizeBytes = uint64(s.dword(0x1c)&0x7fffffff) << 20
	case size&0x8000 != 0:
		d.SizeBytes = uint64(size&0x7fff) << 10
	default:
		d.SizeBytes = uint64(size) << 20
	}
	return d
}

// psuHealth are the values of a power supply's status (DSP0134 table 119) that say something.
var psuHealth = map[uint16]string{3: "ok", 4: "non-critical", 5: "critical"}

// psu reads a power supply (DSP0134, 7.40). A structure too short for characteristics is taken for one that is there: who lists
// empty bays says so there.
func psu(s structure) hardware.PSU {
	p := hardware.PSU{Locator: s.text(5), Name: s.text(6), Vendor: s.text(7), Serial: s.text(8), PartNumber: s.text(0x0a), Present: true}
	if w := s.word(0x0c); w != 0x8000 {
		p.Watts = int(w)
	}
	if len(s.data) >= 0x10 {
		c := s.word(0x0e)
		p.Present, p.Health = c&(1<<1) != 0, psuHealth[c>>7&7]
	}
	return p
}
