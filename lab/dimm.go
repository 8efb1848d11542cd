package lab

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
)

// DIMM is one memory slot as the firmware's table tells it (SMBIOS type 17). A server without any gets QEMU's own.
type DIMM struct {
	Slot    string `yaml:"slot"`               // what is printed beside it, e.g. "A1"
	SizeMiB int    `yaml:"size_mib,omitempty"` // 0: the slot is empty
	Part    string `yaml:"part,omitempty"`
	Serial  string `yaml:"serial,omitempty"`
}

// Values of a memory device (DSP0134 3.6, 7.18).
const (
	smbiosMemoryDevice = 17
	memoryDeviceLength = 0x28 // as of version 2.8
	memoryArrayHandle  = 0x1000
	firstDIMMHandle    = 0x1100 // what QEMU calls its own first one
	noErrorInformation = 0xfffe
	formFactorDIMM     = 0x09
	memoryTypeDDR4     = 0x1a
	extendedSize       = 0x7fff // the size in MiB is in another field
	dimmSpeed          = 3200   // MT/s
)

// structure is the memory device as it lies in the table, strings behind it; n counts the server's slots.
func (d DIMM) structure(n int, maker string) []byte {
	b := make([]byte, memoryDeviceLength)
	b[0], b[1] = smbiosMemoryDevice, memoryDeviceLength
	put := func(at, v int) { binary.LittleEndian.PutUint16(b[at:], uint16(v)) }
	put(0x02, firstDIMMHandle+n)
	put(0x04, memoryArrayHandle)
	put(0x06, noErrorInformation)
	b[0x0e], b[0x12] = formFactorDIMM, memoryTypeDDR4
	texts := []string{d.Slot}
	b[0x10] = 1
	if d.SizeMiB > 0 {
		put(0x08, 72) // bits with their check bits
		put(0x0a, 64)
		put(0x0c, d.SizeMiB)
		if d.SizeMiB >= extendedSize {
			put(0x0c, extendedSize)
			binary.LittleEndian.PutUint32(b[0x1c:], uint32(d.SizeMiB))
		}
		put(0x15, dimmSpeed)
		put(0x20, dimmSpeed)
		for _, t := range []struct {
			at   int
			text string
		}{{0x17, maker}, {0x18, d.Serial}, {0x1a, d.Part}} {
			if t.text != "" {
				texts = append(texts, t.text)
				b[t.at] = byte(len(texts))
			}
		}
	}
	for _, t := range texts {
		b = append(append(b, t...), 0)
	}
	return append(b, 0)
}

func (m machine) dimmFile(i int) string {
	return filepath.Join(m.StateDir, fmt.Sprintf("dimm%d.smbios", i))
}

// writeDIMMs lays the structures down for QEMU.
func (m machine) writeDIMMs() error {
	for i, d := range m.Server.DIMMs {
		if err := os.WriteFile(m.dimmFile(i), d.structure(i, m.Server.Manufacturer), 0o600); err != nil {
			return fmt.Errorf("writing the memory slots for QEMU: %w", err)
		}
	}
	return nil
}
