package verdict

import (
	"time"

	"socle/inventory"
)

// firmwareTime is what a server may need from its power to its first packet: large ones test their memory
// for minutes.
const firmwareTime = 5 * time.Minute

// powerRules are about machines that say nothing.
var powerRules = []Rule{
	{
		ID: "silent", Title: "nothing was heard since the power was given", Seen: "power by BMC, and no packet of the machine",
		Check:      "the cable and the VLAN of the boot card (link lights), network boot in the firmware's setup, the boot order, and the console: it may hang in its self-test; and whether the server's log says `DHCP serves` for that network's interface",
		Confidence: Possible, Standing: Stuck, After: firmwareTime, find: silent},
	{
		ID: "never-seen", Title: "nothing was ever heard of it", Seen: "no evidence, and no power-on by Socle",
		Check:      "switch it on with network boot, or name its BMC in the manifest; the MACs in the manifest must be those of its cards",
		Confidence: Certain, Standing: Absent, find: neverSeen},
	{
		ID: "unclear", Title: "no rule fits", Seen: "anything else", Check: "the evidence, and the console",
		Confidence: Possible, Standing: Stuck, After: time.Minute, find: unclear},
}

func silent(t *trace) *finding {
	on := t.last(is{kind: inventory.SawPowerOn})
	if on < 0 || t.heard(on) {
		return nil
	}
	f := found([]int{on}, "The power was given at %s, and the machine has sent nothing since: no DHCP request was seen.", clock(t.lines[on]))
	if t.Machine.ByMedium() {
		f.check = "the console: whether the firmware boots the virtual CD, and whether the ramdisk has a link and the right address"
		return f
	}
	for _, e := range t.earlier {
		if rank(e) == 1 || rank(e) == 3 {
			f.check = "it has asked from " + e.MAC + " before, so what changed: the cable, the switch port, the boot order; and the console, for a hanging self-test"
		}
	}
	return f
}

func neverSeen(t *trace) *finding {
	if len(t.lines) > 0 {
		return nil
	}
	return found(nil, "Nothing was heard of this machine, and Socle has not switched it on.")
}

func unclear(t *trace) *finding {
	i := len(t.lines) - 1
	return found([]int{i}, "The last that was seen: %s", tell(t.lines[i]))
}
