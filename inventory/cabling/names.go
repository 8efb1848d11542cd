package cabling

import (
	"cmp"
	"net/netip"
	"strconv"
	"strings"

	"socle/hardware"
	"socle/inventory"
)

// families are the words before a port's numbers, as vendors write them long and short. Words of one vendor that mean one
// kind of port have one family; a word that is not here is its own. docs/cabling.md says which were seen and which read of.
var families = map[string]string{
	// Cisco NX-OS and IOS, Arista EOS, Dell OS10, NVIDIA Onyx, SONiC
	"ethernet": "eth", "eth": "eth", "et": "eth", "e": "eth",
	// Cisco IOS and IOS XE, Dell OS9, Comware's and VRP's long names
	"fastethernet": "fa", "fasteth": "fa", "fa": "fa",
	"gigabitethernet": "ge", "gigabiteth": "ge", "gigeth": "ge", "gig": "ge", "gi": "ge", "ge": "ge",
	"twogigabitethernet": "tw", "tw": "tw",
	"fivegigabitethernet": "fi", "fi": "fi",
	"tengigabitethernet": "te", "tengige": "te", "tengigabiteth": "te", "tengig": "te", "ten": "te", "te": "te",
	"twentyfivegige": "twe", "twentyfivegigabitethernet": "twe", "twe": "twe", "tf": "twe",
	"fortygigabitethernet": "fo", "fortygige": "fo", "fo": "fo",
	"fiftygige": "fif", "fif": "fif",
	"hundredgige": "hu", "hundredgigabitethernet": "hu", "hundredgigabiteth": "hu", "hu": "hu",
	"twohundredgige": "2h", "fourhundredgige": "4h", "fourhundredgigabitethernet": "4h", "fh": "4h",
	"management": "mgmt", "mgmteth": "mgmt", "mgmt": "mgmt", "ma": "mgmt", "managementethernet": "mgmt",
	// HPE Comware
	"ten-gigabitethernet": "te", "xge": "te", "twenty-fivegige": "twe", "wge": "twe", "fge": "fo", "hge": "hu",
	// Huawei VRP
	"xgigabitethernet": "te", "10ge": "te", "25ge": "twe", "40ge": "fo", "100ge": "hu", "400ge": "4h",
	// plain words before a number
	"": "", "port": "", "interface": "", "if": "",
}

// junos are the words that Junos puts before FPC/PIC/port: they follow the optic and its speed, so the numbers alone say
// which port it is.
var junos = map[string]bool{"fe": true, "ge": true, "xe": true, "et": true, "mge": true, "xle": true}

// portName is a port's name taken apart.
type portName struct {
	family  string
	numbers string // with leading zeros taken off
	known   bool   // the family is one of families or of Junos
}

// key is equal for names of the same port.
func (p portName) key() string { return p.family + " " + p.numbers }

// bare tells whether there are numbers only.
func (p portName) bare() bool { return p.known && p.family == "" }

// PortKey is equal for two ways of writing the same port of a switch, as far as they have the same words; see SamePort.
func PortKey(name string) string { return parsePort(name).key() }

func parsePort(name string) portName {
	s := strings.ToLower(strings.Join(strings.Fields(name), ""))
	if rest, ok := strings.CutPrefix(s, "bridge"); ok { // RouterOS: "bridge1/ether2"
		if _, port, found := strings.Cut(rest, "/"); found {
			s = port
		}
	}
	cut := strings.LastIndexFunc(s, func(r rune) bool { return !strings.ContainsRune("0123456789/:.-", r) }) + 1
	for cut < len(s) && (s[cut] < '0' || s[cut] > '9') {
		cut++ // separators between word and numbers
	}
	word, numbers := s[:cut], s[cut:]
	if numbers == "" {
		return portName{family: s}
	}
	bareWord := strings.TrimRight(word, "-/.:_#")
	if junos[bareWord] && strings.HasSuffix(word, "-") && strings.Count(numbers, "/") == 2 {
		numbers, _, _ = strings.Cut(numbers, ".") // the logical unit
		return portName{family: "junos", numbers: trimZeros(numbers), known: true}
	}
	if f, ok := families[bareWord]; ok {
		return portName{family: f, numbers: trimZeros(numbers), known: true}
	}
	return portName{family: bareWord, numbers: trimZeros(numbers)}
}

