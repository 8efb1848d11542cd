package search

import (
	"socle/hardware"
	"socle/inventory/bom"
)

// hardwareFields are those of the facts.
func hardwareFields() []Field {
	return append([]Field{
		seen("vendor", "Dell", "maker of the server", func(f *hardware.Facts) []string { return []string{f.System.Manufacturer} }),
		seen("product", "PowerEdge*", "product, as its firmware says", func(f *hardware.Facts) []string { return []string{f.System.Product, f.System.SKU} }),
		seen("firmware", "2.19*", "version of the BIOS or UEFI", func(f *hardware.Facts) []string { return []string{f.Firmware.Version} }),
		seen("firmware.mode", "uefi", "bios or uefi", func(f *hardware.Facts) []string { return []string{f.Firmware.Mode} }),
		seen("secureboot", "yes", "whether Secure Boot is on: yes or no", func(f *hardware.Facts) []string { return []string{yes(f.Firmware.SecureBoot)} }),
		seen("tpm", "2.0", "version of the TPM", func(f *hardware.Facts) []string {
			if f.TPM == nil {
				return nil
			}
			return []string{f.TPM.Version}
		}),
		seen("cpu", "E5-2650", "model of the CPUs", func(f *hardware.Facts) []string { return each(f.CPUs, func(c hardware.CPU) string { return c.Model }) }),
		fact("cpus", Count, "2", "how many CPUs", func(f *hardware.Facts) []float64 { return []float64{float64(len(f.CPUs))} }),
		fact("cores", Count, "32", "cores of all CPUs", func(f *hardware.Facts) []float64 { return sum(f.CPUs, func(c hardware.CPU) int { return c.Cores }) }),
		fact("threads", Count, "64", "threads of all CPUs", func(f *hardware.Facts) []float64 { return sum(f.CPUs, func(c hardware.CPU) int { return c.Threads }) }),
		fact("cpu.speed", Frequency, "2.4GHz", "frequency of a CPU", func(f *hardware.Facts) []float64 {
			return each(f.CPUs, func(c hardware.CPU) float64 { return float64(c.MHz) * 1e6 })
		}),
		fact("memory", Bytes, "128GiB", "usable memory", func(f *hardware.Facts) []float64 { return []float64{float64(f.Memory.TotalBytes)} }),
	}, partFields()...)
}

func sum[T any](all []T, of func(T) int) []float64 {
	n := 0
	for _, x := range all {
		n += of(x)
	}
	return []float64{float64(n)}
}

func filled(f *hardware.Facts) (all []hardware.DIMM) {
	for _, d := range f.Memory.DIMMs {
		if d.SizeBytes > 0 {
			all = append(all, d)
		}
	}
	return all
}

