package verdict

import (
	"fmt"
	"strings"
	"time"

	"socle/hardware"
	"socle/inventory"
)

// Sentence is one step of the story.
type Sentence struct {
	Time  time.Time // of the first of Times
	Until time.Time // of the last
	Times int       // how often in a row
	Text  string
	First int // the line of the evidence that it begins with
}

// story tells the evidence in its order; the same sentence several times in a row is one.
func story(lines []inventory.Evidence) (out []Sentence) {
	for i, e := range lines {
		text := tell(e)
		if n := len(out); n > 0 && out[n-1].Text == text {
			out[n-1].Times++
			out[n-1].Until = e.Time
			continue
		}
		out = append(out, Sentence{Time: e.Time, Until: e.Time, Times: 1, Text: text, First: i})
	}
	return out
}

// tell is one line in plain words.
func tell(e inventory.Evidence) string {
	switch e.Kind {
	case inventory.SawPowerOff:
		return "The power was taken away."
	case inventory.SawPowerOn:
		return "The power was given."
	case inventory.SawOrder:
		return "The BMC was told to boot the " + e.File + " next."
	case inventory.SawDiscover, inventory.SawRequest, inventory.SawProxy:
		return who(e) + " " + asked(e) + where(e) + ": " + answered(e) + "."
	case inventory.SawDecline:
		return fmt.Sprintf("%s gave %s back: somebody else uses that address.", someone(e), orThat(e))
	case inventory.SawRelease:
		return someone(e) + " gave its address back."
	case inventory.SawInform:
		return who(e) + " asked for settings only" + where(e) + "."
	case inventory.SawForeign:
		return fmt.Sprintf("Another server answers DHCP here: %s.", peer(e))
	case inventory.SawTFTP, inventory.SawFile:
		return transfer(e)
	case inventory.SawHandshake:
		return handshake(e)
	case inventory.SawStart:
		return "The loader fetched the start script."
	case inventory.SawScript:
		return script(e)
	case inventory.SawSession:
		switch e.Outcome {
		case inventory.OutDone:
			return "The agent spoke: " + e.Reply + "."
		case inventory.OutDistrusted:
			return "The agent came to the API and refused its certificate (" + e.Reply + ")."
		default:
			return "The agent was not let in: " + e.Reply + "."
		}
	case inventory.SawFacts:
		return "The agent told what it sees of the hardware."
	case inventory.SawCall:
		return "The deployed system called."
	default:
		return e.Asked + ": " + e.Reply
	}
}

func who(e inventory.Evidence) string {
	name := "The machine"
	switch e.Client {
	case inventory.StageFirmware:
		name = "The firmware (" + firmware(e) + ")"
	case inventory.StageLoader:
		name = "The loader"
	case inventory.StageAgent:
		name = "The ramdisk"
	case inventory.StageSystem:
		name = "An installed system"
	}
	if e.MAC != "" {
		name += " on " + e.MAC
	}
	return name
}

// someone is who gives an address back: many clients do not say then what they are.
func someone(e inventory.Evidence) string {
	if e.Client == inventory.StageSystem {
		e.Client = ""
	}
	return who(e)
}

// firmware names the client architecture (RFC 4578 section 2.1 and the IANA registry).
func firmware(e inventory.Evidence) string {
	switch e.Arch {
	case "0":
		return "BIOS"
	case "":
		return "of unknown kind"
	case "6", "15":
		return "32-bit UEFI"
	case "7", "9":
		return "UEFI"
	case "16":
		return "UEFI, HTTP boot"
	case "10":
		return "32-bit UEFI arm"
	case "11":
		return "UEFI arm64"
	case "19":
		return "UEFI arm64, HTTP boot"
	default:
		return "architecture " + e.Arch
	}
}

func asked(e inventory.Evidence) string {
	switch e.Kind {
	case inventory.SawDiscover:
		return "looked for a DHCP server"
	case inventory.SawProxy:
		return "asked for its boot file (port 4011)"
	default:
		return "asked for its address"
	}
}

func where(e inventory.Evidence) string {
	switch {
	case e.Relay.IsValid() && e.Port != "":
		return fmt.Sprintf(" by relay %s (port %s)", e.Relay, e.Port)
	case e.Relay.IsValid():
		return fmt.Sprintf(" by relay %s", e.Relay)
	default:
		return ""
	}
}

