package verdict

import (
	"slices"
	"time"

	"socle/inventory"
)

// dhcpRules are about the first packets.
var dhcpRules = []Rule{
	{
		ID: "address-conflict", Title: "somebody else uses its address", Seen: "the client declined the address, and has none since",
		Check:      "who answers ARP for that address (`ip neigh`, `arping -D`): a host with a fixed address inside the pool; take it out of the pool or give the host another one",
		Confidence: Certain, Standing: Stuck, find: conflict},
	{
		ID: "other-server", Title: "another DHCP server won", Seen: "a REQUEST that names another server",
		Check:      "stop that server, or take this network away from it; `socle probe dhcp -i IFACE` shows what it offers",
		Confidence: Certain, Standing: Stuck, find: otherServer},
	{
		ID: "lease-not-stored", Title: "its lease could not be stored", Seen: "no ACK, because the database did not take the lease",
		Check: "the database: the server's log has its error", Confidence: Certain, Standing: Stuck, find: dhcpOutcome(inventory.OutUnstored, "It asked for its address at %s and got no ACK, because the lease could not be stored.")},
	{
		ID: "not-sent", Title: "the answer could not be sent", Seen: "the system refused to send the DHCP answer",
		Check: "the line has the error: the interface is down, or a firewall of this host refuses", Confidence: Certain, Standing: Stuck, find: dhcpOutcome(inventory.OutNotSent, "The answer to its question of %s could not be sent.")},
	{
		ID: "relay-no-port", Title: "the relay does not say on which port it is (option 82)", Seen: "by relay without option 82, though that relay sent it before, or the answer depends on it",
		Check:      "option 82 in the relay's settings (information option, trust of the port): without it neither reservations by port nor the right subnet can be found",
		Confidence: Likely, Standing: Stuck, find: relayNoPort},
	{
		ID: "no-subnet", Title: "nothing is configured where it asks", Seen: "no answer: no subnet for that relay or interface",
		Check:      "`subnets` in the configuration: the relay's address must lie in the prefix of one of them; or the machine hangs in the wrong VLAN",
		Confidence: Certain, Standing: Stuck, find: noSubnet},
	{
		ID: "not-served", Title: "its subnet is not for it", Seen: "no answer: the subnet is off, or serves reservations only, or no pool matches the client",
		Check:      "the subnet's `mode`, the `match` rules of its `pools` and its `reservations` (docs/dhcp.md) against the MAC and the class of the machine",
		Confidence: Certain, Standing: Stuck, find: dhcpOutcome(inventory.OutNotServed, "Its question of %s was not answered: its subnet is not configured for it.")},
	{
		ID: "no-address", Title: "no address is free", Seen: "no answer: the pool is empty",
		Check: "enlarge the pool or shorten `lease_time`", Confidence: Certain, Standing: Stuck, find: dhcpOutcome(inventory.OutNoAddress, "It asked for an address at %s, and the subnet has none free.")},
	{
		ID: "address-refused", Title: "the address that it wants is refused again and again", Seen: "two NAKs or more that it heard, and no ACK",
		Check: "the server's words above; firmware that names its class only when it looks for a server does this where pools are told apart by class, and so do two servers on one network that do not know each other's leases", Confidence: Likely, Standing: Stuck, find: refusedAddress},
	{
		ID: "too-many", Title: "it asks more often than is answered", Seen: "its questions met a limit, and it has no ACK since",
		Check: "what floods: a loop in the network (each packet comes many times), a program on the machine that asks without a pause, or another device with its MAC; `socle_dhcp_dropped_total` in the metrics counts on", Confidence: Certain, Standing: Stuck, After: time.Minute, find: tooMany},
	{
		ID: "no-loader", Title: "there is no loader for its kind of firmware", Seen: "an offer without a boot file to firmware that wants one",
		Check:      "the table of firmwares in docs/boot.md; 32-bit UEFI has none",
		Confidence: Certain, Standing: Stuck, find: noLoader},
	{
		ID: "told-disk", Title: "it was told to boot its disk", Seen: "an offer without a boot file, since the machine is to boot its disk",
		Check: "nothing, if that is wanted; else order what is wanted (`socle deploy`, `socle inspect`)", Confidence: Certain, Standing: Boots, find: toldDisk},
	{
		ID: "wrong-nic", Title: "it asks with another network card than it should", Seen: "another MAC than in the boots that reached the agent, or two cards in turn",
		Check:      "network boot in the firmware's setup: on for the card on the provisioning network and off for the others; and whether the cables are swapped",
		Confidence: Likely, Standing: Stuck, After: 30 * time.Second, find: wrongNIC},
	{
		ID: "answers-lost", Title: "it does not hear the answers", Seen: "it was offered an address, and looked for a server again",
		Check:      "the way back: a relay that drops answers, DHCP snooping on an untrusted port, a firewall; capture on the switch port of the machine",
		Confidence: Likely, Standing: Stuck, After: 40 * time.Second, find: answersLost},
	{
		ID: "offer-waits", Title: "it was offered an address and has not taken it", Seen: "one offer, and nothing since",
		Check: "wait; when nothing comes, the offer did not please it (no boot file, another server) or did not arrive", Confidence: Possible, Standing: Stuck, After: 40 * time.Second, find: offerWaits},
	{
		ID: "dhcp-silent", Title: "its question was not answered", Seen: "no answer, for another reason, which the line has",
		Check: "the server's words above: an interface without an IPv4 address has to be given one; a client that insists on an address of another server looks for a new one by itself after a while", Confidence: Certain, Standing: Stuck, find: dhcpOutcome(inventory.OutSilent, "Its question of %s was not answered.")},
}

