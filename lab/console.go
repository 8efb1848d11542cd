package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"sync"
)

// maxConsoleLog bounds the console's log file, in bytes; one older file of that size is kept beside it.
const maxConsoleLog = 8 << 20

// hub is the far end of a server's serial line. QEMU connects to it on each power-on; it writes down what comes
// and passes it to whoever looks: ipmi_sim for Serial-over-LAN, and "lab console".
type hub struct {
	logPath string
	log     *slog.Logger

	mu      sync.Mutex
	guest   net.Conn // QEMU, nil while off
	viewers map[*viewer]struct{}
	file    *os.File
	size    int64
}

// viewer is one who looks on. What it does not fetch in time is lost for it, never held up for the guest.
type viewer struct{ out chan []byte }

func newHub(logPath string, log *slog.Logger) *hub {
	return &hub{logPath: logPath, log: log, viewers: map[*viewer]struct{}{}}
}

// serveGuest accepts QEMU on the serial line's socket until ctx ends.
func (h *hub) serveGuest(ctx context.Context, l net.Listener) error {
	return acceptAll(ctx, l, func(conn net.Conn) {
		h.mu.Lock()
		h.guest = conn
		h.mu.Unlock()
		buf := make([]byte, 4096)
		for {
			n, err := conn.Read(buf)
			if n > 0 {
				h.spread(buf[:n])
			}
			if err != nil {
				break
			}
		}
		h.mu.Lock()
		if h.guest == conn {
			h.guest = nil
		}
		h.mu.Unlock()
	})
}

// serveViewers accepts those who look on, here ipmi_sim, until ctx ends.
func (h *hub) serveViewers(ctx context.Context, l net.Listener) error {
	return acceptAll(ctx, l, func(conn net.Conn) { h.view(ctx, conn) })
}

// view connects one viewer until it or ctx ends. It does not close the connection.
func (h *hub) view(ctx context.Context, conn io.ReadWriter) {
	v := &viewer{out: make(chan []byte, 256)}
	h.mu.Lock()
	h.viewers[v] = struct{}{}
	h.mu.Unlock()
	defer func() {
		h.mu.Lock()
		delete(h.viewers, v)
		h.mu.Unlock()
	}()
	typed := make(chan struct{}) // closed when the viewer is gone
	go func() {
		defer close(typed)
		_, _ = io.Copy(guestInput{h}, conn)
	}()
	for {
		select {
		case <-ctx.Done():
			return
		case <-typed:
			return
		case text := <-v.out:
			if _, err := conn.Write(text); err != nil {
				return
			}
		}
	}
}

// guestInput passes on what is typed; while the server is off it goes nowhere, as on a real line.
type guestInput struct{ h *hub }

func (g guestInput) Write(p []byte) (int, error) {
	g.h.mu.Lock()
	guest := g.h.guest
	g.h.mu.Unlock()
	if guest != nil {
		_, _ = guest.Write(p)
	}
	return len(p), nil
}

// spread writes output to the log and gives every viewer a copy.
func (h *hub) spread(p []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.record(p); err != nil {
		h.log.Warn("writing console log", "file", h.logPath, "error", err)
	}
	for v := range h.viewers {
		select {
		case v.out <- append([]byte(nil), p...):
		default:
		}
	}
}

func (h *hub) record(p []byte) error {
	if h.file != nil && h.size > maxConsoleLog {
		_ = h.file.Close()
		h.file = nil
		if err := os.Rename(h.logPath, h.logPath+".1"); err != nil {
			return err
		}
	}
	if h.file == nil {
		f, err := os.OpenFile(h.logPath, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		h.size, err = f.Seek(0, io.SeekEnd)
		if err != nil {
			return errors.Join(err, f.Close())
		}
		h.file = f
	}
	n, err := h.file.Write(p)
	h.size += int64(n)
	return err
}

// mark writes a line of our own into the log, so that power changes can be found in it.
func (h *hub) mark(format string, args ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	_ = h.record(fmt.Appendf(nil, "\r\n[socle lab: "+format+"]\r\n", args...))
}

// acceptAll serves connections, each in its own goroutine, until ctx ends; then it closes all and waits.
func acceptAll(ctx context.Context, l net.Listener, serve func(net.Conn)) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	stop := context.AfterFunc(ctx, func() { _ = l.Close() })
	defer stop()
	for {
		conn, err := l.Accept()
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("accepting on %s: %w", l.Addr(), err)
		}
		wg.Go(func() {
			closeConn := context.AfterFunc(ctx, func() { _ = conn.Close() })
			defer closeConn()
			serve(conn)
			_ = conn.Close()
		})
	}
}