func partFields() []Field {
	return []Field{
		fact("dimms", Count, "8", "how many DIMMs", func(f *hardware.Facts) []float64 { return []float64{float64(len(filled(f)))} }),
		fact("dimm.size", Bytes, "16GiB", "size of a DIMM", func(f *hardware.Facts) []float64 {
			return each(filled(f), func(d hardware.DIMM) float64 { return float64(d.SizeBytes) })
		}),
		seen("dimm.slot", "A1", "slot of a DIMM", func(f *hardware.Facts) []string {
			return each(filled(f), func(d hardware.DIMM) string { return d.Locator })
		}),
		seen("dimm.part", "672612-081", "part number of a DIMM", func(f *hardware.Facts) []string {
			return each(filled(f), func(d hardware.DIMM) string { return d.PartNumber })
		}),
		seen("dimm.serial", "8C0A*", "serial number of a DIMM", func(f *hardware.Facts) []string {
			return each(filled(f), func(d hardware.DIMM) string { return d.Serial })
		}),
		fact("disks", Count, "12", "how many disks, without removable ones", func(f *hardware.Facts) []float64 {
			return sum(f.Disks, func(d hardware.Disk) int {
				if d.Removable {
					return 0
				}
				return 1
			})
		}),
		fact("disk.size", Bytes, "3TB", "size of a disk, or of a drive behind a RAID controller", func(f *hardware.Facts) []float64 {
			return append(each(f.Disks, func(d hardware.Disk) float64 { return float64(d.SizeBytes) }), each(f.Drives, func(d hardware.Drive) float64 { return float64(d.SizeBytes) })...)
		}),
		seen("disk.model", "ST4000*", "model of a disk or drive", func(f *hardware.Facts) []string {
			return append(each(f.Disks, func(d hardware.Disk) string { return d.Vendor + " " + d.Model }), each(f.Drives, func(d hardware.Drive) string { return d.Vendor + " " + d.Model })...)
		}),
		seen("disk.serial", "WFK0ABCD", "serial number of a disk or drive", func(f *hardware.Facts) []string {
			return append(each(f.Disks, func(d hardware.Disk) string { return d.Serial }), each(f.Drives, func(d hardware.Drive) string { return d.Serial })...)
		}),
		seen("disk.transport", "nvme", "how a disk or drive is attached", func(f *hardware.Facts) []string {
			return append(each(f.Disks, func(d hardware.Disk) string { return d.Transport }), each(f.Drives, func(d hardware.Drive) string { return d.Transport })...)
		}),
		seen("disk.kind", "rotating", "rotating or flash", func(f *hardware.Facts) []string {
			return each(f.Disks, func(d hardware.Disk) string { return map[bool]string{true: "rotating", false: "flash"}[d.Rotational] })
		}),
		fact("nics", Count, "2", "how many network interfaces", func(f *hardware.Facts) []float64 { return []float64{float64(len(f.NICs))} }),
		seen("nic.driver", "ixgbe", "driver of a network interface", func(f *hardware.Facts) []string { return each(f.NICs, func(n hardware.NIC) string { return n.Driver }) }),
		fact("nic.speed", Speed, "25G", "speed of a link that is up", func(f *hardware.Facts) []float64 {
			return each(f.NICs, func(n hardware.NIC) float64 { return float64(n.SpeedMbps) * 1e6 })
		}),
		seen("switch", "leaf-a", "name or chassis of a switch that was heard", func(f *hardware.Facts) []string {
			return neighbours(f, func(n hardware.Neighbor) []string { return []string{n.SystemName, n.ChassisID} })
		}),
		seen("port", "Ethernet1/7", "port of a switch that was heard", func(f *hardware.Facts) []string {
			return neighbours(f, func(n hardware.Neighbor) []string { return []string{n.PortID, n.PortDesc} })
		}),
		fact("gpus", Count, "8", "how many GPUs and other accelerators", func(f *hardware.Facts) []float64 {
			return sum(bom.Parts(*f), func(p bom.Part) int { return map[bool]int{true: 1}[p.Class == bom.GPU] })
		}),
		fact("psus", Count, "2", "how many power supplies", func(f *hardware.Facts) []float64 {
			return sum(f.PSUs, func(p hardware.PSU) int { return map[bool]int{true: 1}[p.Present] })
		}),
		seen("psu.part", "05RHVV*", "part number of a power supply", func(f *hardware.Facts) []string {
			return each(f.PSUs, func(p hardware.PSU) string { return p.PartNumber })
		}),
		seen("part", "8C0A1234", "serial number or part number of any part, or MAC address of an interface", func(f *hardware.Facts) (all []string) {
			for _, p := range bom.Parts(*f) {
				all = append(all, p.Serial, p.Number)
			}
			return all
		}),
		seen("pci", "15b3:1017", "vendor and device of something on the bus", func(f *hardware.Facts) []string {
			return each(f.PCI, func(d hardware.PCIDevice) string { return d.Vendor + ":" + d.Device })
		}),
	}
}

func neighbours(f *hardware.Facts, of func(hardware.Neighbor) []string) (all []string) {
	for _, n := range f.NICs {
		for _, l := range n.LLDP {
			all = append(all, of(l)...)
		}
	}
	return all
}
