package tftp

import (
	"fmt"
	"net/netip"
	"time"
)

// Outcome is how a transfer ended.
type Outcome uint8

// The outcomes.
const (
	Complete Outcome = iota // every block is acknowledged
	Stalled                 // the client fell silent
	Aborted                 // the client sent an ERROR, or closed its port
	Probed                  // the client asked for the options (the size, mostly) and sent an ERROR then, as PXE firmware does
	Refused                 // the server sent an ERROR instead of the file
	Busy                    // likewise, because of the limits
	Failed                  // the server could not go on
	Again                   // the client asked for something else from the same port
)

// String names the outcome for people.
func (o Outcome) String() string {
	switch o {
	case Complete:
		return "complete"
	case Stalled:
		return "stalled"
	case Aborted:
		return "aborted by the client"
	case Probed:
		return "probe"
	case Refused:
		return "refused"
	case Busy:
		return "refused by the limits"
	case Failed:
		return "failed"
	case Again:
		return "asked anew"
	}
	return "unknown"
}

// Transfer is what is reported of one request when it has ended.
type Transfer struct {
	Client        netip.AddrPort
	Name          string // as the client asked, unchecked
	Write         bool   // it was a write request
	BlockSize     int    // bytes; 0: it did not come to that
	Window        int    // blocks
	Sent          int64  // bytes that the client acknowledged
	Size          int64  // bytes of the file, as sent
	Resent        int64  // blocks that had to be sent again
	Outcome       Outcome
	Code          uint16 // of the ERROR, when one was sent or received
	Text          string // of the ERROR; unproven when it is the client's
	Started       time.Time
	Took          time.Duration
	LastAckUnseen bool // Complete, but for the last acknowledgement: the client closed its port with all blocks sent
}

// Words tells how the transfer ended.
func (t Transfer) Words() string {
	switch t.Outcome {
	case Complete:
		if t.LastAckUnseen {
			return fmt.Sprintf("complete, %d bytes; the last block was not acknowledged, but the client closed its port", t.Size)
		}
		return fmt.Sprintf("complete, %d bytes", t.Size)
	case Stalled:
		return fmt.Sprintf("stalled after %d of %d bytes: the client fell silent", t.Sent, t.Size)
	case Aborted:
		if t.Text == "" {
			return fmt.Sprintf("aborted by the client after %d of %d bytes, error %d", t.Sent, t.Size, t.Code)
		}
		return fmt.Sprintf("aborted by the client after %d of %d bytes, error %d %.80q", t.Sent, t.Size, t.Code, t.Text)
	case Probed:
		return fmt.Sprintf("asked for the size of %d bytes and ended, as firmware does", t.Size)
	case Refused, Busy:
		return "error: " + t.Text
	case Again:
		return fmt.Sprintf("ended after %d of %d bytes: the client asked anew from the same port", t.Sent, t.Size)
	}
	return fmt.Sprintf("ended after %d of %d bytes: %s", t.Sent, t.Size, t.Text)
}
