package redfish

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
)

// stream is one client of server-sent events (DSP0266, section "Server-sent events").
type stream struct{ lines chan []byte }

// offer queues an event; a client that does not read loses it.
func (s *stream) offer(id string, o object) {
	text, err := json.Marshal(o)
	if err != nil {
		return
	}
	select {
	case s.lines <- fmt.Appendf(nil, "id: %s\ndata: %s\n\n", id, text):
	default:
	}
}

// maxStreams is how many clients may listen.
const maxStreams = 4

// streamEvents answers until the client goes or the controller restarts or closes.
func streamEvents(b *BMC, c *call) error {
	if b.shape.Quirks.NoEventStream {
		return notFound(c.URL.Path)
	}
	s := &stream{lines: make(chan []byte, maxQueue)}
	full := false
	b.locked(func() {
		if full = len(b.events.streams) >= maxStreams; !full {
			b.events.streams = append(b.events.streams, s)
		}
	})
	if full {
		return problemf(http.StatusServiceUnavailable, "EventSubscriptionLimitExceeded", "The event subscription failed due to the number of simultaneous subscriptions exceeding the limit of the implementation.")
	}
	defer b.locked(func() {
		b.events.streams = slices.DeleteFunc(b.events.streams, func(x *stream) bool { return x == s })
	})
	c.w.Header().Set("Content-Type", "text/event-stream")
	c.w.WriteHeader(http.StatusOK)
	flush := http.NewResponseController(c.w)
	if err := flush.Flush(); err != nil {
		return nil
	}
	for {
		select {
		case <-c.Context().Done():
			return nil
		case <-b.ctx.Done():
			return nil
		case line, ok := <-s.lines:
			if !ok {
				return nil
			}
			if _, err := c.w.Write(line); err != nil {
				return nil
			}
			if err := flush.Flush(); err != nil {
				return nil
			}
		}
	}
}
