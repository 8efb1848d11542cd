package verdict

import (
	"time"

	"socle/inventory"
)

// agentRules are about the ramdisk once it runs, and about systems that run instead of it.
var agentRules = []Rule{
	{
		ID: "power-off", Title: "the machine is switched off", Seen: "the last word of its BMC is “off”, and nothing was heard since",
		Check: "order it on (`socle power on MACHINE`)", Confidence: Certain, Standing: Absent, find: isOff,
	},
	{
		ID: "agent-refused", Title: "the agent runs and is not let in", Seen: "the agent asked for a session and was refused",
		Check:      "read the reason: a boot token holds 30 minutes and for one boot (boot it again); a serial that differs means that another server was meant",
		Confidence: Certain, Standing: Stuck, find: agentRefused,
	},
	{
		ID: "agent-speaks", Title: "it boots: the agent speaks", Seen: "the agent was let in after the last power-on",
		Check: "nothing; what it does now is in the machine's history", Confidence: Certain, Standing: Boots, find: agentSpeaks,
	},
	{
		ID: "system-up", Title: "it boots: its own system runs", Seen: "the deployed system called, or asks for its address, and the machine is to boot its disk",
		Check: "nothing", Confidence: Certain, Standing: Boots, find: systemUp,
	},
	{
		ID: "agent-no-lease", Title: "the agent runs and gets no address", Seen: "the ramdisk asks DHCP and gets no ACK",
		Check:      "the firmware's DHCP worked on this link and the ramdisk's does not: see why the line says that it got no answer; else look for a switch port that blocks after the link goes down and up (spanning tree without portfast), and at the console",
		Confidence: Likely, Standing: Stuck, After: 40 * time.Second, find: agentNoLease,
	},
	{
		ID: "agent-distrusts", Title: "the agent does not trust the server's certificate", Seen: "the agent broke off the TLS handshake with the API",
		Check:      "that the API's address (`agent.url`) is Socle itself, not a proxy or another server with a certificate of its own; and boot it again, if the data directory of Socle, with its authority, was made anew since this boot began",
		Confidence: Certain, Standing: Stuck, find: agentDistrusts,
	},
	{
		ID: "agent-mute", Title: "the agent has an address and does not reach the API", Seen: "the ramdisk's DHCP ended with an ACK, and no session was opened",
		Check:      "from the machine's network, `curl -k` the address in `socle.server` (the boot script names it): a firewall, a missing route or gateway, or a wrong `agent.url` is in between; the console says which error the agent sees",
		Confidence: Likely, Standing: Stuck, After: 60 * time.Second, find: agentMute,
	},
	{
		ID: "disk-instead", Title: "it booted its disk although the network was ordered", Seen: "an installed system asks for its address, and no ramdisk was fetched since the power-on",
		Check:      "the boot order: the BMC's setting did not hold (read it back with `socle power status`, look in the firmware's setup), or network boot failed before it could ask and the firmware went on to its disk",
		Confidence: Likely, Standing: Stuck, find: diskInstead,
	},
}

func isOff(t *trace) *finding {
	off := t.last(is{kind: inventory.SawPowerOff})
	if off >= 0 && t.none(off, is{kind: inventory.SawPowerOn}) && !t.heard(off) {
		return found([]int{off}, "The power was taken away at %s and not given again.", clock(t.lines[off]))
	}
	if t.Machine.Power == inventory.PowerOff && (len(t.lines) == 0 || t.Machine.PowerAt.After(t.lines[len(t.lines)-1].Time)) {
		return found(nil, "The BMC said at %s that the machine is off.", t.Machine.PowerAt.Format(time.TimeOnly))
	}
	return nil
}

func clock(e inventory.Evidence) string { return e.Time.Format(time.TimeOnly) }

func agentRefused(t *trace) *finding {
	i := t.last(is{kind: inventory.SawSession})
	if i < 0 || t.lines[i].Outcome == inventory.OutDone || t.lines[i].Outcome == inventory.OutDistrusted {
		return nil
	}
	return found([]int{i}, "The agent runs, and Socle did not let it in: %s.", t.lines[i].Reply)
}

func agentSpeaks(t *trace) *finding {
	i := t.last(is{kind: inventory.SawSession, outcomes: out(inventory.OutDone)})
	if i < 0 {
		if i = t.last(is{kind: inventory.SawFacts}); i < 0 {
			return nil
		}
	}
	return found([]int{i}, "The agent spoke at %s.", clock(t.lines[i]))
}

func systemUp(t *trace) *finding {
	if i := t.last(is{kind: inventory.SawCall}); i >= 0 {
		return found([]int{i}, "The deployed system called at %s.", clock(t.lines[i]))
	}
	i := t.last(is{stage: inventory.StageSystem, outcomes: out(inventory.OutAcked)})
	if i < 0 || t.Machine.Boot != inventory.BootDisk {
		return nil
	}
	return found([]int{i}, "An installed system has got its address at %s, and the machine is to boot its disk.", clock(t.lines[i]))
}

func agentNoLease(t *trace) *finding {
	asks := t.all(0, is{stage: inventory.StageAgent})
	if len(asks) == 0 || t.last(is{stage: inventory.StageAgent, outcomes: out(inventory.OutAcked)}) >= 0 {
		return nil
	}
	last := t.lines[asks[len(asks)-1]]
	return found(asks, "The ramdisk runs and asks for an address without getting one (%s); the last answer: %s.", inventory.Plural(len(asks), "time"), answered(last))
}

func agentDistrusts(t *trace) *finding {
	i := t.last(is{kind: inventory.SawSession, outcomes: out(inventory.OutDistrusted)})
	if i < 0 || t.last(is{stage: inventory.StageAgent, outcomes: out(inventory.OutAcked)}) < 0 {
		return nil // without a ramdisk it was somebody else on that machine
	}
	return found([]int{i}, "The agent reached the API and refused its certificate: %s.", t.lines[i].Reply)
}

func agentMute(t *trace) *finding {
	i := t.last(is{stage: inventory.StageAgent, outcomes: out(inventory.OutAcked)})
	if i < 0 {
		return nil
	}
	return found([]int{i}, "The ramdisk runs and has the address %s since %s, and the agent has not reached the API.", orThat(t.lines[i]), clock(t.lines[i]))
}

func diskInstead(t *trace) *finding {
	i := max(t.last(is{kind: inventory.SawDiscover, stage: inventory.StageSystem}), t.last(is{kind: inventory.SawRequest, stage: inventory.StageSystem}))
	if i < 0 || !t.wantsNetwork() || t.last(is{file: isKernel}) >= 0 {
		return nil
	}
	what := "and its firmware did not ask for a network boot before"
	support := []int{i}
	if f := t.last(is{stage: inventory.StageFirmware}); f >= 0 {
		what, support = "after its firmware had tried the network", []int{f, i}
	}
	return found(support, "An installed system is up (it asked for its address at %s), although the machine was to boot the %s, %s.",
		clock(t.lines[i]), t.Machine.Boot, what)
}
