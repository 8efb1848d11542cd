package verdict

import (
	"strings"
	"time"

	"socle/inventory"
)

// loaderRules are about the first file: which one, and whether it arrives and starts.
var loaderRules = []Rule{
	{
		ID: "wrong-loader", Title: "the firmware was given a file for another kind of firmware", Seen: "a BIOS client fetched or was told a .efi file, or a UEFI client a BIOS one",
		Check:      "who named that file: another DHCP or proxy server (`socle probe dhcp`), or fixed options in it (66 and 67) that do not look at the client's architecture",
		Confidence: Certain, Standing: Stuck, find: wrongLoader},
	{
		ID: "tftp-stalled", Title: "TFTP began and stalled", Seen: "the client stopped acknowledging within the file",
		Check:      "the MTU and the block size on the way (large blocks are fragmented and firewalls drop fragments), and UDP from high ports both ways",
		Confidence: Certain, Standing: Stuck, find: tftpStalled},
	{
		ID: "tftp-busy", Title: "TFTP has too many clients", Seen: "the last read was refused because of the limits",
		Check: "wait: firmware tries again; raise the limits when whole rows boot at once", Confidence: Certain, Standing: Stuck, After: time.Minute, find: tftpBusy},
	{
		ID: "https-distrusted", Title: "the firmware does not trust the boot HTTPS", Seen: "it refused the server's certificate in the TLS handshake",
		Check:      "enroll `DIR/boot-ca.crt` in the firmware's setup or by its BMC (docs/boot.md), this server's and not an old one's; and that the firmware's clock is right",
		Confidence: Certain, Standing: Stuck, find: handshakeWith(inventory.OutDistrusted, "The firmware came for its boot file by HTTPS at %s and refused the server's certificate: %s.")},
	{
		ID: "https-mismatch", Title: "firmware and boot HTTPS have no TLS in common", Seen: "the TLS handshake ended without a common version or cipher",
		Check:      "newer firmware: the boot HTTPS speaks TLS 1.2 and 1.3; or `https: false` for that subnet, so that it boots in clear",
		Confidence: Certain, Standing: Stuck, find: handshakeWith(inventory.OutMismatch, "The firmware came for its boot file by HTTPS at %s, and the two have no way to speak TLS in common: %s.")},
	{
		ID: "https-broken", Title: "the firmware hung up on the boot HTTPS", Seen: "the connection ended within the TLS handshake, without a word why",
		Check:      "the firmware's screen: most often it does not trust the certificate (enroll `DIR/boot-ca.crt`, docs/boot.md) or its clock is wrong; else a firewall that looks into TLS",
		Confidence: Likely, Standing: Stuck, After: 20 * time.Second, find: handshakeWith(inventory.OutAborted, "The firmware came for its boot file by HTTPS at %s and hung up before TLS was agreed (%s).")},
	{
		ID: "secure-boot", Title: "the firmware fetched the loader and would not start it", Seen: "UEFI: the loader in full, then the firmware itself speaks again, or Secure Boot is known to be on",
		Check:      "Secure Boot in the firmware's setup: with it on, signed files only are started, and Socle gives it those once the others have failed (`boot.tries`, docs/boot.md)",
		Confidence: Likely, Standing: Stuck, After: 20 * time.Second, find: secureBoot},
	{
		ID: "loader-no-address", Title: "the loader runs and gets no address", Seen: "iPXE asks DHCP and gets no ACK",
		Check:      "why the line says that it got no answer; else the link: iPXE resets the card, and a switch port without portfast then blocks for 30 s",
		Confidence: Likely, Standing: Stuck, After: 40 * time.Second, find: loaderNoAddress},
	{
		ID: "loader-silent", Title: "the loader was fetched, and then nothing", Seen: "the loader in full, and no word of it",
		Check:      "the console: the loader crashes or finds no network card (then its variant with built-in drivers may help); on UEFI, Secure Boot may have refused it",
		Confidence: Possible, Standing: Stuck, After: 30 * time.Second, find: loaderSilent},
	{
		ID: "tftp-never", Title: "it was told its boot file and never asks for it", Seen: "an ACK with a boot file for TFTP, and no read request",
		Check:      "UDP port 69 and the high ports between the machine and the server (`boot.tftp`), and that the next-server address is reachable from there",
		Confidence: Likely, Standing: Stuck, After: 20 * time.Second, find: firstNever("TFTP", false)},
	{
		ID: "http-never", Title: "it was told the URL of its boot file and never asks for it", Seen: "an ACK with an http URL to UEFI firmware, and no request",
		Check:      "the port in the URL between the machine and the server; some firmware refuses http:// unless its setup allows it, and https:// without a certificate enrolled (`DIR/boot-ca.crt`, docs/boot.md)",
		Confidence: Likely, Standing: Stuck, After: 20 * time.Second, find: firstNever("HTTP", true)},
}

func wrongLoader(t *trace) *finding {
	arch, support := "", []int(nil)
	for i, e := range t.lines {
		if e.Client == inventory.StageFirmware && e.Arch != "" {
			arch, support = e.Arch, []int{i}
		}
		if e.Kind != inventory.SawTFTP && e.Kind != inventory.SawFile && (e.Client != inventory.StageFirmware || e.File == "") {
			continue
		}
		file, _, _ := strings.Cut(e.File, "?")
		wrong := arch == "0" && uefiFile(file) || arch != "0" && arch != "" && biosFile(file)
		if wrong && t.stuckAt(i) {
			if support[0] != i {
				support = append(support, i)
			}
			return found(support, "The client is %s and was given %q, which is made for %s.", firmware(t.lines[support[0]]), e.File, otherThan(arch))
		}
	}
	return nil
}

