package bom

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"socle/hardware"
)

// Class is a kind of parts.
type Class string

// The classes of parts.
const (
	CPU       Class = "cpu"
	DIMM      Class = "dimm"
	Disk      Class = "disk"  // as the kernel sees it
	Drive     Class = "drive" // physical, behind a RAID controller
	Interface Class = "nic"
	GPU       Class = "gpu"  // and other accelerators
	Card      Class = "card" // that gives neither disks nor interfaces of its own to the kernel, as RAID controllers and host bus adapters
	PSU       Class = "psu"
)

// Classes lists them in the order in which they are shown.
func Classes() []Class { return []Class{CPU, DIMM, Disk, Drive, Interface, GPU, Card, PSU} }

// words name one part of a class for people.
var words = map[Class]string{CPU: "CPU", DIMM: "DIMM", Disk: "disk", Drive: "drive", Interface: "network interface", GPU: "GPU", Card: "card", PSU: "power supply"}

// Part is one part in a server; serials differ by nature and are never compared.
type Part struct {
	Class  Class
	Slot   string // where it sits, spelled in one way: "PROC 1 DIMM 4"
	Number string // part number or model, spelled in one way; empty when its maker left it out
	Vendor string
	Serial string
	Size   uint64 // bytes; 0 of parts without
	Speed  int    // of DIMMs in MT/s; 0 of others
}

// Name is the part for people: what kind, and where it sits.
func (p Part) Name() string { return strings.TrimSpace(words[p.Class] + " " + p.Slot) }

// What says what it is: size and number.
func (p Part) What() string { return describe(p.Class, p.Size, []string{p.Number}) }

func describe(c Class, size uint64, numbers []string) string {
	var parts []string
	if size > 0 {
		parts = append(parts, sizeWords(c, size))
	}
	if numbers = slices.DeleteFunc(slices.Clone(numbers), func(s string) bool { return s == "" }); len(numbers) > 0 {
		parts = append(parts, strings.Join(numbers, " or "))
	}
	if len(parts) == 0 {
		return "an unknown " + words[c]
	}
	return strings.Join(parts, " ")
}

// sizeWords counts disks as their makers do, in powers of ten, and memory in powers of two.
func sizeWords(c Class, size uint64) string {
	switch {
	case c == DIMM:
		return hardware.Size(size)
	case size >= 1e12:
		return strconv.FormatFloat(float64(size)/1e12, 'f', 1, 64) + " TB"
	}
	return fmt.Sprintf("%d GB", (size+5e8)/1e9)
}

// nothing are the words that makers write when they have nothing to say.
var nothing = regexp.MustCompile(`^(N/?A|NONE|UNKNOWN|NOT (AVAILABLE|SPECIFIED|APPLICABLE)|UNDEFINED|EMPTY|NO DIMM|DEFAULT STRING|TO BE FILLED BY O\.?E\.?M\.?|0[0 ]+|0X0+)$`)

// Plain spells a slot, a part number or a serial in one way: upper case, single blanks, and nothing for words that say nothing.
func Plain(text string) string {
	text = strings.ToUpper(strings.Join(strings.Fields(text), " "))
	if nothing.MatchString(text) {
		return ""
	}
	return text
}

// vendors are the spellings of makers that renamed themselves or abbreviate.
var vendors = map[string]string{
	"HP": "HPE", "HEWLETT-PACKARD": "HPE", "HEWLETT PACKARD": "HPE", "HEWLETT PACKARD ENTERPRISE": "HPE",
	"GENUINEINTEL": "INTEL", "AUTHENTICAMD": "AMD", "HYNIX": "SK HYNIX", "HYUNDAI": "SK HYNIX", "WDC": "WESTERN DIGITAL",
}

var legal = regexp.MustCompile(`[ ,]*\b(INC|CORP|CORPORATION|LTD|CO|COMPANY|GMBH|AG)\b\.?`)

// Maker spells a vendor's name in one way: without its legal form, and HP as HPE.
func Maker(text string) string {
	text = strings.Trim(legal.ReplaceAllString(Plain(text), ""), " ,.")
	if same, ok := vendors[text]; ok {
		return same
	}
	return text
}

// Parts lists the parts that are in a server; empty slots are none.
func Parts(f hardware.Facts) (all []Part) {
	for _, c := range f.CPUs {
		all = append(all, Part{Class: CPU, Slot: strconv.Itoa(c.Socket), Number: Plain(c.Model), Vendor: Maker(c.Vendor)})
	}
	for _, d := range f.Memory.DIMMs {
		if d.SizeBytes > 0 {
			all = append(all, Part{Class: DIMM, Slot: Plain(d.Locator), Number: Plain(d.PartNumber), Vendor: Maker(d.Vendor), Serial: Plain(d.Serial), Size: d.SizeBytes, Speed: d.SpeedMTs})
		}
	}
	for _, d := range f.Disks {
		if !d.Removable && d.Transport != "usb" {
			all = append(all, Part{Class: Disk, Slot: d.Name, Number: Plain(d.Model), Vendor: Maker(d.Vendor), Serial: Plain(d.Serial), Size: d.SizeBytes})
		}
	}
	for _, d := range f.Drives {
		number := Plain(d.Model)
		if number == "" {
			number = Plain(d.Transport)
		}
		all = append(all, Part{Class: Drive, Slot: Plain(d.Controller + " " + d.Bay), Number: number, Vendor: Maker(d.Vendor), Serial: Plain(d.Serial), Size: d.SizeBytes})
	}
	cards := map[string]string{}
	for _, c := range f.PCI {
		cards[c.Address] = c.Vendor + ":" + c.Device
	}
	for _, n := range f.NICs {
		number := cards[n.PCI]
		if number == "" {
			number = n.Driver
		}
		all = append(all, Part{Class: Interface, Slot: n.Name, Number: Plain(number), Serial: n.MAC})
	}
	return append(all, more(f)...)
}

// more are cards and power supplies.
func more(f hardware.Facts) (all []Part) {
	for _, c := range f.PCI {
		if class := classOf(c.Class); class != "" {
			all = append(all, Part{Class: class, Slot: c.Address, Number: Plain(c.Vendor + ":" + c.Device)})
		}
	}
	for _, p := range f.PSUs {
		if p.Present {
			all = append(all, Part{Class: PSU, Slot: Plain(p.Locator), Number: cmp.Or(Plain(p.PartNumber), Plain(p.Name)), Vendor: Maker(p.Vendor), Serial: Plain(p.Serial)})
		}
	}
	return all
}

// classOf sorts a function on the bus by its class code (PCI Code and ID Assignment Specification): a display controller, a processing
// accelerator or a coprocessor is a GPU; a RAID or SAS controller, a Fibre Channel adapter and an InfiniBand adapter are cards. What else
// there is belongs to the board, or shows as disks and interfaces.
func classOf(code string) Class {
	switch {
	case len(code) < 4:
		return ""
	case code[:2] == "03", code[:2] == "12", code[:4] == "0b40":
		return GPU
	case slices.Contains([]string{"0104", "0107", "0c04", "0207"}, code[:4]):
		return Card
	}
	return ""
}
