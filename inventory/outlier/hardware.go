package outlier

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"socle/hardware"
	"socle/inventory"
)

// trait is one thing that equal machines have in common. The list of traits is the one place that says what counts as
// equal hardware: what differs by nature (serials, MACs, names of the kernel) is in none, and neither are part numbers of
// DIMMs, which makers mix in one delivery; they are compared with the order, not with peers.
type trait struct {
	name string
	of   func(hardware.Facts) []item
	// minor ones are told and do not make machines unequal: what is installed, not what is built in.
	minor bool
	kind  inventory.FindingKind // when it differs at all; empty: found out from what is missing and what is extra
}

// item is one part as peers are to have it; what is in the slot counts when there is one.
type item struct{ slot, text string }

func (i item) key() string { return i.slot + "\x00" + i.text }

// The names of the traits.
const (
	traitCPUs   = "CPUs"
	traitMemory = "memory"
	traitDisks  = "disks"
	traitDrives = "drives"
	traitNICs   = "network cards"
)

func traits() []trait {
	return []trait{
		{name: traitCPUs, of: cpus},
		{name: traitMemory, of: dimms},
		{name: traitDisks, of: disks},
		{name: traitDrives, of: drives},
		{name: traitNICs, of: nics},
		{name: "PCI devices", of: pci},
		{name: "firmware", of: firmware, minor: true, kind: inventory.FindFirmware},
		{name: "firmware mode", of: mode, minor: true},
		{name: "TPM", of: tpm, minor: true},
	}
}

func cpus(f hardware.Facts) (all []item) {
	for _, c := range f.CPUs {
		all = append(all, item{text: fmt.Sprintf("%s with %d cores and %d threads", c.Model, c.Cores, c.Threads)})
	}
	return all
}

func dimms(f hardware.Facts) (all []item) {
	for _, d := range f.Memory.DIMMs {
		if d.SizeBytes > 0 {
			text := hardware.Size(d.SizeBytes) + " " + d.Type
			if d.SpeedMTs > 0 {
				text += fmt.Sprintf("-%d", d.SpeedMTs)
			}
			all = append(all, item{slot: spaced(d.Locator), text: strings.TrimSpace(text)})
		}
	}
	if len(all) == 0 && f.Memory.TotalBytes > 0 { // firmware that does not tell of its slots
		all = append(all, item{text: fmt.Sprintf("%d GiB", (f.Memory.TotalBytes+1<<29)>>30)})
	}
	return all
}

// spaced is a text with one blank between its words: firmware aligns the names of slots with several.
func spaced(text string) string { return strings.Join(strings.Fields(text), " ") }

// diskKind is what disks of a kind have in common.
func diskKind(d hardware.Disk) string {
	return spaced(strings.Join([]string{d.Vendor, d.Model, hardware.Size(d.SizeBytes), d.Transport}, " "))
}

func disks(f hardware.Facts) (all []item) {
	for _, d := range f.Disks {
		if !d.Removable {
			all = append(all, item{text: diskKind(d)})
		}
	}
	return all
}

func drives(f hardware.Facts) (all []item) {
	for _, d := range f.Drives {
		text := strings.Join([]string{d.Vendor, d.Model, hardware.Size(d.SizeBytes), strings.ToUpper(d.Transport)}, " ")
		all = append(all, item{slot: spaced(d.Controller + " bay " + d.Bay), text: spaced(text)})
	}
	return all
}

func nics(f hardware.Facts) (all []item) {
	for _, n := range f.NICs {
		all = append(all, item{text: cmp.Or(n.Driver, "unknown")})
	}
	return all
}

func pci(f hardware.Facts) (all []item) {
	for _, d := range f.PCI {
		all = append(all, item{text: d.Vendor + ":" + d.Device})
	}
	return all
}

func firmware(f hardware.Facts) []item {
	text := f.Firmware.Version
	if f.Firmware.Date != "" {
		text += " of " + f.Firmware.Date
	}
	return []item{{text: strings.TrimSpace(text)}}
}

func mode(f hardware.Facts) []item { return []item{{text: f.Firmware.Mode}} }

func tpm(f hardware.Facts) []item {
	if f.TPM == nil {
		return nil
	}
	return []item{{text: f.TPM.Version}}
}

// keyOf is equal for equal lists of parts.
func keyOf(all []item) string {
	keys := make([]string, len(all))
	for i, x := range all {
		keys[i] = x.key()
	}
	slices.Sort(keys)
	return strings.Join(keys, "\x01")
}

// build is a machine's hardware as far as peers are concerned.
type build struct {
	kin   string // machines of one kin should be equal: the same product, ordered as the same model
	parts map[string][]item
	keys  map[string]string // of the traits
}

func buildOf(m *inventory.Machine) build {
	b := build{kin: strings.Join([]string{m.Facts.System.Manufacturer, m.Facts.System.Product, m.Model}, "\x02"), parts: map[string][]item{}, keys: map[string]string{}}
	for _, t := range traits() {
		b.parts[t.name] = t.of(*m.Facts)
		b.keys[t.name] = keyOf(b.parts[t.name])
	}
	return b
}

// fingerprint is equal for machines whose hardware is.
func (b build) fingerprint() string {
	text := b.kin
	for _, t := range traits() {
		if !t.minor {
			text += "\x03" + b.keys[t.name]
		}
	}
	return text
}

// aspect is equal for machines that are equal in what some metrics depend on. Of disks it is what they share with any other
// machine of the product; the kind of the disk comes to it.
func (b build) aspect(a Aspect) string {
	switch a {
	case OfCPU:
		return b.kin + "\x03" + b.keys[traitCPUs]
	case OfMemory:
		return b.kin + "\x03" + b.keys[traitCPUs] + "\x03" + b.keys[traitMemory]
	case OfDisk:
		return b.kin
	case OfNetwork:
		return b.kin + "\x03" + b.keys[traitNICs]
	}
	return b.fingerprint()
}

// Fingerprint is equal for machines whose hardware counts as equal; empty of one without facts.
func Fingerprint(m *inventory.Machine) string {
	if m.Facts == nil {
		return ""
	}
	return buildOf(m).fingerprint()
}
