package verdict

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"socle/hardware"
	"socle/inventory"
)

const nic, nic2 = "52:54:00:00:00:0a", "52:54:00:00:00:0b"

var start = time.Date(2026, 11, 25, 8, 0, 0, 0, time.UTC)

// line makes a line of evidence; the words of the arguments' types tell what they are.
func line(kind inventory.EvidenceKind, parts ...any) inventory.Evidence {
	e := inventory.Evidence{Kind: kind, MAC: nic, Addr: netip.MustParseAddr("198.18.0.10"), Reply: "as recorded"}
	for _, p := range parts {
		switch p := p.(type) {
		case inventory.Outcome:
			e.Outcome = p
		case inventory.Stage:
			e.Client = p
		case func(*inventory.Evidence):
			p(&e)
		}
	}
	return e
}

func file(name string) func(*inventory.Evidence) {
	return func(e *inventory.Evidence) { e.File = name }
}
func arch(a string) func(*inventory.Evidence)  { return func(e *inventory.Evidence) { e.Arch = a } }
func mac(m string) func(*inventory.Evidence)   { return func(e *inventory.Evidence) { e.MAC = m } }
func reply(s string) func(*inventory.Evidence) { return func(e *inventory.Evidence) { e.Reply = s } }
func bytes(n, total int64) func(*inventory.Evidence) {
	return func(e *inventory.Evidence) { e.Bytes, e.Total = n, total }
}
func peerIs(a, m string) func(*inventory.Evidence) {
	return func(e *inventory.Evidence) { e.Peer, e.PeerMAC = netip.MustParseAddr(a), m }
}
func relay(a, port string) func(*inventory.Evidence) {
	return func(e *inventory.Evidence) { e.Relay, e.Port = netip.MustParseAddr(a), port }
}

const (
	fw, ld, ag, sys = inventory.StageFirmware, inventory.StageLoader, inventory.StageAgent, inventory.StageSystem
	off, ack        = inventory.OutOffered, inventory.OutAcked
	full            = inventory.OutComplete
)

// Parts of boots that go well.
var (
	powerOn   = []inventory.Evidence{line(inventory.SawPowerOff), line(inventory.SawOrder, file("ramdisk")), line(inventory.SawPowerOn)}
	uefi      = []inventory.Evidence{line(inventory.SawDiscover, fw, off, arch("7"), file("snponly.efi")), line(inventory.SawRequest, fw, ack, arch("7"), file("snponly.efi"))}
	bios      = []inventory.Evidence{line(inventory.SawDiscover, fw, off, arch("0"), file("undionly.kpxe")), line(inventory.SawRequest, fw, ack, arch("0"), file("undionly.kpxe"))}
	https     = []inventory.Evidence{line(inventory.SawRequest, fw, ack, arch("16"), file("https://198.18.0.1:8444/boot/machine.efi"))}
	loaded    = []inventory.Evidence{line(inventory.SawTFTP, inventory.OutProbe, file("snponly.efi")), line(inventory.SawTFTP, full, file("snponly.efi"), bytes(1000, 1000))}
	loader    = []inventory.Evidence{line(inventory.SawDiscover, ld, off, file("http://198.18.0.1/boot/start.ipxe")), line(inventory.SawRequest, ld, ack, file("http://198.18.0.1/boot/start.ipxe"))}
	started   = []inventory.Evidence{line(inventory.SawStart, ld, inventory.OutServed)}
	scripted  = []inventory.Evidence{line(inventory.SawScript, ld, inventory.OutServed, file("ramdisk"))}
	kernel    = []inventory.Evidence{line(inventory.SawFile, full, file("ramdisk/vmlinuz"), bytes(9, 9))}
	initrd    = []inventory.Evidence{line(inventory.SawFile, full, file("ramdisk/initrd"), bytes(9, 9))}
	agentUp   = []inventory.Evidence{line(inventory.SawDiscover, ag, off), line(inventory.SawRequest, ag, ack)}
	session   = []inventory.Evidence{line(inventory.SawSession, ag, inventory.OutDone)}
	toLoader  = seq(powerOn, uefi, loaded)
	toScript  = seq(toLoader, loader, started)
	toKernel  = seq(toScript, scripted, kernel)
	toRamdisk = seq(toKernel, initrd)
)

