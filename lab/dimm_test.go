package lab

import (
	"bytes"
	"strings"
	"testing"
)

// TestDIMMStructure: a slot is told as DSP0134 has it: here read back by its offsets.
func TestDIMMStructure(t *testing.T) {
	full := DIMM{Slot: "A1", SizeMiB: 16 << 10, Part: "P-1", Serial: "S-1"}.structure(2, "Maker")
	if len(full) != 0x28+len("A1\x00Maker\x00S-1\x00P-1\x00\x00") || full[0] != 17 || full[1] != 0x28 || full[2] != 2 || full[3] != 0x11 {
		t.Errorf("% x", full)
	}
	if size := int(full[0x0c]) | int(full[0x0d])<<8; size != 16<<10 {
		t.Errorf("size %d", size)
	}
	words := strings.Split(string(full[0x28:]), "\x00")
	for at, want := range map[int]string{0x10: "A1", 0x17: "Maker", 0x18: "S-1", 0x1a: "P-1"} {
		if got := words[full[at]-1]; got != want {
			t.Errorf("at %#x: %q; want %q", at, got, want)
		}
	}
	big := DIMM{Slot: "A1", SizeMiB: 64 << 10}.structure(0, "")
	if big[0x0c] != 0xff || big[0x0d] != 0x7f || !bytes.Equal(big[0x1c:0x20], []byte{0, 0, 1, 0}) {
		t.Errorf("64 GiB: % x", big)
	}
	empty := DIMM{Slot: "A2", Part: "none"}.structure(0, "Maker")
	if string(empty[0x28:]) != "A2\x00\x00" || empty[0x0c] != 0 || empty[0x1a] != 0 {
		t.Errorf("empty slot: % x", empty)
	}
}

// TestValidateDIMMs: what the modules have and what the server has must be the same.
func TestValidateDIMMs(t *testing.T) {
	s := Default()
	s.Servers[0].DIMMs = []DIMM{{Slot: "A1", SizeMiB: 1024, Serial: "D1"}, {Slot: "A1"}, {SizeMiB: 512, Serial: "D1"}}
	s.Servers[0].Disks[0].IOPS = -1
	err := s.Validate()
	for _, want := range []string{"memory_mib 3072: the dimms have 1536", "slot of hv01 A1 is", "dimm serial D1 is", `dimms[2]: slot ""`, "iops -1"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %v", want, err)
		}
	}
	s.Servers[0].DIMMs, s.Servers[0].MemoryMiB = []DIMM{{Slot: "A1", SizeMiB: 1024}, {Slot: "A2"}}, 0
	s.Servers[0].Disks[0].IOPS = 0
	s = s.Complete()
	if err := s.Validate(); err != nil || s.Servers[0].MemoryMiB != 1024 {
		t.Errorf("%v, %d", err, s.Servers[0].MemoryMiB)
	}
}
