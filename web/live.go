package web

import (
	"context"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"
)

// tickEvery is how often an open page is told at most that it is old.
const tickEvery = time.Second

// live tells an open page that something was committed; the page then asks for itself again. No data goes
// this way: what is shown always comes from a template.
func (s *Server) live(c echo.Context) error {
	if !s.enterStream() {
		return newProblem(http.StatusServiceUnavailable, "too many event streams are open; try again later")
	}
	defer s.leaveStream()
	ctx, cancel := context.WithTimeout(c.Request().Context(), streamLife)
	defer cancel()
	seq, err := s.newestSeq(ctx)
	if err != nil {
		return err
	}
	w := newSSE(c.Response())
	if err := s.tick(ctx, w, seq); err != nil {
		s.o.Log.Debug("live page ended", slog.Any("error", err), slog.String("req", requestID(ctx)))
	}
	return nil
}

// tick sends "change" after each commit of this process, and when the history grew by another one's.
func (s *Server) tick(ctx context.Context, w *sse, seq int64) error {
	changes, unsubscribe := s.o.Changes.Subscribe()
	defer unsubscribe()
	beat, poll := time.NewTicker(heartbeat), time.NewTicker(pollInterval)
	defer beat.Stop()
	defer poll.Stop()
	if err := w.write([]byte("retry: 2000\n\n")); err != nil {
		return err
	}
	for {
		news := false
		select {
		case <-ctx.Done():
			return nil
		case <-s.life.Done():
			return nil
		case <-changes:
			news = true
		case <-poll.C:
			newest, err := s.newestSeq(ctx)
			if err != nil {
				return err
			}
			news, seq = newest != seq, newest
		case <-beat.C:
			if err := w.comment("still here"); err != nil {
				return err
			}
		}
		if !news {
			continue
		}
		if err := w.send(0, "change", []byte(strconv.FormatInt(seq, 10))); err != nil {
			return err
		}
		select { // what is committed meanwhile is one tick
		case <-time.After(tickEvery):
		case <-ctx.Done():
		case <-s.life.Done():
		}
	}
}
