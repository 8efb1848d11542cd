package bmc

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"socle/inventory"
)

// Notice is something that a controller says by itself has happened. It is a stranger's word, and may be anybody's: good
// for having a look, and for nothing else.
type Notice struct {
	Health inventory.Health // how bad it is
	Text   string
}

// Bounds of what is read of an event.
const (
	MaxNotice  = 64 << 10 // bytes of one event with all its records
	maxRecords = 64
)

// ParseNotices reads an event as controllers post and stream it (DMTF schema Event).
func ParseNotices(text []byte) ([]Notice, error) {
	if len(text) > MaxNotice {
		return nil, fmt.Errorf("an event of %d bytes: at most %d are read", len(text), MaxNotice)
	}
	var event struct {
		Events []struct{ Severity, MessageSeverity, Message, MessageID, EventType string }
	}
	if err := json.Unmarshal(text, &event); err != nil {
		return nil, fmt.Errorf("reading an event: %w", err)
	}
	if len(event.Events) == 0 {
		return nil, errors.New("reading an event: it has no records")
	}
	var all []Notice
	for _, r := range event.Events[:min(len(event.Events), maxRecords)] {
		all = append(all, Notice{Health: healthOf(cmp.Or(r.MessageSeverity, r.Severity)), Text: clean(cmp.Or(r.Message, r.MessageID, r.EventType))})
	}
	return all, nil
}

// readNotices reads a stream of server-sent events (WHATWG HTML, section 9.2.6) until it ends, and returns why it did.
// What is no event, or too long for one, is passed over.
func readNotices(stream io.Reader, hear func(Notice)) error {
	in := bufio.NewReaderSize(stream, 4<<10)
	var data []byte
	begins, wanted, over := true, false, false
	for {
		part, more, err := in.ReadLine()
		if err != nil {
			return err
		}
		if begins && len(part) == 0 { // the event is complete
			if all, err := ParseNotices(data); err == nil && !over {
				for _, n := range all {
					hear(n)
				}
			}
			data, over = data[:0], false
			continue
		}
		if begins {
			part, wanted = bytes.CutPrefix(part, []byte("data:"))
		}
		begins = !more
		if over = over || wanted && len(data)+len(part) >= MaxNotice; over {
			data = nil
		} else if wanted {
			data = append(data, part...)
			if begins {
				data = append(data, '\n')
			}
		}
	}
}