var gaveUp = []inventory.Evidence{line(inventory.SawFailure, ld, inventory.OutGaveUp, file("ramdisk/vmlinuz"), reply("the kernel could not be fetched"),
	func(e *inventory.Evidence) { e.Asked = "iPXE gave up after 10 tries" })}

func seq(parts ...[]inventory.Evidence) (all []inventory.Evidence) {
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

func one(kind inventory.EvidenceKind, parts ...any) []inventory.Evidence {
	return []inventory.Evidence{line(kind, parts...)}
}

// at gives each line its time, a second apart.
func at(lines []inventory.Evidence) []inventory.Evidence {
	for i := range lines {
		lines[i].Time = start.Add(time.Duration(i) * time.Second)
	}
	return lines
}

func wanting(b inventory.Boot) inventory.Machine { return inventory.Machine{Boot: b} }

var cases = []struct {
	name  string
	lines []inventory.Evidence
	m     inventory.Machine
	later time.Duration // after the last line; 0: an hour
	id    string
	says  string
}{
	{"a boot that works", seq(toRamdisk, agentUp, session), wanting(inventory.BootRamdisk), 0, "agent-speaks", "The agent spoke"},
	{"silence after it works", seq(toRamdisk, agentUp, session, one(inventory.SawFacts, ag)), wanting(inventory.BootRamdisk), 0, "agent-speaks", ""},
	{"the system calls", seq(powerOn, one(inventory.SawCall, inventory.OutDone)), wanting(inventory.BootDisk), 0, "system-up", "called"},
	{"the system is up", seq(powerOn, one(inventory.SawRequest, sys, ack)), wanting(inventory.BootDisk), 0, "system-up", ""},
	{"off", seq(toRamdisk, agentUp, session, one(inventory.SawPowerOff)), inventory.Machine{}, 0, "power-off", "taken away"},
	{"found off", nil, inventory.Machine{Power: inventory.PowerOff, PowerAt: start}, 0, "power-off", "is off"},
	{"refused agent", seq(toRamdisk, agentUp, one(inventory.SawSession, ag, inventory.OutRefused, reply("token used"))), inventory.Machine{}, 0, "agent-refused", "token used"},
	{"agent without lease", seq(toRamdisk, one(inventory.SawDiscover, ag, off), one(inventory.SawDiscover, ag, off)), inventory.Machine{}, 0, "agent-no-lease", "2 times"},
	{"agent distrusts", seq(toRamdisk, agentUp, one(inventory.SawSession, inventory.OutDistrusted, reply("bad certificate"))), inventory.Machine{}, 0, "agent-distrusts", "bad certificate"},
	{"agent mute", seq(toRamdisk, agentUp), inventory.Machine{}, 0, "agent-mute", "198.18.0.10"},
	{"disk instead, no PXE", seq(powerOn, one(inventory.SawRequest, sys, ack)), wanting(inventory.BootRamdisk), 0, "disk-instead", "did not ask for a network boot"},
	{"disk instead, after PXE", seq(powerOn, uefi, one(inventory.SawRequest, sys, ack)), wanting(inventory.BootRamdisk), 0, "disk-instead", "after its firmware had tried"},
	{"no such file by TFTP", seq(powerOn, bios, one(inventory.SawTFTP, inventory.OutNotFound, file("pxelinux.0"))), inventory.Machine{}, 0, "no-such-file", "pxelinux.0"},
	{"no such file by HTTP", seq(toScript, scripted, one(inventory.SawFile, inventory.OutNotFound, file("ramdisk/vmlinuz"))), inventory.Machine{}, 0, "no-such-file", "by HTTP"},
	{"iPXE said what it gave up", seq(toScript, scripted, one(inventory.SawFile, inventory.OutAborted, file("ramdisk/vmlinuz"), bytes(3, 9)), gaveUp), inventory.Machine{}, 0, "script-gave-up", "iPXE gave up after 10 tries on ramdisk/vmlinuz: the kernel"},
	{"iPXE gave up a file that is not there", seq(toScript, scripted, one(inventory.SawFile, inventory.OutNotFound, file("ramdisk/vmlinuz")), gaveUp), inventory.Machine{}, 0, "script-gave-up", "no such file"},
	{"iPXE gave up a file that could not be read", seq(toScript, scripted, one(inventory.SawFile, inventory.OutUnavailable, file("ramdisk/vmlinuz")), gaveUp), inventory.Machine{}, 0, "script-gave-up", "could not read it"},
	{"what it gave up went better since", seq(toScript, scripted, gaveUp, kernel, initrd), inventory.Machine{}, 0, "kernel-silent", ""},
	{"GRUB's kernel by TFTP broke off", seq(toLoader, one(inventory.SawTFTP, full, file("grub/grub.cfg")), one(inventory.SawTFTP, inventory.OutStalled, file("ramdisk/vmlinuz"), bytes(3, 9))), inventory.Machine{}, 0, "download-broken", "3 of 9"},
	{"GRUB's files by TFTP", seq(toLoader, one(inventory.SawTFTP, full, file("grub/grub.cfg")), one(inventory.SawTFTP, full, file("ramdisk/vmlinuz")), one(inventory.SawTFTP, full, file("ramdisk/initrd"))), inventory.Machine{}, 0, "kernel-silent", ""},
	{"unreadable", seq(powerOn, uefi, one(inventory.SawTFTP, inventory.OutUnavailable, file("snponly.efi"))), inventory.Machine{}, 0, "file-unreadable", "snponly.efi"},
	{"loop", seq(toRamdisk, toRamdisk, toRamdisk), inventory.Machine{}, 0, "boot-loop", "boot 3 in a row"},
	{"a loop that ended", seq(toRamdisk, toRamdisk, agentUp, session, toRamdisk), inventory.Machine{}, 0, "kernel-silent", ""},
	{"kernel silent", toRamdisk, inventory.Machine{}, 0, "kernel-silent", "nothing was heard"},
	{"download broken", seq(toKernel, one(inventory.SawFile, inventory.OutAborted, file("ramdisk/initrd"), bytes(7, 9))), inventory.Machine{}, 0, "download-broken", "7 of 9"},
	{"kernel only", toKernel, inventory.Machine{}, 0, "kernel-only", "never asked for"},
	{"stranger", seq(toScript, one(inventory.SawScript, ld, inventory.OutStranger)), inventory.Machine{}, 0, "script-stranger", nic},
	{"unavailable", seq(toScript, one(inventory.SawScript, ld, inventory.OutUnavailable)), inventory.Machine{}, 0, "script-unavailable", "cannot say"},
	{"anonymous", seq(toScript, one(inventory.SawScript, ld, inventory.OutAnonymous)), inventory.Machine{}, 0, "script-anonymous", ""},
	{"unknown", seq(toScript, one(inventory.SawScript, ld, inventory.OutUnknown)), inventory.Machine{}, 0, "script-unknown", nic},
	{"nothing", seq(toScript, one(inventory.SawScript, ld, inventory.OutServed, file("nothing"))), inventory.Machine{}, 0, "script-nothing", ""},
	{"script disk", seq(toScript, one(inventory.SawScript, ld, inventory.OutServed, file("disk"))), wanting(inventory.BootDisk), 0, "script-disk", ""},
	{"no kernel", seq(toScript, scripted), inventory.Machine{}, 0, "no-kernel", ""},
	{"start only", toScript, inventory.Machine{}, 0, "start-only", ""},
	{"no script", seq(toLoader, loader), inventory.Machine{}, 0, "no-script", "start.ipxe"},
	{"BIOS was told a UEFI file", seq(powerOn, one(inventory.SawRequest, fw, ack, arch("0"), file("snponly.efi"))), inventory.Machine{}, 0, "wrong-loader", "BIOS and was given"},
	{"BIOS fetched a UEFI file", seq(powerOn, bios, one(inventory.SawTFTP, full, file("snponly.efi"))), inventory.Machine{}, 0, "wrong-loader", "made for UEFI"},
	{"UEFI fetched a BIOS file", seq(powerOn, uefi, one(inventory.SawTFTP, full, file("undionly.kpxe"))), inventory.Machine{}, 0, "wrong-loader", "made for BIOS"},
	{"TFTP stalled", seq(powerOn, bios, one(inventory.SawTFTP, inventory.OutStalled, file("undionly.kpxe"), bytes(512, 70000))), inventory.Machine{}, 0, "tftp-stalled", "512 of 70000"},
	{"TFTP aborted", seq(powerOn, bios, one(inventory.SawTFTP, inventory.OutAborted, file("undionly.kpxe"), bytes(512, 70000))), inventory.Machine{}, 0, "tftp-stalled", "broke it off"},
	{"TFTP busy", seq(powerOn, bios, one(inventory.SawTFTP, inventory.OutLimited, file("undionly.kpxe"))), inventory.Machine{}, 0, "tftp-busy", ""},
	{"firmware again", seq(toLoader, uefi), inventory.Machine{}, 0, "secure-boot", "refused the file"},
	{"Secure Boot is known", toLoader, inventory.Machine{Facts: &hardware.Facts{Firmware: hardware.Firmware{SecureBoot: true}}}, 0, "secure-boot", "Secure Boot was on"},
	{"loader without address", seq(toLoader, one(inventory.SawDiscover, ld, inventory.OutNoAddress)), inventory.Machine{}, 0, "loader-no-address", "no address is free"},
	{"loader silent", toLoader, inventory.Machine{}, 0, "loader-silent", "snponly.efi"},
	{"TFTP never", seq(powerOn, uefi), inventory.Machine{}, 0, "tftp-never", "has not asked for it"},
	{"HTTP never", seq(powerOn, one(inventory.SawRequest, fw, ack, arch("16"), file("http://198.18.0.1/boot/files/snponly.efi"))), inventory.Machine{}, 0, "http-never", "by HTTP"},
	{"conflict", seq(powerOn, uefi, one(inventory.SawDecline, fw)), inventory.Machine{}, 0, "address-conflict", "198.18.0.10"},
	{"another server", seq(powerOn, one(inventory.SawDiscover, fw, off), one(inventory.SawForeign, peerIs("198.18.0.66", nic2)), one(inventory.SawRequest, fw, inventory.OutElsewhere, peerIs("198.18.0.66", ""))), inventory.Machine{}, 0, "other-server", "198.18.0.66 (MAC " + nic2 + ")"},
	{"not stored", seq(powerOn, uefi[:1], one(inventory.SawRequest, fw, inventory.OutUnstored)), inventory.Machine{}, 0, "lease-not-stored", "could not be stored"},
	{"not sent", seq(powerOn, one(inventory.SawDiscover, fw, inventory.OutNotSent)), inventory.Machine{}, 0, "not-sent", ""},
	{"relay dropped its port", seq(powerOn, one(inventory.SawDiscover, fw, off, relay("198.18.1.1", "ge-0/0/1")), one(inventory.SawDiscover, fw, inventory.OutNoAddress, relay("198.18.1.1", ""))), inventory.Machine{}, 0, "relay-no-port", "ge-0/0/1"},
	{"no subnet, by relay", seq(powerOn, one(inventory.SawDiscover, fw, inventory.OutNoSubnet, relay("10.9.9.1", ""))), inventory.Machine{}, 0, "no-subnet", "relay 10.9.9.1"},
	{"no subnet", seq(powerOn, one(inventory.SawDiscover, fw, inventory.OutNoSubnet)), inventory.Machine{}, 0, "no-subnet", "interface"},
	{"no address", seq(powerOn, one(inventory.SawDiscover, fw, inventory.OutNoAddress)), inventory.Machine{}, 0, "no-address", "none free"},
	{"refused twice", seq(powerOn, uefi[:1], one(inventory.SawRequest, fw, inventory.OutNaked), uefi[:1], one(inventory.SawRequest, fw, inventory.OutNaked, reply("NAK: not for it"))), inventory.Machine{}, 0, "address-refused", "2 times. The server's words: not for it."},
	{"refused, and deaf", seq(powerOn, one(inventory.SawRequest, fw, inventory.OutNaked), one(inventory.SawRequest, fw, inventory.OutNaked), uefi[:1], uefi[:1]), inventory.Machine{}, 0, "answers-lost", "2 times"},
	{"limited", seq(powerOn, uefi[:1], one(inventory.SawDiscover, fw, inventory.OutLimited), uefi[:1]), inventory.Machine{}, 0, "too-many", ""},
	{"not served", seq(powerOn, one(inventory.SawDiscover, fw, inventory.OutNotServed, reply("nothing: DHCP is off for this subnet"))), inventory.Machine{}, 0, "not-served", "words: DHCP is off"},
	{"HTTPS distrusted", seq(powerOn, https, one(inventory.SawHandshake, inventory.OutDistrusted, reply("unknown certificate authority"))), inventory.Machine{}, 0, "https-distrusted", "unknown certificate authority"},
	{"HTTPS distrusted, then PXE", seq(powerOn, https, one(inventory.SawHandshake, inventory.OutDistrusted), uefi), inventory.Machine{}, 0, "https-distrusted", ""},
	{"HTTPS distrusted, then PXE with a loader", seq(powerOn, https, one(inventory.SawHandshake, inventory.OutDistrusted), uefi, loaded), inventory.Machine{}, 0, "loader-silent", ""},
	{"HTTPS mismatch", seq(powerOn, https, one(inventory.SawHandshake, inventory.OutMismatch)), inventory.Machine{}, 0, "https-mismatch", ""},
	{"HTTPS broken", seq(powerOn, https, one(inventory.SawHandshake, inventory.OutAborted)), inventory.Machine{}, 0, "https-broken", ""},
	{"distrusted by somebody else", seq(toRamdisk, one(inventory.SawSession, inventory.OutDistrusted)), inventory.Machine{}, 0, "kernel-silent", ""},
	{"no loader", seq(powerOn, one(inventory.SawDiscover, fw, inventory.OutNoFile, arch("6"))), inventory.Machine{}, 0, "no-loader", "32-bit UEFI"},
	{"told its disk", seq(powerOn, one(inventory.SawDiscover, fw, inventory.OutNoFile, arch("7"))), wanting(inventory.BootDisk), 0, "told-disk", ""},
	{"another card than before", seq(toRamdisk, agentUp, session, powerOn, one(inventory.SawDiscover, fw, off, mac(nic2))), inventory.Machine{}, 0, "wrong-nic", nic2},
	{"two cards", seq(powerOn, one(inventory.SawDiscover, fw, off), one(inventory.SawDiscover, fw, off, mac(nic2))), inventory.Machine{}, 0, "wrong-nic", "in turn"},
	{"answers lost", seq(powerOn, uefi[:1], uefi[:1], uefi[:1]), inventory.Machine{}, 0, "answers-lost", "3 times"},
	{"one offer", seq(powerOn, uefi[:1]), inventory.Machine{}, 0, "offer-waits", ""},
	{"no answer", seq(powerOn, one(inventory.SawDiscover, fw, inventory.OutSilent, reply("proxy only"))), inventory.Machine{}, 0, "dhcp-silent", "proxy only"},
	{"silent", powerOn, inventory.Machine{}, 0, "silent", "sent nothing since"},
	{"silent, from a virtual CD", powerOn, inventory.Machine{Medium: &inventory.Medium{Wanted: true}}, 0, "silent", "sent nothing since"},
	{"silent, but not before", seq(toRamdisk, agentUp, session, powerOn), inventory.Machine{}, 0, "silent", "sent nothing since"},
	{"never seen", nil, inventory.Machine{}, 0, "never-seen", ""},
	{"something else", one(inventory.SawInform, sys), inventory.Machine{}, 0, "unclear", "asked for settings"},
}

func TestVerdicts(t *testing.T) {
	used := map[string]bool{}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			lines := at(append([]inventory.Evidence(nil), c.lines...))
			now := start.Add(time.Hour)
			a := Judge(Case{Machine: c.m, Evidence: lines, Now: now})
			v := a.Verdict
			if v.ID != c.id || !strings.Contains(v.What, c.says) {
				t.Errorf("verdict %s (%s), want %s with %q", v.ID, v.What, c.id, c.says)
			}
			if v.Standing == Going {
				t.Errorf("after an hour it counts as %s", v.Standing)
			}
			for _, i := range v.Support {
				if i < 0 || i >= len(a.Evidence) {
					t.Errorf("support %v is outside of the %d lines of this boot", v.Support, len(a.Evidence))
				}
			}
			if v.Check == "" || strings.Contains(v.What, "%!") || strings.Contains(v.Check, "%!") {
				t.Errorf("texts are broken: %q, %q", v.What, v.Check)
			}
		})
		used[c.id] = true
	}
	for _, r := range Rules() {
		if !used[r.ID] {
			t.Errorf("no case provokes %s", r.ID)
		}
	}
}

