package cabling

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"socle/hardware"
	"socle/inventory"
)

// controllers are the names under which plans have the port of the management controller. No switch is heard there from
// inside the server; some controllers tell what they hear themselves.
var controllers = []string{"bmc", "ilo", "idrac", "imc", "cimc", "xcc", "imm", "irmc", "ipmi", "oob"}

// IsController tells whether a port of a plan is the management controller's own.
func IsController(port string) bool {
	return slices.Contains(controllers, strings.ToLower(strings.TrimSpace(port)))
}

var (
	// numbered is the n-th port of the server: "2", "port 2", "NIC 2", "p2".
	numbered = regexp.MustCompile(`^(?:port|nic|lan|p)?[ #_-]?0*([1-9][0-9]{0,2})$`)
	// ofAdapter is the n-th port of the m-th adapter: "nic1.2", "NIC 1/2", "slot 1 port 2".
	ofAdapter = regexp.MustCompile(`^(?:nic|slot|adapter)[ #_-]?([1-9][0-9]?)(?:[./-]|[ _]?port[ _]?)([1-9][0-9]?)$`)
	// byPath is systemd's name of a PCI function: "enp59s0f1", "enP2p1s0np0".
	byPath = regexp.MustCompile(`^en(?:p([0-9]+))?p([0-9]+)s([0-9]+)(?:f([0-7]))?(?:np([0-9]+))?$`)
)

// Resolve finds the interface that a plan means by a server's port, -1 for none: by the kernel's name in the ramdisk
// ("eth0"), the MAC address, the PCI address ("3b:00.1"), systemd's name by PCI address ("enp59s0f1"), the number in the
// order of the PCI addresses ("2", "port 2", "NIC 2"), or that of the adapter and its port ("nic1.2").
func Resolve(port string, nics []hardware.NIC) int {
	want := strings.ToLower(strings.TrimSpace(port))
	if mac := inventory.NormalizeMAC(want); mac != "" {
		return slices.IndexFunc(nics, func(n hardware.NIC) bool { return inventory.NormalizeMAC(n.MAC) == mac })
	}
	if i := slices.IndexFunc(nics, func(n hardware.NIC) bool { return strings.ToLower(n.Name) == want }); i >= 0 {
		return i
	}
	if at, ok := pciOf(want); ok {
		return slices.IndexFunc(nics, func(n hardware.NIC) bool { own, ok := pciOf(n.PCI); return ok && own == at })
	}
	order := byPCI(nics)
	if m := numbered.FindStringSubmatch(want); m != nil {
		if n, _ := strconv.Atoi(m[1]); n <= len(order) {
			return order[n-1]
		}
		return -1
	}
	if m := ofAdapter.FindStringSubmatch(want); m != nil {
		adapter, _ := strconv.Atoi(m[1])
		at, _ := strconv.Atoi(m[2])
		return adapterPort(nics, order, adapter, at)
	}
	return -1
}

// pci is an address on the bus, as numbers.
type pci struct{ domain, bus, device, function uint64 }

var pciPattern = regexp.MustCompile(`^(?:pci[ :]?)?(?:([0-9a-f]{4,8}):)?([0-9a-f]{2}):([0-9a-f]{2})\.([0-7])$`)

func pciOf(text string) (pci, bool) {
	base := 16
	m := pciPattern.FindStringSubmatch(text)
	if m == nil {
		base = 10
		if m = byPath.FindStringSubmatch(text); m == nil {
			return pci{}, false
		}
	}
	var v [4]uint64
	for i := range v {
		v[i], _ = strconv.ParseUint(cmp.Or(m[i+1], "0"), base, 64) // the pattern lets only numbers pass
	}
	return pci{v[0], v[1], v[2], v[3]}, true
}

// byPCI orders interfaces by their PCI addresses, those of one function and those without by their names.
func byPCI(nics []hardware.NIC) []int {
	order := make([]int, len(nics))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		x, okX := pciOf(nics[a].PCI)
		y, okY := pciOf(nics[b].PCI)
		if okX != okY {
			return map[bool]int{true: -1, false: 1}[okX]
		}
		return cmp.Or(cmp.Compare(x.domain, y.domain), cmp.Compare(x.bus, y.bus), cmp.Compare(x.device, y.device),
			cmp.Compare(x.function, y.function), natural(nics[a].Name, nics[b].Name))
	})
	return order
}

// adapterPort is a port of an adapter, both counted from 1 in the order of the bus; -1 for none.
func adapterPort(nics []hardware.NIC, order []int, adapter, port int) int {
	last := pci{}
	adapters, ports := 0, 0
	for _, i := range order {
		at, ok := pciOf(nics[i].PCI)
		at.function = 0
		if !ok {
			return -1
		}
		if adapters == 0 || at != last {
			adapters, ports, last = adapters+1, 0, at
		}
		if ports++; adapters == adapter && ports == port {
			return i
		}
	}
	return -1
}

// nicWords is an interface in words.
func nicWords(n hardware.NIC) string { return fmt.Sprintf("%s (%s)", n.Name, n.MAC) }
