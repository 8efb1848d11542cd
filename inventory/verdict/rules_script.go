package verdict

import (
	"time"

	"socle/inventory"
)

// scriptRules are about the loader (iPXE, GRUB) and its scripts.
var scriptRules = []Rule{
	{
		ID: "script-stranger", Title: "its boot script was refused: the address is not its own", Seen: "a script was asked for from an address that is leased to another MAC, or to nobody",
		Check:      "who gave it this address: another DHCP server, or a person in the loader; only addresses that Socle leased get scripts (`socle probe dhcp` finds other servers)",
		Confidence: Certain, Standing: Stuck, find: scriptWith(inventory.OutStranger, "The loader asked for its boot script from %s, an address that Socle did not lease to %s, and was refused.")},
	{
		ID: "script-unavailable", Title: "Socle could not say what it boots", Seen: "the last script was “unavailable”",
		Check:      "the server's log, for the error of the database or of the decision; the machine asks again every 15 s by itself",
		Confidence: Certain, Standing: Stuck, find: scriptWith(inventory.OutUnavailable, "The loader asks what to boot (%s, %s), and Socle cannot say: the database or the decision does not answer.")},
	{
		ID: "script-anonymous", Title: "the loader does not say who it is", Seen: "a script was asked for without a MAC",
		Check:      "what was loaded: an iPXE with a script of its own embedded, or a person at its prompt",
		Confidence: Certain, Standing: Stuck, find: scriptWith(inventory.OutAnonymous, "The loader asked for a script from %s, an address leased to %s, without naming its MAC.")},
	{
		ID: "script-unknown", Title: "the machine is not recognised", Seen: "the last script was “unknown”",
		Check:      "the serial and the MACs in the manifest against what the machine says (the line has them)",
		Confidence: Certain, Standing: Stuck, find: scriptWith(inventory.OutUnknown, "The loader asked what to boot from %s as %s, and Socle does not recognise it.")},
	{
		ID: "script-nothing", Title: "there is nothing to boot for it", Seen: "the last script was “nothing”",
		Check:      "what is wanted of the machine: it is retired, or on hold, or nobody ordered anything (`socle machine show MACHINE`)",
		Confidence: Certain, Standing: Stuck, find: scriptNamed("nothing", "The loader asked what to boot at %s and was told that there is nothing for it.")},
	{
		ID: "script-disk", Title: "its script sent it to its disk, and the disk did not boot", Seen: "the script “disk”, and no sign of an installed system",
		Check:      "the console: the disk has no boot loader, or the firmware tries another disk first",
		Confidence: Possible, Standing: Stuck, After: 3 * time.Minute, find: scriptNamed("disk", "The loader was sent to the local disk at %s, and no system has spoken since.")},
	{
		ID: "no-kernel", Title: "it has its script and fetches nothing", Seen: "the script “ramdisk”, and no file asked for",
		Check:      "the console of the loader, which says what it does not like; an iPXE without HTTP or bzImage support is one cause",
		Confidence: Likely, Standing: Stuck, After: 30 * time.Second, find: scriptNamed("ramdisk", "The loader got its script at %s and has not asked for the kernel.")},
	{
		ID: "start-only", Title: "the loader has the start script and does not ask for its own", Seen: "the start script, and nothing after it",
		Check:      "the console of the loader; an HTTP proxy or a firewall that drops long queries is the usual cause",
		Confidence: Possible, Standing: Stuck, After: 30 * time.Second, find: startOnly},
	{
		ID: "no-script", Title: "the loader runs and does not reach the boot HTTP", Seen: "an ACK to the loader with the script's address, and no request for it",
		Check:      "from the machine's network, `curl` the address that the ACK names: a firewall on that port (`boot.listen`), a wrong `subnets[].server`, or no route back",
		Confidence: Likely, Standing: Stuck, After: 30 * time.Second, find: noScript},
}

// scriptWith finds a last script with an outcome; the words take the client's address and its MAC.
func scriptWith(o inventory.Outcome, words string) func(*trace) *finding {
	return func(t *trace) *finding {
		i := t.last(is{kind: inventory.SawScript})
		if i < 0 || t.lines[i].Outcome != o || beyond(t, i) {
			return nil
		}
		return found([]int{i}, words, t.lines[i].Addr, orNobody(t.lines[i].MAC))
	}
}

func orNobody(mac string) string {
	if mac == "" {
		return "a machine that is not known"
	}
	return mac
}

// scriptNamed finds a last script by its name; the words take its time.
func scriptNamed(name, words string) func(*trace) *finding {
	return func(t *trace) *finding {
		i := t.last(is{kind: inventory.SawScript})
		if i < 0 || t.lines[i].Outcome != inventory.OutServed || t.lines[i].File != name || beyond(t, i) {
			return nil
		}
		return found([]int{i}, words, clock(t.lines[i]))
	}
}

// beyond tells whether the machine came further than its script after line i.
func beyond(t *trace, i int) bool {
	for _, e := range t.lines[i+1:] {
		if rank(e) >= 5 {
			return true
		}
	}
	return false
}

func startOnly(t *trace) *finding {
	i := t.last(is{kind: inventory.SawStart})
	if i < 0 || t.last(is{kind: inventory.SawScript}) > i || beyond(t, i) {
		return nil
	}
	return found([]int{i}, "The loader fetched the start script at %s and has not asked for the machine's own.", clock(t.lines[i]))
}

func noScript(t *trace) *finding {
	i := t.last(is{kind: inventory.SawRequest, stage: inventory.StageLoader, outcomes: out(inventory.OutAcked)})
	if i < 0 || t.last(is{kind: inventory.SawStart}) >= 0 || t.last(is{kind: inventory.SawScript}) >= 0 || t.lines[i].File == "" {
		return nil
	}
	return found([]int{i}, "The loader got %s and the address of its script (%s) at %s, and has not asked for it.",
		orThat(t.lines[i]), t.lines[i].File, clock(t.lines[i]))
}
