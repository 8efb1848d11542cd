package sample

import (
	"strconv"
	"strings"

	"socle/hardware"
)

// take reads one entry.
func (r *reader) take(class, element, property, value string) {
	switch {
	case class == "system" && element == "product":
		r.product(property, value)
	case class == "firmware" && element == "bios":
		r.bios(property, value)
	case class == "cpu" && strings.HasPrefix(element, "physical_"):
		r.cpu(element, property, value)
	case class == "memory" && strings.HasPrefix(element, "bank:"):
		r.dimm(element, property, value)
	case class == "network":
		r.nic(element, property, value)
	case class == "disk" && strings.Contains(element, ":"):
		r.drive(element, property, value)
	case class == "disk" && !measured(property):
		r.disk(element, property, value)
	case measured(property):
		v, err := strconv.ParseFloat(value, 64)
		if err != nil {
			r.err = err
			return
		}
		r.out.Readings = append(r.out.Readings, Reading{Class: class, Element: element, Property: property, Value: v})
	}
}

// measured tells the results of benchmarks from what is described.
func measured(property string) bool {
	for _, word := range []string{"KBps", "IOps", "loops_per_sec", "bandwidth_", "bogomips"} {
		if strings.Contains(property, word) {
			return true
		}
	}
	return false
}

func (r *reader) product(property, value string) {
	s := &r.out.Facts.System
	switch property {
	case "serial":
		s.Serial = value
	case "vendor":
		s.Manufacturer = value
	case "name": // "ProLiant BL460c Gen8 (641016-B21)": the product with the number under which it is sold
		s.Product = value
		if name, sku, ok := strings.Cut(strings.TrimSuffix(value, ")"), " ("); ok && strings.HasSuffix(value, ")") {
			s.Product, s.SKU = name, sku
		}
	}
}

func (r *reader) bios(property, value string) {
	f := &r.out.Facts.Firmware
	switch property {
	case "vendor":
		f.Vendor = value
	case "version":
		f.Version = value
	case "date":
		f.Date = value
	}
}

func (r *reader) cpu(element, property, value string) {
	c := r.cpus.get(element)
	switch c.Socket = r.number(strings.TrimPrefix(element, "physical_")); property {
	case "product":
		c.Model = value
	case "vendor":
		c.Vendor = value
	case "frequency":
		c.MHz = r.number(value) / 1e6
	case "cores":
		c.Cores = r.number(value)
	case "threads":
		c.Threads = r.number(value)
	}
}

func (r *reader) dimm(element, property, value string) {
	d := r.dimms.get(element)
	switch property {
	case "slot":
		d.Locator = value
	case "size":
		d.SizeBytes = uint64(r.number(value))
	case "clock": // of the bus, in Hz, which its transfers are counted by
		d.SpeedMTs = r.number(value) / 1e6
	case "vendor":
		d.Vendor = value
	case "product":
		d.PartNumber = value
	case "serial":
		d.Serial = value
	case "description": // "DIMM DDR3 Synchronous 1600 MHz (0.6 ns)"
		for word := range strings.FieldsSeq(value) {
			if strings.HasPrefix(word, "DDR") {
				d.Type = word
			}
		}
	}
}

func (r *reader) nic(element, property, value string) {
	n := r.nics.get(element)
	switch n.Name = element; property {
	case "serial":
		n.MAC = strings.ToLower(value)
	case "businfo":
		n.PCI = strings.TrimPrefix(value, "pci@")
	case "driver":
		n.Driver = value
	case "link":
		n.Link = value == "yes"
	case "ipv4":
		n.Boot, n.Addresses = true, []string{value}
	case "ipv4-cidr":
		if len(n.Addresses) == 1 {
			n.Addresses[0] += "/" + value
		}
	}
}

// gigabyte is the unit of disks' sizes.
const gigabyte = 1e9

func (r *reader) disk(element, property, value string) {
	d := r.disks.get(element)
	switch d.Name, d.BlockSize = element, 512; property {
	case "size":
		d.SizeBytes = uint64(r.number(value)) * gigabyte
	case "vendor":
		d.Vendor = value
	case "model":
		d.Model = value
	case "rev":
		d.Firmware = value
	}
}

// drive reads an entry of a physical drive, "1I:1:2". Bays of two controllers have the same names: the controller's slot
// comes with each drive as a property, and every drive begins with its type.
func (r *reader) drive(element, property, value string) {
	if property == "type" {
		r.drives = append(r.drives, hardware.Drive{Bay: element, Transport: strings.ToLower(value)})
	}
	if len(r.drives) == 0 || r.drives[len(r.drives)-1].Bay != element {
		return
	}
	d := &r.drives[len(r.drives)-1]
	switch property {
	case "slot":
		d.Controller = "slot " + value
	case "size":
		d.SizeBytes = uint64(r.number(value)) * gigabyte
	}
}