func otherThan(arch string) string {
	if arch == "0" {
		return "UEFI"
	}
	return "BIOS"
}

// stuckAt tells that nothing beyond the first file came after line i.
func (t *trace) stuckAt(i int) bool {
	for _, e := range t.lines[i+1:] {
		if rank(e) > 2 {
			return false
		}
	}
	return true
}

// troubleAfter tells that the address was lost again after line i.
func (t *trace) troubleAfter(i int) bool {
	for _, e := range t.lines[i+1:] {
		if e.Kind == inventory.SawDecline || dhcpAsk(e) && e.Outcome != inventory.OutOffered && e.Outcome != inventory.OutAcked {
			return true
		}
	}
	return false
}

func tftpStalled(t *trace) *finding {
	i := lastTransfer(t)
	if i < 0 || rank(t.lines[i]) > 2 || t.lines[i].Outcome != inventory.OutStalled && (t.lines[i].Outcome != inventory.OutAborted || t.lines[i].Bytes == 0) || !t.stuckAt(i) {
		return nil
	}
	e := t.lines[i]
	if e.Outcome == inventory.OutAborted {
		return found([]int{i}, "The transfer of %s began, and the client broke it off after %d of %d bytes: %s.", e.File, e.Bytes, e.Total, e.Reply)
	}
	return found([]int{i}, "The transfer of %s began and stalled at %d of %d bytes: the client stopped acknowledging.", e.File, e.Bytes, e.Total)
}

func tftpBusy(t *trace) *finding {
	i := t.last(is{kind: inventory.SawTFTP})
	if i < 0 || t.lines[i].Outcome != inventory.OutLimited || !t.stuckAt(i) {
		return nil
	}
	return found([]int{i}, "It asked for %s and was told to come back: too many transfers ran at once.", t.lines[i].File)
}

// handshakeWith finds a last handshake of boot HTTPS that ended so, and no boot file after it.
func handshakeWith(o inventory.Outcome, words string) func(*trace) *finding {
	return func(t *trace) *finding {
		i := t.last(is{kind: inventory.SawHandshake})
		if i < 0 || t.lines[i].Outcome != o || lastTransfer(t) > i || !t.stuckAt(i) {
			return nil
		}
		return found([]int{i}, words, clock(t.lines[i]), t.lines[i].Reply)
	}
}

// loaderFetched is the last loader that came in full and was followed by no loader's word; or -1.
func loaderFetched(t *trace) int {
	i := t.last(is{outcomes: out(inventory.OutComplete, inventory.OutPart), file: isLoader})
	if i < 0 || !t.stuckAt(i) {
		return -1
	}
	return i
}

func secureBoot(t *trace) *finding {
	i := loaderFetched(t)
	if i < 0 || !uefiFile(t.lines[i].File) {
		return nil
	}
	known := t.Machine.Facts != nil && t.Machine.Facts.Firmware.SecureBoot
	again := t.firmwareAfter(i)
	switch {
	case again >= 0:
		return found([]int{i, again}, "The firmware fetched %s in full, and then spoke again itself instead of starting it: it refused the file.", t.lines[i].File)
	case known:
		return found([]int{i}, "The firmware fetched %s in full and nothing followed; when it was looked at last, Secure Boot was on.", t.lines[i].File)
	default:
		return nil
	}
}

// firmwareAfter is the first DISCOVER of the firmware after line i, or -1.
func (t *trace) firmwareAfter(i int) int {
	if a := t.all(i+1, is{kind: inventory.SawDiscover, stage: inventory.StageFirmware}); len(a) > 0 {
		return a[0]
	}
	return -1
}

func loaderNoAddress(t *trace) *finding {
	asks := t.all(0, is{kind: inventory.SawDiscover, stage: inventory.StageLoader})
	if len(asks) == 0 || t.last(is{kind: inventory.SawRequest, stage: inventory.StageLoader, outcomes: out(inventory.OutAcked)}) >= 0 ||
		t.last(is{kind: inventory.SawTFTP}) < 0 { // without a first file this loader is the firmware's own, and DHCP's rules hold
		return nil
	}
	return found(asks, "The loader runs and asks for an address without getting one (%s); the last answer: %s.",
		inventory.Plural(len(asks), "time"), answered(t.lines[asks[len(asks)-1]]))
}

func loaderSilent(t *trace) *finding {
	i := loaderFetched(t)
	if i < 0 {
		return nil
	}
	return found([]int{i}, "%s was fetched in full by %s, and nothing was heard since.", t.lines[i].File, clock(t.lines[i]))
}

// firstNever finds a firmware that was told a file and did not ask for it.
func firstNever(by string, http bool) func(*trace) *finding {
	return func(t *trace) *finding {
		i := t.last(is{kind: inventory.SawRequest, stage: inventory.StageFirmware, outcomes: out(inventory.OutAcked)})
		if p := t.last(is{kind: inventory.SawProxy, outcomes: out(inventory.OutAcked, inventory.OutServed)}); p > i {
			i = p
		}
		if i < 0 || t.lines[i].File == "" || strings.Contains(t.lines[i].File, "://") != http || lastTransfer(t) > i || !t.stuckAt(i) || t.troubleAfter(i) {
			return nil
		}
		return found([]int{i}, "The firmware got %s and was told at %s to fetch %s by %s, and has not asked for it.",
			orThat(t.lines[i]), clock(t.lines[i]), t.lines[i].File, by)
	}
}
