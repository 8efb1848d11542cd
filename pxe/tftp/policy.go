package tftp

import "strings"

// Limit is the largest block (bytes) and window (blocks) that a client gets, whatever it asks for.
type Limit struct{ Block, Window int }

// Rule is one line of the policy for clients whose firmware asks for more than it can take, or can take
// more than its wire shows. Empty conditions match every client; the first rule that matches holds.
type Rule struct {
	MAC    string // beginning of the MAC address, e.g. "00:15:5d"; clients whose MAC is not known never match it
	File   string // the name asked for ends so, e.g. ".efi" or "undionly.kpxe": the loader tells the architecture
	Block  int    // largest block in bytes; 0: what one packet of the path carries. More than that fragments
	Window int    // largest window in blocks; 0: MaxWindow
	Why    string // what was seen, for the one who finds the rule later
}

// MaxWindow is the largest window that is granted without a rule: at 1428 bytes it is 90 kB, and less than
// what the receive buffers of firmware and small machines hold.
const MaxWindow = 64

// limitFor applies the policy. fits is the largest block that the path to the client carries in one packet.
func limitFor(rules []Rule, mac, file string, fits int) Limit {
	l := Limit{Block: fits, Window: MaxWindow}
	for _, r := range rules {
		if r.MAC != "" && !strings.HasPrefix(strings.ToLower(mac), strings.ToLower(r.MAC)) || !strings.HasSuffix(file, r.File) {
			continue
		}
		if r.Block > 0 {
			l.Block = r.Block
		}
		if r.Window > 0 {
			l.Window = r.Window
		}
		break
	}
	l.Block = min(max(l.Block, minBlock), maxBlock)
	l.Window = min(max(l.Window, 1), 65535/2)
	return l
}
