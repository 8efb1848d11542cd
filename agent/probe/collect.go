package probe

import (
	"context"
	"strings"

	"socle/hardware"
)

// Collect measures everything but LLDP, which needs time (see Listen). It takes no longer than a few
// seconds: what hangs is given up and listed in Problems.
func (r Root) Collect(ctx context.Context) hardware.Facts {
	var f hardware.Facts
	problem := func(what string, err error) {
		if err != nil {
			f.Problems = append(f.Problems, Clean(what+": "+err.Error()))
		}
	}
	tables, err := r.smbios()
	problem("reading SMBIOS tables", err)
	f.System, f.Firmware, f.Memory.DIMMs, f.PSUs = tables.system, tables.firmware, tables.dimms, tables.psus
	r.firmware(&f.Firmware)
	f.CPUs, err = r.cpus()
	problem("reading processors", err)
	f.Memory.TotalBytes, err = r.memory()
	problem("reading memory size", err)
	f.Disks = r.Disks()
	f.NICs = r.NICs()
	f.PCI = r.pci()
	f.TPM = r.tpm()
	f.BMC, err = r.bmc(ctx)
	problem("asking the BMC in-band", err)
	f.Kernel = text(r.Proc, "sys/kernel/osrelease")
	for _, d := range f.Disks {
		if d.Serial == "" {
			f.Problems = append(f.Problems, "disk "+d.Name+" tells no serial number and cannot be used: orders name disks by serial")
		}
	}
	return f
}

// placeholders are what firmware says when nobody filled in a serial number; package inventory has the like.
var placeholders = map[string]bool{
	"": true, "0": true, "none": true, "n/a": true, "na": true, "null": true, "unknown": true, "default string": true,
	"not specified": true, "not available": true, "empty": true, "to be filled by o.e.m.": true,
	"to be filled by o.e.m": true, "system serial number": true, "chassis serial number": true,
	"base board serial number": true, "o.e.m.": true, "0123456789": true, "1234567890": true, "123456789": true,
	"xxxxxxxxxx": true, "...............": true, "invalid": true,
}

// Serial is the number by which the machine is known: SMBIOS type 1's, or the chassis's or the board's where
// the vendor left that a placeholder; empty when no one is real.
func Serial(s hardware.System) string {
	for _, c := range []string{s.Serial, s.ChassisSerial, s.BoardSerial} {
		if c = strings.TrimSpace(c); !placeholders[strings.ToLower(c)] {
			return c
		}
	}
	return ""
}
