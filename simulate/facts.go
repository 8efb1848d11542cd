package simulate

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"socle/hardware"
	"socle/hardware/sample"
)

// Model is the name of what was ordered, in the manifest.
const Model = "bl460c-gen8"

// usual is what most of the real servers of the samples are made of. All servers of a fleet are made of that: they are to
// differ by what was ordered, and by nothing else.
func usual() (hardware.Facts, error) {
	samples, err := sample.All()
	if err != nil {
		return hardware.Facts{}, err
	}
	count := map[string]int{}
	var best hardware.Facts
	most := 0
	for _, s := range samples {
		f := s.Facts
		if len(f.NICs) < nics || len(f.Disks) == 0 || len(f.CPUs) == 0 {
			continue
		}
		var like strings.Builder
		for _, d := range f.Memory.DIMMs {
			fmt.Fprint(&like, d.Locator, d.SizeBytes, d.PartNumber, ";")
		}
		fmt.Fprint(&like, len(f.Disks), len(f.NICs), f.CPUs[0].Model, f.Firmware.Version)
		if count[like.String()]++; count[like.String()] > most {
			most, best = count[like.String()], f
		}
	}
	if most == 0 {
		return best, errors.New("no sample is a whole server")
	}
	return best, nil
}

// Facts is what an agent sees of a server, without neighbours: they are heard, see Heard.
func (f *Fleet) Facts(i int) hardware.Facts {
	s, out := &f.Servers[i], f.base
	out.System.Serial, out.System.UUID = s.Serial, s.UUID
	out.Kernel = "simulated"
	out.Firmware.Mode = "uefi" // the real ones booted by BIOS, which does not boot by HTTP
	out.CPUs = slices.Clone(out.CPUs)
	for n := range out.CPUs {
		out.CPUs[n].Flags = []string{"vmx"} // the samples tell none, and these processors have it
	}
	out.Memory.DIMMs = slices.Clone(out.Memory.DIMMs)
	for n := range out.Memory.DIMMs {
		if d := &out.Memory.DIMMs[n]; d.SizeBytes > 0 {
			d.Serial = fmt.Sprintf("%s%02d", s.Serial, n)
		}
	}
	out.Disks = slices.Clone(out.Disks)
	for n := range out.Disks {
		d := &out.Disks[n]
		d.Serial = fmt.Sprintf("%sD%d", s.Serial, n)
		d.WWN = fmt.Sprintf("0x5000c5%02x%06x%02x", f.Seed&0xff, i, n)
		d.Transport, d.Rotational = "sas", true
	}
	out.NICs = slices.Clone(out.NICs[:nics])
	for n := range out.NICs {
		nic := &out.NICs[n]
		nic.Name, nic.MAC, nic.Link, nic.SpeedMbps = s.Cables[n].NIC, s.MACs[n], true, 10000
		nic.Boot, nic.Addresses = false, nil
	}
	out.BMC = &hardware.BMC{Address: s.BMC.String(), MAC: s.BMCMAC, Source: "static", Channel: 1, Vendor: "Socle", Version: "simulated"}
	f.spoil(s, &out)
	return out
}

// oldBIOS is before the version of all samples.
const oldBIOS, oldBIOSDate = "I27", "11/14/2012"

// spoil does to the facts what the oddity says.
func (f *Fleet) spoil(s *Server, facts *hardware.Facts) {
	switch r := f.chance(s.Index, "facts"); s.Odd {
	case MissingDIMM:
		n := pick(r.IntN, facts.Memory.DIMMs, func(d hardware.DIMM) bool { return d.SizeBytes > 0 })
		facts.Memory.TotalBytes -= facts.Memory.DIMMs[n].SizeBytes
		facts.Memory.DIMMs[n] = hardware.DIMM{Locator: facts.Memory.DIMMs[n].Locator}
	case MovedDIMM:
		from := pick(r.IntN, facts.Memory.DIMMs, func(d hardware.DIMM) bool { return d.SizeBytes > 0 })
		to := pick(r.IntN, facts.Memory.DIMMs, func(d hardware.DIMM) bool { return d.SizeBytes == 0 })
		a, b := &facts.Memory.DIMMs[from], &facts.Memory.DIMMs[to]
		*a, *b = *b, *a
		a.Locator, b.Locator = b.Locator, a.Locator
	case MissingDisk:
		facts.Disks = facts.Disks[:len(facts.Disks)-1]
	case WrongFirmware:
		facts.Firmware.Version, facts.Firmware.Date = oldBIOS, oldBIOSDate
	}
}

// pick chooses the place of an element that fits; 0 when none does.
func pick[T any](chance func(int) int, all []T, fits func(T) bool) int {
	var places []int
	for i, v := range all {
		if fits(v) {
			places = append(places, i)
		}
	}
	if len(places) == 0 {
		return 0
	}
	return places[chance(len(places))]
}

// never is how long a switch is remembered that speaks once only, in seconds: the longest time that LLDP can say.
const never = 65535

// Heard is what the switch says on an interface of a server.
func (f *Fleet) Heard(i int, nic string) (hardware.Neighbor, bool) {
	s := &f.Servers[i]
	for n, c := range s.Cables {
		if c.NIC != nic {
			continue
		}
		if s.with >= 0 && n == 1 {
			c = f.Servers[s.with].Cables[n]
		}
		return hardware.Neighbor{ChassisID: c.MAC, PortID: c.Port, PortDesc: c.Port, SystemName: c.Switch, TTL: never}, true
	}
	return hardware.Neighbor{}, false
}