func TestStandingDependsOnTheSilence(t *testing.T) {
	for _, r := range Rules() {
		for _, c := range cases {
			if c.id != r.ID || r.After == 0 {
				continue
			}
			lines := at(append([]inventory.Evidence(nil), c.lines...))
			last := start
			if len(lines) > 0 {
				last = lines[len(lines)-1].Time
			}
			for _, w := range []struct {
				after time.Duration
				want  Standing
			}{{r.After - time.Second, Going}, {r.After, r.Standing}} {
				if got := Judge(Case{Machine: c.m, Evidence: lines, Now: last.Add(w.after)}).Verdict; got.Standing != w.want || got.ID != r.ID {
					t.Errorf("%s %s after its last word: %s, %s; want %s", r.ID, w.after, got.ID, got.Standing, w.want)
				}
			}
		}
	}
}

func TestStoryIsInOrderAndJoinsRepeats(t *testing.T) {
	a := Judge(Case{Evidence: at(seq(powerOn, uefi[:1], uefi[:1], uefi[:1], uefi[1:], loaded)), Now: start.Add(time.Minute)})
	var b strings.Builder
	for _, s := range a.Story {
		if s.Times > 1 {
			b.WriteString("several times: ")
		}
		b.WriteString(s.Text + "\n")
	}
	const want = `The power was taken away.
The BMC was told to boot the ramdisk next.
The power was given.
several times: The firmware (UEFI) on 52:54:00:00:00:0a looked for a DHCP server: offered 198.18.0.10 and boot file snponly.efi.
The firmware (UEFI) on 52:54:00:00:00:0a asked for its address: confirmed 198.18.0.10 and boot file snponly.efi.
It asked how large snponly.efi is.
It fetched snponly.efi by TFTP, all 1000 B.
`
	if got := b.String(); got != want {
		t.Errorf("story:\n%s\nwant:\n%s", got, want)
	}
	if s := a.Story[3]; s.Times != 3 || s.First != 3 || s.Until.Sub(s.Time) != 2*time.Second {
		t.Errorf("the repeated sentence is %+v", s)
	}
}