// trimZeros takes leading zeros off each number.
func trimZeros(s string) string {
	isDigit := func(i int) bool { return i >= 0 && i < len(s) && s[i] >= '0' && s[i] <= '9' }
	var b strings.Builder
	leading := true
	for i := range len(s) {
		leading = isDigit(i) && (leading && i > 0 && s[i-1] == '0' || !isDigit(i-1)) // only zeros of this number went before
		if leading && s[i] == '0' && isDigit(i+1) {
			continue
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// SamePort tells whether two names mean one port of a switch. A name of numbers only fits every word before the same
// numbers; a single number fits the last of several when those before it are all 0 or 1, which is the only module and the
// only switch of a stack.
func SamePort(a, b string) bool { return same(parsePort(a), parsePort(b)) }

func same(a, b portName) bool {
	if a.key() == b.key() {
		return true
	}
	if a.numbers == "" || b.numbers == "" || !a.bare() && !b.bare() {
		return false
	}
	if a.numbers == b.numbers {
		return true
	}
	return a.bare() && lastOf(a.numbers, b.numbers) || b.bare() && lastOf(b.numbers, a.numbers)
}

// lastOf tells whether a single number is the last of several that begin with 0 and 1 only.
func lastOf(number, of string) bool {
	if strings.ContainsAny(number, "/:.-") {
		return false
	}
	parts := strings.Split(of, "/")
	for _, p := range parts[:len(parts)-1] {
		if p != "0" && p != "1" {
			return false
		}
	}
	return parts[len(parts)-1] == number
}

// SwitchKey is the name of a switch as it is compared: a MAC address in its usual form, else lower case without a dot at
// the end and without what stands in brackets behind it.
func SwitchKey(name string) string {
	if mac := inventory.NormalizeMAC(name); mac != "" {
		return mac
	}
	name, _, _ = strings.Cut(strings.ToLower(strings.TrimSpace(name)), "(")
	return strings.TrimSuffix(strings.TrimSpace(name), ".")
}

// host is the first label of a host name, and the whole of everything else.
func host(key string) string {
	if _, err := netip.ParseAddr(key); err == nil || inventory.NormalizeMAC(key) != "" {
		return key
	}
	first, _, _ := strings.Cut(key, ".")
	return first
}

// sameSwitch compares keys: a name without a domain fits the same name with any domain.
func sameSwitch(a, b string) bool {
	if a == b {
		return a != ""
	}
	if host(a) != host(b) {
		return false
	}
	return a == host(a) || b == host(b)
}

// SameSwitch tells whether a switch of a plan is the one that was heard, by its name or its chassis.
func SameSwitch(plan string, heard hardware.Neighbor) bool {
	key := SwitchKey(plan)
	return sameSwitch(key, SwitchKey(heard.SystemName)) || sameSwitch(key, SwitchKey(heard.ChassisID))
}

// verdict is what can be said of a planned port and one that was heard.
type verdict int

const (
	different verdict = iota
	equal
	unclear // the switch does not tell its port in a way that could be compared
)

// heardPort tells whether a switch's port is the planned one. Switches send the port's name as its identifier or, when
// that is a MAC address or an index of SNMP, as its description, which is else any text that a person wrote.
func heardPort(plan portName, n hardware.Neighbor) verdict {
	id, desc := parsePort(n.PortID), parsePort(n.PortDesc)
	isMAC := inventory.NormalizeMAC(n.PortID) != ""
	switch {
	case !isMAC && same(plan, id), n.PortDesc != "" && same(plan, desc):
		return equal
	case desc.known && desc.family != "":
		return different
	case isMAC, id.numbers == "":
		return unclear
	case id.bare() && !plan.bare(): // a number may be the port's, or an index of SNMP
		return unclear
	case id.bare() && len(id.numbers) > 3 && !strings.ContainsAny(id.numbers, "/:.-"): // likewise
		return unclear
	}
	return different
}

// Heard is a neighbour as people know it: the switch's name and its port, and whatever else it said of itself.
type Heard struct {
	Switch string `json:"switch"`
	Port   string `json:"port"`
	// Chassis, PortID and PortDesc are as the switch sent them, so that a false alarm can be seen.
	Chassis  string `json:"chassis,omitempty"`
	PortID   string `json:"port_id,omitempty"`
	PortDesc string `json:"port_desc,omitempty"`
}

// String is "leaf-a Ethernet1/7".
func (h Heard) String() string { return strings.TrimSpace(h.Switch + " " + h.Port) }

// hardwareOf is the neighbour that was heard.
func hardwareOf(h *Heard) hardware.Neighbor {
	return hardware.Neighbor{ChassisID: h.Chassis, SystemName: h.Switch, PortID: h.PortID, PortDesc: h.PortDesc}
}

func heard(n hardware.Neighbor) Heard {
	h := Heard{Switch: cmp.Or(n.SystemName, n.ChassisID), Port: n.PortID, Chassis: n.ChassisID, PortID: n.PortID, PortDesc: n.PortDesc}
	id, desc := parsePort(n.PortID), parsePort(n.PortDesc)
	if (inventory.NormalizeMAC(n.PortID) != "" || id.bare()) && desc.known && desc.family != "" {
		h.Port = n.PortDesc
	}
	return h
}

// natural compares texts so that numbers in them go by their value.
func natural(a, b string) int {
	for a != "" && b != "" {
		i, j := digits(a), digits(b)
		if i > 0 && j > 0 {
			x, _ := strconv.ParseUint(a[:i], 10, 64) // an overflow is the largest number, which will do
			y, _ := strconv.ParseUint(b[:j], 10, 64)
			if x != y {
				return cmp.Compare(x, y)
			}
			a, b = a[i:], b[j:]
			continue
		}
		if a[0] != b[0] {
			return cmp.Compare(a[0], b[0])
		}
		a, b = a[1:], b[1:]
	}
	return cmp.Compare(len(a), len(b))
}

// digits counts those at the beginning.
func digits(s string) int {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return i
		}
	}
	return len(s)
}