// lastDHCP is the last DHCP question of the machine's firmware, loader or whoever, or -1.
func lastDHCP(t *trace) int {
	for i, e := range slices.Backward(t.lines) {
		if dhcpAsk(e) {
			return i
		}
	}
	return -1
}

// dhcpOutcome finds a last question with an outcome; the words take its time.
func dhcpOutcome(o inventory.Outcome, words string) func(*trace) *finding {
	return func(t *trace) *finding {
		i := lastDHCP(t)
		if i < 0 || t.lines[i].Outcome != o {
			return nil
		}
		f := found([]int{i}, words, clock(t.lines[i]))
		f.what += " The server's words: " + reason(t.lines[i]) + "."
		return f
	}
}

func conflict(t *trace) *finding {
	i := t.last(is{kind: inventory.SawDecline})
	if i < 0 || !t.none(i, is{kind: inventory.SawRequest, outcomes: out(inventory.OutAcked)}) {
		return nil
	}
	return found([]int{i}, "It got %s, found that somebody else uses it, and gave it back at %s.", orThat(t.lines[i]), clock(t.lines[i]))
}

func otherServer(t *trace) *finding {
	i := t.last(is{kind: inventory.SawRequest, outcomes: out(inventory.OutElsewhere)})
	if i < 0 || !t.none(i, is{kind: inventory.SawRequest, outcomes: out(inventory.OutAcked)}) {
		return nil
	}
	e, support := t.lines[i], []int{i}
	for j, f := range t.lines {
		if f.Kind == inventory.SawForeign && f.Peer == e.Peer && e.PeerMAC == "" {
			e.PeerMAC, support = f.PeerMAC, []int{j, i}
		}
	}
	return found(support, "It took the offer of another DHCP server, %s, and not ours.", peer(e))
}

func relayNoPort(t *trace) *finding {
	i := lastDHCP(t)
	if i < 0 || !t.lines[i].Relay.IsValid() || t.lines[i].Port != "" || t.lines[i].Outcome == inventory.OutAcked {
		return nil
	}
	relay := t.lines[i].Relay
	for j, e := range slices.Concat(t.earlier, t.lines[:i]) {
		if e.Relay == relay && e.Port != "" {
			support := []int{i}
			if k := j - len(t.earlier); k >= 0 {
				support = []int{k, i}
			}
			return found(support, "Relay %s passed its question on without option 82; before, it named port %s.", relay, e.Port)
		}
	}
	return nil
}

func noSubnet(t *trace) *finding {
	i := lastDHCP(t)
	if i < 0 || t.lines[i].Outcome != inventory.OutNoSubnet {
		return nil
	}
	if e := t.lines[i]; e.Relay.IsValid() {
		return found([]int{i}, "It asks through relay %s, and no configured subnet has that address in its prefix.", e.Relay)
	}
	return found([]int{i}, "It asks on interface %s, on which no subnet is configured.", t.lines[i].Iface)
}

