package verdict

import (
	"slices"
	"time"

	"socle/inventory"
)

// loopAfter is how many boots in a row without an agent are a loop.
const loopAfter = 3

// ramdiskRules are about kernel and ramdisk on their way.
var ramdiskRules = []Rule{
	{
		ID: "no-such-file", Title: "it asks for a file that is not there", Seen: "the last transfer was answered with “not found”",
		Check:      "`socle image build boot-files` makes the loaders, `socle image build ramdisk` kernel and ramdisk; a name that neither makes was named by another DHCP server or typed into the firmware",
		Confidence: Certain, Standing: Stuck, find: noSuchFile,
	},
	{
		ID: "file-unreadable", Title: "a boot file cannot be read", Seen: "the last transfer was answered with “not now”",
		Check: "the server's log has the error: the disk that holds `DIR/boot`, its permissions", Confidence: Certain, Standing: Stuck, find: fileUnreadable,
	},
	{
		ID: "boot-loop", Title: "it boots again and again and never gets to the agent", Seen: "the third or a later boot in a row that loaded something and had no agent at its end",
		Check:      "watch one boot on the console: a kernel that panics, a loader that crashes, or a watchdog of the BMC that fires before the agent speaks",
		Confidence: Likely, Standing: Stuck, find: bootLoop,
	},
	{
		ID: "kernel-silent", Title: "kernel and ramdisk were fetched, and then nothing", Seen: "both files in full, and no DHCP of the ramdisk",
		Check:      "the console: a kernel that panics, too little memory to unpack the ramdisk, no driver for the network card, or no link on the card that booted",
		Confidence: Possible, Standing: Stuck, After: 90 * time.Second, find: kernelSilent,
	},
	{
		ID: "download-broken", Title: "a download broke off", Seen: "fewer bytes of a boot file than it has, and nothing in full after it",
		Check:      "the network between the two (MTU, duplex, a firewall that cuts long connections), and the machine's memory; iPXE tries 10 times by itself",
		Confidence: Likely, Standing: Stuck, After: 30 * time.Second, find: downloadBroken,
	},
	{
		ID: "kernel-only", Title: "the kernel was fetched and the ramdisk was not", Seen: "the kernel in full, and no request for the initrd",
		Check:      "the console of the loader: too little memory, or a loader that cannot run this kernel (another architecture)",
		Confidence: Likely, Standing: Stuck, After: 30 * time.Second, find: kernelOnly,
	},
}

// lastTransfer is the last one that was more than a question for the size, or -1.
func lastTransfer(t *trace) int {
	for i, e := range slices.Backward(t.lines) {
		if (e.Kind == inventory.SawTFTP || e.Kind == inventory.SawFile) && e.Outcome != inventory.OutProbe {
			return i
		}
	}
	return -1
}

// refusedWith is the last transfer when it ended so and the loader did not get on without it; or -1.
func refusedWith(t *trace, o inventory.Outcome) int {
	i := lastTransfer(t)
	if i < 0 || t.lines[i].Outcome != o {
		return -1
	}
	if !t.stuckAt(i) {
		return -1
	}
	return i
}

func noSuchFile(t *trace) *finding {
	i := refusedWith(t, inventory.OutNotFound)
	if i < 0 {
		return nil
	}
	e := t.lines[i]
	by := "TFTP"
	if e.Kind == inventory.SawFile {
		by = "HTTP"
	}
	return found([]int{i}, "It asked for %q by %s, and there is no such file.", e.File, by)
}

func fileUnreadable(t *trace) *finding {
	i := refusedWith(t, inventory.OutUnavailable)
	if i < 0 {
		return nil
	}
	return found([]int{i}, "It asked for %q, which the server could not read.", t.lines[i].File)
}

func bootLoop(t *trace) *finding {
	if t.attempt < loopAfter {
		return nil
	}
	i := lastTransfer(t)
	if i < 0 || t.lines[i].Outcome != inventory.OutComplete {
		return nil
	}
	return found([]int{i}, "This is boot %d in a row without a word of the agent; each loads its files (the last one: %s) and then falls silent or begins anew.",
		t.attempt, t.lines[i].File)
}

func kernelSilent(t *trace) *finding {
	k := t.last(is{outcomes: out(inventory.OutComplete, inventory.OutPart), file: isKernel})
	r := t.last(is{outcomes: out(inventory.OutComplete, inventory.OutPart), file: isInitrd})
	if k < 0 || r < 0 {
		return nil
	}
	return found([]int{k, r}, "Kernel and ramdisk were fetched in full by %s, and nothing was heard since.", clock(t.lines[max(k, r)]))
}

func downloadBroken(t *trace) *finding {
	i := lastTransfer(t)
	if i < 0 || rank(t.lines[i]) < 5 || t.lines[i].Outcome != inventory.OutAborted && t.lines[i].Outcome != inventory.OutStalled {
		return nil
	}
	e := t.lines[i]
	return found([]int{i}, "The download of %s broke off after %d of %d bytes.", e.File, e.Bytes, e.Total)
}

func kernelOnly(t *trace) *finding {
	k := t.last(is{outcomes: out(inventory.OutComplete, inventory.OutPart), file: isKernel})
	if k < 0 || t.last(is{file: isInitrd}) >= 0 {
		return nil
	}
	return found([]int{k}, "The kernel was fetched in full by %s, and the ramdisk was never asked for.", clock(t.lines[k]))
}