// TestEveryPrefixHasAVerdict takes a boot that works apart: at each moment there is a verdict, and none but
// the last says that it boots.
func TestEveryPrefixHasAVerdict(t *testing.T) {
	lines := at(seq(toRamdisk, agentUp, session))
	for n := range len(lines) + 1 {
		v := Judge(Case{Machine: wanting(inventory.BootRamdisk), Evidence: lines[:n], Now: start.Add(time.Hour)}).Verdict
		if v.ID == "" || v.ID == "unclear" || (v.Standing == Boots) != (n == len(lines)) {
			t.Errorf("after %d lines: %s, %s", n, v.ID, v.Standing)
		}
	}
}

func TestRulesAreComplete(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range Rules() {
		if r.ID == "" || r.Title == "" || r.Seen == "" || r.Check == "" || r.Confidence == "" || r.Standing == "" || seen[r.ID] {
			t.Errorf("rule %q is incomplete, or there are two of it", r.ID)
		}
		if strings.Contains(r.Title+r.Seen+r.Check, "|") {
			t.Errorf("rule %q would break the table", r.ID)
		}
		seen[r.ID] = true
	}
	if len(seen) < 40 || !strings.Contains(Table(), "| `silent` |") {
		t.Errorf("%d rules", len(seen))
	}
}