// tooMany: a line is made of one in many that are dropped, and of some that are answered.
func tooMany(t *trace) *finding {
	i := t.last(is{outcomes: out(inventory.OutLimited)})
	if i < 0 || !dhcpAsk(t.lines[i]) || !t.none(i, is{kind: inventory.SawRequest, outcomes: out(inventory.OutAcked)}) {
		return nil
	}
	return found([]int{i}, "It asks so often that not all of its questions are answered, at %s for example. The server's words: %s.", clock(t.lines[i]), reason(t.lines[i]))
}

func refusedAddress(t *trace) *finding {
	var n []int
	for _, i := range t.all(0, is{kind: inventory.SawRequest, outcomes: out(inventory.OutNaked)}) {
		if next := slices.IndexFunc(t.lines[i+1:], dhcpAsk); next < 0 || t.lines[i+1+next].Kind == inventory.SawDiscover {
			n = append(n, i) // who asks for the same again has not heard the NAK
		}
	}
	if len(n) < 2 || !t.none(n[len(n)-1], is{kind: inventory.SawRequest, outcomes: out(inventory.OutAcked)}) {
		return nil
	}
	return found(n, "It was refused the address that it asked for, %s. The server's words: %s.", inventory.Plural(len(n), "time"), reason(t.lines[n[len(n)-1]]))
}

func noLoader(t *trace) *finding {
	i := t.last(is{stage: inventory.StageFirmware, outcomes: out(inventory.OutNoFile)})
	if i < 0 || t.Machine.Boot == inventory.BootDisk || i != t.last(is{stage: inventory.StageFirmware}) {
		return nil
	}
	return found([]int{i}, "The firmware (%s) wants to boot from the network, and was given no boot file. The server's words: %s.", firmware(t.lines[i]), inBrackets(t.lines[i].Reply))
}

func toldDisk(t *trace) *finding {
	i := t.last(is{stage: inventory.StageFirmware, outcomes: out(inventory.OutNoFile)})
	if i < 0 || t.Machine.Boot != inventory.BootDisk {
		return nil
	}
	return found([]int{i}, "Its firmware asked at %s and was told no boot file, so that it boots its own disk, as it is to.", clock(t.lines[i]))
}

func wrongNIC(t *trace) *finding {
	asks := t.all(0, is{kind: inventory.SawDiscover})
	if len(asks) == 0 {
		return nil
	}
	var macs []string
	for _, i := range asks {
		if m := t.lines[i].MAC; m != "" && !slices.Contains(macs, m) {
			macs = append(macs, m)
		}
	}
	before := ""
	for _, e := range t.earlier {
		if (e.Kind == inventory.SawScript || e.Client == inventory.StageAgent) && e.MAC != "" {
			before = e.MAC
		}
	}
	switch {
	case before != "" && len(macs) > 0 && !slices.Contains(macs, before):
		return found(asks, "It asks with the card %s; the boot that reached its script used %s.", macs[0], before)
	case len(macs) > 1:
		return found(asks, "Two of its cards ask in turn, %s and %s, and neither gets on.", macs[0], macs[1])
	default:
		return nil
	}
}

func answersLost(t *trace) *finding {
	offers := t.all(0, is{kind: inventory.SawDiscover, outcomes: out(inventory.OutOffered, inventory.OutNoFile)})
	if len(offers) < 2 || t.last(is{kind: inventory.SawRequest}) > offers[0] {
		return nil
	}
	return found(offers, "It was offered an address %d times and looked for a server again each time: the answers do not reach it.", len(offers))
}

func offerWaits(t *trace) *finding {
	i := t.last(is{kind: inventory.SawDiscover, outcomes: out(inventory.OutOffered, inventory.OutNoFile)})
	if i < 0 || t.last(is{kind: inventory.SawRequest}) > i {
		return nil
	}
	return found([]int{i}, "It was offered %s at %s and has not asked for it.", orThat(t.lines[i]), clock(t.lines[i]))
}
