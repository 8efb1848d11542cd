package web

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"socle/inventory"
)

// The rhythm of a stream.
const (
	heartbeat    = 15 * time.Second // a comment, so that both ends notice a dead connection
	pollInterval = 2 * time.Second  // finds what another process committed
	streamLife   = time.Hour        // then the client comes again, and shows its token again
	pageSize     = 500
	writeTimeout = 10 * time.Second // a client that does not take a line for so long is gone
)

// sse writes server-sent events (WHATWG HTML, section 9.2).
type sse struct {
	w  http.ResponseWriter
	rc *http.ResponseController
}

// newSSE starts the stream: headers and the client's waiting time before it comes again.
func newSSE(w http.ResponseWriter) *sse {
	s := &sse{w: w, rc: http.NewResponseController(w)}
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // proxies that would collect the stream
	w.WriteHeader(http.StatusOK)
	return s
}

// send writes one event. Data is one line of JSON.
func (s *sse) send(id int64, name string, data []byte) error {
	var b bytes.Buffer
	if id > 0 {
		b.WriteString("id: " + strconv.FormatInt(id, 10) + "\n")
	}
	b.WriteString("event: " + name + "\ndata: ")
	b.Write(data)
	b.WriteString("\n\n")
	return s.write(b.Bytes())
}

// comment writes a line that clients ignore.
func (s *sse) comment(text string) error { return s.write([]byte(": " + text + "\n\n")) }

func (s *sse) write(b []byte) error {
	_ = s.rc.SetWriteDeadline(time.Now().Add(writeTimeout)) // writers of tests have no deadlines
	if _, err := s.w.Write(b); err != nil {
		return err
	}
	return s.rc.Flush()
}

func (s *Server) enterStream() bool {
	select {
	case s.streams <- struct{}{}:
		return true
	default:
		return false
	}
}

func (s *Server) leaveStream() { <-s.streams }

// follow sends events as they are committed, until the client goes, the server drains or the stream is old.
func (s *Server) follow(ctx context.Context, w *sse, f inventory.EventFilter, send func(inventory.Event) error) {
	ctx, cancel := context.WithTimeout(ctx, streamLife)
	defer cancel()
	changes, unsubscribe := s.o.Changes.Subscribe()
	defer unsubscribe()
	_ = w.rc.SetReadDeadline(time.Time{}) // writers of tests have no deadlines
	if w.write([]byte("retry: 2000\n\n")) != nil {
		return
	}
	beat, poll := time.NewTicker(heartbeat), time.NewTicker(pollInterval)
	defer beat.Stop()
	defer poll.Stop()
	f.Limit = pageSize
	for {
		next, err := s.sendAfter(ctx, f, send)
		if err != nil {
			s.o.Log.Debug("event stream ended", slog.Any("error", err), slog.String("req", requestID(ctx)))
			return
		}
		f.After = next
		select {
		case <-ctx.Done():
			return
		case <-s.life.Done():
			return
		case <-changes:
		case <-poll.C:
		case <-beat.C:
			if w.comment("still here") != nil {
				return
			}
		}
	}
}

// sendAfter sends all events that follow, page by page, and returns the last one's number.
func (s *Server) sendAfter(ctx context.Context, f inventory.EventFilter, send func(inventory.Event) error) (int64, error) {
	for {
		events, err := s.events(ctx, f)
		if err != nil {
			return f.After, err
		}
		for _, e := range events {
			if err := send(e); err != nil {
				return f.After, err
			}
			f.After = e.Seq
		}
		if len(events) < f.Limit {
			return f.After, nil
		}
	}
}
