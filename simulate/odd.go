package simulate

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Oddity is something that is wrong with a server.
type Oddity string

// The oddities.
const (
	None          Oddity = ""
	MissingDIMM   Oddity = "missing-dimm"
	MovedDIMM     Oddity = "moved-dimm"
	MissingDisk   Oddity = "missing-disk"
	SlowDisk      Oddity = "slow-disk"
	SwappedCables Oddity = "swapped-cables"
	WrongFirmware Oddity = "wrong-firmware"
	NeverAppears  Oddity = "never-appears"
	BMCHangs      Oddity = "bmc-hangs"
	NoNetworkBoot Oddity = "no-network-boot"
	AgentDies     Oddity = "agent-dies"
	DuplicateUUID Oddity = "duplicate-uuid"
)

// meanings say in words what is wrong with a server that has the oddity, as somebody finds it who looks.
var meanings = map[Oddity]string{
	MissingDIMM:   "one memory module is not there",
	MovedDIMM:     "one memory module is in another slot",
	MissingDisk:   "one disk is not there",
	SlowDisk:      "the disks are slow: an image is written at 5 MB/s",
	SwappedCables: "the cables of port 2 are swapped with the server above it",
	WrongFirmware: "the BIOS is of an older version",
	NeverAppears:  "it is in the manifest and was not delivered",
	BMCHangs:      "the BMC takes connections and never answers",
	NoNetworkBoot: "it switches on and does not boot from the network",
	AgentDies:     "the agent of the first boot falls silent after its first word",
	DuplicateUUID: "it has the system UUID of the first server",
}

// Oddities are all that there are, by name.
func Oddities() []Oddity { return slices.Sorted(maps.Keys(meanings)) }

// Meaning says in words what is wrong.
func (o Oddity) Meaning() string { return meanings[o] }

// ParseOddities reads "missing-dimm=3,slow-disk=1": how many servers have which.
func ParseOddities(text string) (map[Oddity]int, error) {
	all := map[Oddity]int{}
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		name, number, counted := strings.Cut(part, "=")
		n := 1
		if counted {
			var err error
			if n, err = strconv.Atoi(number); err != nil || n < 0 {
				return nil, fmt.Errorf("oddity %q: %q is no number of servers", name, number)
			}
		}
		if meanings[Oddity(name)] == "" {
			return nil, fmt.Errorf("oddity %q is not known: use some of %v", name, Oddities())
		}
		all[Oddity(name)] += n
	}
	return all, nil
}
