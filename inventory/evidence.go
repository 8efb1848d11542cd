package inventory

import (
	"net/netip"
	"time"
)

// Evidence is one packet or request of a boot: what was asked, and what was answered. Asked and Reply are
// for people; the typed fields are what verdicts are drawn from, and each stays at its zero value where it
// says nothing.
type Evidence struct {
	Time    time.Time
	MAC     string // of the client, normalized; empty while unknown
	Machine string // ID, empty while unknown
	Source  string // "dhcp", "tftp", "http", "agent", "bmc", "probe"
	Asked   string // e.g. "DISCOVER arch=7 class=PXEClient"
	Reply   string // e.g. "OFFER 198.18.0.10 file=snponly.efi"
	Bytes   int64  // sent

	Kind    EvidenceKind
	Outcome Outcome
	Client  Stage      // which program of the machine asked
	Arch    string     // what DHCP option 93 says, in decimal ("0" is BIOS); empty: not said
	File    string     // asked for, or (DHCP) named to the client; the script's name for SawScript
	Total   int64      // bytes that File has; 0: unknown
	Addr    netip.Addr // the client's: offered, leased, or asked from
	Peer    netip.Addr // another server's: the one whose offer was taken, or that answered a probe
	PeerMAC string     // the same one's, normalized
	Iface   string     // of this host, on which it came
	Relay   netip.Addr // giaddr, or the DHCPv6 link address; zero: not by relay
	Path    BootPath   // DHCP gave nothing to make room for this way to boot; it is counted, not kept
	Port    string     // what the relay says of its port (option 82), as "circuit-id/remote-id"; empty: nothing
}

// EvidenceKind is what a machine did, or what was done to it.
type EvidenceKind string

// The kinds of evidence. Their names are part of the API.
const (
	SawDiscover  EvidenceKind = "discover" // DHCPDISCOVER, or DHCPv6 SOLICIT
	SawRequest   EvidenceKind = "request"  // DHCPREQUEST in any of its states, or DHCPv6 REQUEST, RENEW, REBIND
	SawDecline   EvidenceKind = "decline"  // somebody else uses the address
	SawRelease   EvidenceKind = "release"
	SawInform    EvidenceKind = "inform"
	SawProxy     EvidenceKind = "proxy"     // asked the proxy DHCP service, port 4011
	SawTFTP      EvidenceKind = "tftp"      // TFTP read request, with all of its transfer
	SawStart     EvidenceKind = "start"     // HTTP: the script that is the same for all
	SawScript    EvidenceKind = "script"    // HTTP: the machine's script
	SawFile      EvidenceKind = "file"      // HTTP: a boot file
	SawHandshake EvidenceKind = "handshake" // TLS of the boot HTTP that failed
	SawFailure   EvidenceKind = "failure"   // a boot script said what it gave up: File is what it wanted
	SawSquatter  EvidenceKind = "squatter"  // somebody (PeerMAC) uses a free address of a pool (Addr) without a lease
	SawForeign   EvidenceKind = "foreign"   // another server's DHCP answer: Peer and PeerMAC say whose
	SawPowerOff  EvidenceKind = "power-off"
	SawPowerOn   EvidenceKind = "power-on"   // by BMC, also the second half of a cycle or reset
	SawOrder     EvidenceKind = "boot-order" // the BMC was told what to boot next: File says it ("ramdisk", "disk")
	SawSession   EvidenceKind = "session"    // the agent asked to be let in
	SawFacts     EvidenceKind = "facts"      // the agent told what it sees of the hardware
	SawCall      EvidenceKind = "call"       // the deployed system phoned home
)

// Outcome is how it ended.
type Outcome string

// The outcomes. Their names are part of the API.
const (
	// Of DHCP.
	OutOffered   Outcome = "offered"
	OutAcked     Outcome = "acked"
	OutNaked     Outcome = "naked"      // refused with a NAK
	OutNoFile    Outcome = "no-file"    // offered or acked, but without a boot file, to a client that wants one
	OutNoSubnet  Outcome = "no-subnet"  // no answer: nothing is configured for that interface or relay
	OutNoAddress Outcome = "no-address" // no answer: no address is free
	OutNotServed Outcome = "not-served" // no answer: the subnet is not for this client; Reply says why
	OutElsewhere Outcome = "elsewhere"  // no answer: the client took another server's offer (Peer)
	OutUnstored  Outcome = "unstored"   // no answer: the lease could not be stored
	OutNotSent   Outcome = "not-sent"   // the answer could not be sent
	OutSilent    Outcome = "silent"     // no answer, for a reason that Reply tells
	OutLimited   Outcome = "limited"    // no answer, or refused: too many at once
	// Of transfers.
	OutComplete    Outcome = "complete"
	OutStalled     Outcome = "stalled"     // the client stopped acknowledging after Bytes of Total
	OutAborted     Outcome = "aborted"     // the client said that it wants no more
	OutProbe       Outcome = "probe"       // only the size was asked for
	OutPart        Outcome = "part"        // a range, in full
	OutNotFound    Outcome = "not-found"   // no such file
	OutUnavailable Outcome = "unavailable" // cannot be read or said now
	// Of scripts, where it also may be OutUnavailable; and of agents.
	OutServed    Outcome = "served"    // File says which
	OutGaveUp    Outcome = "gave-up"   // it goes on by asking anew what to boot
	OutStranger  Outcome = "stranger"  // refused: the address is not the MAC's
	OutAnonymous Outcome = "anonymous" // refused: no MAC was named
	OutUnknown   Outcome = "unknown"   // refused: not recognised
	OutRefused   Outcome = "refused"   // refused, Reply says why
	OutDone      Outcome = "done"
	// Of TLS handshakes, where it also may be OutAborted: the client said nothing and was gone.
	OutDistrusted Outcome = "distrusted" // the client does not trust our certificate
	OutMismatch   Outcome = "mismatch"   // no common version or cipher, or it spoke no TLS
)

// Stage is which of a machine's programs spoke.
type Stage string

// The stages of a boot.
const (
	StageFirmware Stage = "firmware" // PXE or UEFI HTTP boot
	StageLoader   Stage = "loader"   // iPXE or GRUB
	StageAgent    Stage = "agent"    // the ramdisk
	StageSystem   Stage = "system"   // anything else, which mostly is the system on the disk
)

// UEFI tells whether the client is UEFI firmware; a client that did not say is not.
func (e Evidence) UEFI() bool { return e.Arch != "" && e.Arch != "0" }
