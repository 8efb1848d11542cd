package probe

import (
	"encoding/binary"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"socle/hardware"
)

// record is one structure of an SMBIOS table: its formatted part after the header, and its strings.
func record(kind byte, body []byte, strs ...string) []byte {
	b := append([]byte{kind, byte(len(body) + 4), 0, kind}, body...)
	for _, s := range strs {
		b = append(append(b, s...), 0)
	}
	if len(strs) == 0 {
		b = append(b, 0)
	}
	return append(b, 0)
}

// bytesAt is a formatted part of n bytes, offsets counted from the structure's begin as in the standard.
func bytesAt(n int, set map[int]byte) []byte {
	b := make([]byte, n)
	for at, v := range set {
		b[at-4] = v
	}
	return b
}

func sampleTable() []byte {
	system := bytesAt(23, map[int]byte{4: 1, 5: 2, 6: 3, 7: 4, 0x19: 5})
	copy(system[4:], []byte{0x33, 0x22, 0x11, 0x00, 0x55, 0x44, 0x77, 0x66, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff})
	dimm := bytesAt(36, map[int]byte{0x10: 1, 0x11: 2, 0x12: 0x1a, 0x17: 3, 0x18: 4, 0x1a: 5})
	binary.LittleEndian.PutUint16(dimm[0x0c-4:], 0x7fff)
	binary.LittleEndian.PutUint32(dimm[0x1c-4:], 32768)
	binary.LittleEndian.PutUint16(dimm[0x15-4:], 2666)
	var t []byte
	for _, r := range [][]byte{
		record(0, bytesAt(20, map[int]byte{4: 1, 5: 2, 8: 3}), "Dell Inc.", "2.19.1", "06/04/2023"),
		record(1, system, "Dell Inc.", "PowerEdge R640", "rev", "ABC1234", "SKU=NotProvided"),
		record(2, bytesAt(8, map[int]byte{7: 1}), "BOARD1"),
		record(3, bytesAt(9, map[int]byte{7: 1, 8: 2}), "ABC1234", "ASSET-7"),
		record(17, dimm, "A1", "BANK 0", "Samsung", "30E1F2A3", "M393A4K40CB2-CTD  "),
		record(17, bytesAt(36, map[int]byte{0x10: 1, 0x12: 2}), "A2"),
		record(39, supply(1460, 3<<7|1<<1), "PSU1", "PWR SPLY,1400W", "DELL", "CN17A", "05RHVVA00"),
		record(39, supply(0x8000, 2<<7), "PSU2"),
		record(200, nil),
		record(127, nil),
	} {
		t = append(t, r...)
	}
	return append(t, "remains of another table"...)
}

// supply is the formatted part of a power supply.
func supply(watts, characteristics uint16) []byte {
	b := bytesAt(22, map[int]byte{5: 1, 6: 2, 7: 3, 8: 4, 0x0a: 5})
	binary.LittleEndian.PutUint16(b[0x0c-4:], watts)
	binary.LittleEndian.PutUint16(b[0x0e-4:], characteristics)
	return b
}

func TestParseSMBIOS(t *testing.T) {
	got, err := parseSMBIOS(sampleTable(), true)
	if err != nil {
		t.Fatal(err)
	}
	want := tables{
		system: hardware.System{Manufacturer: "Dell Inc.", Product: "PowerEdge R640", SKU: "SKU=NotProvided", Serial: "ABC1234",
			UUID: "00112233-4455-6677-8899-aabbccddeeff", BoardSerial: "BOARD1", ChassisSerial: "ABC1234", AssetTag: "ASSET-7"},
		firmware: hardware.Firmware{Vendor: "Dell Inc.", Version: "2.19.1", Date: "06/04/2023"},
		dimms: []hardware.DIMM{{Locator: "A1", SizeBytes: 32 << 30, Type: "DDR4", SpeedMTs: 2666, Vendor: "Samsung", Serial: "30E1F2A3", PartNumber: "M393A4K40CB2-CTD"},
			{Locator: "A2"}},
		psus: []hardware.PSU{{Locator: "PSU1", Name: "PWR SPLY,1400W", Vendor: "DELL", Serial: "CN17A", PartNumber: "05RHVVA00", Watts: 1460, Present: true, Health: "ok"}, {Locator: "PSU2"}},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(tables{})); diff != "" {
		t.Errorf("tables (-want +got):\n%s", diff)
	}
}

func TestBrokenSMBIOS(t *testing.T) {
	whole := sampleTable()
	for name, tc := range map[string]struct {
		raw  []byte
		says string
	}{
		"cut in a head":      {[]byte{1, 27}, "head"},
		"length too long":    {[]byte{1, 200, 0, 0, 0, 0}, "200 bytes"},
		"length below head":  {[]byte{1, 3, 0, 0, 0, 0}, "3 bytes"},
		"strings do not end": {whole[:30], "do not end"},
	} {
		if _, err := parseSMBIOS(tc.raw, true); err == nil || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: error %v, want one about %q", name, err, tc.says)
		}
	}
	if uuidLittleEndian([]byte("_SM_\x00\x1f\x02\x05")) || !uuidLittleEndian([]byte("_SM_\x00\x1f\x02\x08")) || !uuidLittleEndian([]byte("_SM3_")) {
		t.Error("the byte order of UUIDs changed with version 2.6")
	}
}

func FuzzParseSMBIOS(f *testing.F) {
	f.Add(sampleTable())
	f.Add([]byte{17, 40, 0, 0})
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, _ := parseSMBIOS(raw, len(raw)%2 == 0)
		if len(got.system.Serial) > maxText || len(got.dimms) > maxItems {
			t.Errorf("serial of %d bytes, %d DIMMs", len(got.system.Serial), len(got.dimms))
		}
	})
}
