package pxe

import (
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// ServerLimits bound what clients can hold of a boot HTTP server. Zero values take the defaults.
type ServerLimits struct {
	// Conns is how many connections there are at once (default 4096), and PerClient how many of them one address may
	// have (default 128: a rack behind one proxy). Who comes then is cut off, and comes again.
	Conns, PerClient int
	Header           time.Duration // for a request, and for a TLS handshake (default 10 s)
	Idle             time.Duration // between two requests (default 1 min)
	// Stall is how long a client may take to accept a script, or the next part (1 MiB) of a file (default 1 min): 17 kB/s
	// are enough.
	Stall time.Duration
}

func (l ServerLimits) withDefaults() ServerLimits {
	for _, n := range []struct {
		value *int
		byDef int
	}{{&l.Conns, 4096}, {&l.PerClient, 128}} {
		if *n.value <= 0 {
			*n.value = n.byDef
		}
	}
	for _, d := range []struct {
		value *time.Duration
		byDef time.Duration
	}{{&l.Header, 10 * time.Second}, {&l.Idle, time.Minute}, {&l.Stall, time.Minute}} {
		if *d.value <= 0 {
			*d.value = d.byDef
		}
	}
	return l
}

// filePart is how much of a file a client must accept within ServerLimits.Stall.
const filePart = 1 << 20

// NewServer makes an HTTP server for boot files that slow and silent clients cannot exhaust, whatever they leave
// unfinished. log takes the errors of connections; nil: nobody does. also are told what http.Server.ConnState is.
func NewServer(handler http.Handler, limits ServerLimits, log *slog.Logger, also ...func(net.Conn, http.ConnState)) *http.Server {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	limits = limits.withDefaults()
	c := &conns{limits: limits, log: log, each: map[netip.Addr]int{}}
	state := func(conn net.Conn, s http.ConnState) {
		c.state(conn, s)
		for _, f := range also {
			f(conn, s)
		}
	}
	return &http.Server{
		Handler: c.guard(handler), ConnState: state,
		ReadHeaderTimeout: limits.Header, WriteTimeout: limits.Stall, IdleTimeout: limits.Idle, MaxHeaderBytes: 16 << 10,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
}

// conns counts the connections.
type conns struct {
	limits ServerLimits
	log    *slog.Logger

	mu     sync.Mutex
	all    int
	each   map[netip.Addr]int
	warned time.Time
}

// state implements http.Server.ConnState. A connection that is too much counts until the server has noticed that it is
// closed.
func (c *conns) state(conn net.Conn, s http.ConnState) {
	client := clientAddr(conn.RemoteAddr())
	switch s {
	case http.StateNew:
		if !c.add(client) {
			_ = conn.Close() // the client comes again
		}
	case http.StateClosed, http.StateHijacked:
		c.remove(client)
	case http.StateActive, http.StateIdle:
	}
}

func (c *conns) add(client netip.Addr) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all++
	c.each[client]++
	if c.all <= c.limits.Conns && c.each[client] <= c.limits.PerClient {
		return true
	}
	if now := time.Now(); now.Sub(c.warned) > time.Minute {
		c.warned = now
		c.log.Warn("too many connections: clients are cut off", "client", client, "of_client", c.each[client], "all", c.all)
	}
	return false
}

func (c *conns) remove(client netip.Addr) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all--
	if c.each[client]--; c.each[client] <= 0 {
		delete(c.each, client)
	}
}

func clientAddr(a net.Addr) netip.Addr {
	if tcp, ok := a.(*net.TCPAddr); ok {
		return tcp.AddrPort().Addr().Unmap().WithZone("")
	}
	return netip.Addr{}
}

// guard bounds what the server itself does not: a body, which nobody needs and which the server would wait for, and the
// sending of files.
func (c *conns) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength != 0 {
			// After its answer the server reads the rest of a body, and waits for it as long as it takes.
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(c.limits.Header))
			w.Header().Set("Connection", "close")
			http.Error(w, "requests for boot files have no body", http.StatusBadRequest)
			return
		}
		next.ServeHTTP(&patient{ResponseWriter: w, stall: c.limits.Stall}, r)
	})
}

// patient gives the client time for each part of a file, instead of for the whole. It hands files to the kernel as the
// writer below does (sendfile), a part at a time.
type patient struct {
	http.ResponseWriter
	stall time.Duration
	sent  int // since the time was last set
}

// Unwrap lets http.ResponseController find the server's own writer.
func (p *patient) Unwrap() http.ResponseWriter { return p.ResponseWriter }

// more gives time for the next part. A writer that knows no times, as those of tests, does without.
func (p *patient) more() {
	_ = http.NewResponseController(p.ResponseWriter).SetWriteDeadline(time.Now().Add(p.stall))
	p.sent = 0
}

// Write implements io.Writer.
func (p *patient) Write(b []byte) (int, error) {
	if p.sent += len(b); p.sent > filePart {
		p.more()
	}
	return p.ResponseWriter.Write(b)
}

// ReadFrom implements io.ReaderFrom.
func (p *patient) ReadFrom(r io.Reader) (n int64, err error) {
	to, ok := p.ResponseWriter.(io.ReaderFrom)
	if !ok {
		return io.Copy(writerOnly{p}, r)
	}
	// The kernel takes a file, or a limited part of one: so the limit of the whole is counted here, and one of a part
	// stands directly before the file.
	whole, ok := r.(*io.LimitedReader)
	if !ok {
		whole = &io.LimitedReader{R: r, N: 1<<63 - 1}
	}
	for whole.N > 0 {
		p.more()
		part := &io.LimitedReader{R: whole.R, N: min(whole.N, filePart)}
		wanted := part.N
		m, err := to.ReadFrom(part)
		n += m
		whole.N -= m
		if err != nil || m < wanted {
			return n, err
		}
	}
	return n, nil
}

// writerOnly hides ReadFrom.
type writerOnly struct{ io.Writer }