func answered(e inventory.Evidence) string {
	named := "no boot file"
	if e.File != "" {
		named = "boot file " + e.File
	}
	switch e.Outcome {
	case inventory.OutOffered, inventory.OutNoFile, inventory.OutAcked:
		verb := "confirmed " + orThat(e)
		if e.Kind == inventory.SawDiscover {
			verb = "offered " + orThat(e)
		}
		if e.Client == inventory.StageFirmware || e.Client == inventory.StageLoader {
			return verb + " and " + named
		}
		return verb
	case inventory.OutNaked:
		return "refused (" + reason(e) + ")"
	case inventory.OutNoSubnet:
		return "no answer, since no subnet is configured there"
	case inventory.OutNoAddress:
		return "no answer, since no address is free"
	case inventory.OutElsewhere:
		return "it took the offer of another server, " + peer(e)
	case inventory.OutUnstored:
		return "no answer, since the lease could not be stored"
	case inventory.OutNotServed:
		return "no answer, since its subnet is not for it (" + reason(e) + ")"
	case inventory.OutNotSent:
		return "the answer could not be sent"
	case inventory.OutLimited:
		return "no answer, since too many asked at once"
	default:
		return "no answer (" + reason(e) + ")"
	}
}

// reason is what the server says of its answer, without the word for the kind of it.
func reason(e inventory.Evidence) string {
	for _, head := range []string{"nothing: ", "no answer: ", "NAK: ", "NAK "} {
		if rest, ok := strings.CutPrefix(e.Reply, head); ok {
			return rest
		}
	}
	return e.Reply
}

// inBrackets is why an answer is as it is, where DHCP says so behind what it answered.
func inBrackets(reply string) string {
	if _, why, ok := strings.Cut(reply, "("); ok {
		return strings.TrimSuffix(why, ")")
	}
	return reply
}

func orThat(e inventory.Evidence) string {
	if e.Addr.IsValid() {
		return e.Addr.String()
	}
	return "its address"
}

// peer names another server by its address and, where it is known, its MAC.
func peer(e inventory.Evidence) string {
	switch {
	case e.Peer.IsValid() && e.PeerMAC != "":
		return fmt.Sprintf("%s (MAC %s)", e.Peer, e.PeerMAC)
	case e.Peer.IsValid():
		return e.Peer.String()
	case e.PeerMAC != "":
		return "MAC " + e.PeerMAC
	default:
		return "whose address is not known"
	}
}

func transfer(e inventory.Evidence) string {
	by := "TFTP"
	if e.Kind == inventory.SawFile {
		by = "HTTP"
	}
	name := e.File + " by " + by
	switch e.Outcome {
	case inventory.OutComplete:
		return fmt.Sprintf("It fetched %s, all %s.", name, hardware.Size(uint64(max(e.Total, e.Bytes, 0)))) //nolint:gosec // not negative
	case inventory.OutStalled:
		return fmt.Sprintf("It began to fetch %s and fell silent after %d of %d bytes.", name, e.Bytes, e.Total)
	case inventory.OutAborted:
		return fmt.Sprintf("It gave up fetching %s after %d of %d bytes.", name, e.Bytes, e.Total)
	case inventory.OutProbe:
		return fmt.Sprintf("It asked how large %s is.", e.File)
	case inventory.OutPart:
		return fmt.Sprintf("It fetched %d bytes of %s.", e.Bytes, name)
	case inventory.OutNotFound:
		return fmt.Sprintf("It asked for %s, which is not there.", name)
	case inventory.OutLimited:
		return fmt.Sprintf("It asked for %s and was told to come back: too many at once.", name)
	default:
		return fmt.Sprintf("It asked for %s, which could not be read.", name)
	}
}

func handshake(e inventory.Evidence) string {
	switch e.Outcome {
	case inventory.OutDistrusted:
		return "It came to the boot HTTPS and refused the server's certificate (" + e.Reply + ")."
	case inventory.OutMismatch:
		return "It came to the boot HTTPS, and the two have no way to speak TLS in common (" + e.Reply + ")."
	default:
		return "It came to the boot HTTPS and hung up before TLS was agreed (" + e.Reply + ")."
	}
}

func script(e inventory.Evidence) string {
	switch e.Outcome {
	case inventory.OutUnavailable:
		return "The loader asked what to boot; Socle could not say just then."
	case inventory.OutStranger:
		return fmt.Sprintf("The loader asked what to boot from %s, which is not leased to it, and was refused.", e.Addr)
	case inventory.OutAnonymous:
		return "The loader asked what to boot without naming its MAC."
	case inventory.OutUnknown:
		return "The loader asked what to boot; the machine is not recognised."
	default:
		return "The loader asked what to boot and got the script “" + e.File + "”."
	}
}
