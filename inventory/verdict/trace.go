package verdict

import (
	"slices"
	"strings"
	"time"

	"socle/inventory"
)

// trace is the last boot, as the rules look at it.
type trace struct {
	Case
	lines   []inventory.Evidence // of the last boot
	earlier []inventory.Evidence // before it
	began   time.Time
	attempt int
}

// rank says how far a line shows that a boot came. Lines that say nothing of it have rank 0.
func rank(e inventory.Evidence) int {
	switch e.Kind {
	case inventory.SawDiscover, inventory.SawRequest, inventory.SawProxy:
		switch e.Client {
		case inventory.StageFirmware:
			return 1
		case inventory.StageLoader:
			return 3
		case inventory.StageAgent, inventory.StageSystem:
			return 6
		}
	case inventory.SawStart, inventory.SawScript:
		return 4
	case inventory.SawHandshake:
		return 2
	case inventory.SawTFTP, inventory.SawFile:
		return rankOfFile(e)
	case inventory.SawSession, inventory.SawFacts, inventory.SawCall:
		return 7
	}
	return 0
}

// rankOfFile: the signed path of Secure Boot fetches all of its files by TFTP.
func rankOfFile(e inventory.Evidence) int {
	switch {
	case isKernel(e.File), isInitrd(e.File):
		return 5
	case strings.HasSuffix(e.File, ".cfg"):
		return 4
	default:
		return 2
	}
}

// newTrace cuts the last boot out of the evidence. A boot begins when the power is given or taken, and where
// a machine that was further already asks like one that has just begun.
func newTrace(c Case) *trace {
	start, far, attempt := 0, 0, 0
	for i, e := range c.Evidence {
		r := rank(e)
		anew := e.Kind == inventory.SawPowerOff || e.Kind == inventory.SawPowerOn && !follows(c.Evidence, start, i) ||
			e.Kind == inventory.SawDiscover && (r == 1 && far >= 3 || r == 3 && far >= 5)
		if anew {
			if far >= 2 {
				attempt++
			}
			start, far = i, 0
		}
		if far = max(far, r); e.Kind == inventory.SawSession && e.Outcome == inventory.OutDone || e.Kind == inventory.SawCall {
			attempt = 0
		}
	}
	t := &trace{Case: c, lines: c.Evidence[start:], earlier: c.Evidence[:start], attempt: attempt + 1}
	if len(t.lines) > 0 {
		t.began = t.lines[0].Time
	}
	return t
}

// follows tells whether a power-on is the second half of the power-off that this boot began with.
func follows(lines []inventory.Evidence, start, i int) bool {
	for _, e := range lines[start:i] {
		if e.Kind != inventory.SawPowerOff && e.Kind != inventory.SawOrder {
			return false
		}
	}
	return i > start
}

// quiet is how long nothing has been heard of the machine.
func (t *trace) quiet() time.Duration {
	if len(t.lines) == 0 {
		return time.Duration(1<<63 - 1)
	}
	return t.Now.Sub(t.lines[len(t.lines)-1].Time)
}

// is says what a line must be; a zero part of it fits every line.
type is struct {
	kind     inventory.EvidenceKind
	stage    inventory.Stage
	outcomes []inventory.Outcome
	file     func(string) bool
}

func (w is) fits(e inventory.Evidence) bool {
	return (w.kind == "" || w.kind == e.Kind) && (w.stage == "" || w.stage == e.Client) &&
		(len(w.outcomes) == 0 || slices.Contains(w.outcomes, e.Outcome)) && (w.file == nil || w.file(e.File))
}

// out is a list of outcomes.
func out(o ...inventory.Outcome) []inventory.Outcome { return o }

// all are the lines of this boot that fit, from line `from` on.
func (t *trace) all(from int, w is) (found []int) {
	for i := max(from, 0); i < len(t.lines); i++ {
		if w.fits(t.lines[i]) {
			found = append(found, i)
		}
	}
	return found
}

// last is the last line that fits, or -1.
func (t *trace) last(w is) int {
	for i, e := range slices.Backward(t.lines) {
		if w.fits(e) {
			return i
		}
	}
	return -1
}

// none tells that nothing after line i fits.
func (t *trace) none(after int, w is) bool { return t.last(w) <= after }

// heard tells whether anything that the machine itself sent is there after line i.
func (t *trace) heard(after int) bool {
	for _, e := range t.lines[after+1:] {
		if rank(e) > 0 || e.Kind == inventory.SawInform || e.Kind == inventory.SawDecline || e.Kind == inventory.SawRelease {
			return true
		}
	}
	return false
}

// wantsNetwork tells whether the machine is meant to boot from the network.
func (t *trace) wantsNetwork() bool {
	return t.Machine.Boot == inventory.BootRamdisk || t.Machine.Boot == inventory.BootRescue
}

// isLoader tells a file that firmware starts from those of the ramdisk.
func isLoader(name string) bool { return uefiFile(name) || biosFile(name) }

func uefiFile(name string) bool { return strings.HasSuffix(strings.ToLower(name), ".efi") }

func biosFile(name string) bool {
	name = strings.ToLower(name)
	for _, end := range []string{".kpxe", ".kkpxe", ".pxe", ".0", ".lkrn"} {
		if strings.HasSuffix(name, end) {
			return true
		}
	}
	return false
}

// With HTTPS boot, kernel and ramdisk are one file.
func isKernel(name string) bool  { return strings.Contains(base(name), "vmlinuz") || isUnified(name) }
func isInitrd(name string) bool  { return strings.Contains(base(name), "initrd") || isUnified(name) }
func isUnified(name string) bool { return base(name) == "machine.efi" }

func base(name string) string { return name[strings.LastIndexByte(name, '/')+1:] }

// dhcpAsk tells the questions of DHCP that expect an address.
func dhcpAsk(e inventory.Evidence) bool {
	return e.Kind == inventory.SawDiscover || e.Kind == inventory.SawRequest
}
