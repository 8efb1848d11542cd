package tftp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// Options are what a server needs; Listen and Open must be set.
type Options struct {
	// Listen is "ADDRESS:PORT", or ":PORT" for every address of IPv4 and IPv6.
	Listen string
	// Open finds the content of a name for a client. An error that is fs.ErrNotExist is told as "file not
	// found", fs.ErrPermission as "access violation", any other as "try again"; their texts are never sent.
	// A file with a method Digest() string, or Stat as *os.File has it, is kept in memory.
	Open func(ctx context.Context, client netip.Addr, name string) (io.ReadCloser, int64, error)
	// Report is told of each request that has ended; nil: nobody is. It must not block.
	Report func(Transfer)
	// MAC names the hardware address that holds an address, for the rules; nil: unknown.
	MAC func(netip.Addr) string
	// Rules is the policy for clients that ask for more than they can take.
	Rules []Rule
	Log   *slog.Logger // nil: silent
	// MaxTransfers is how many transfers run at once (default 1024), and MaxPerClient how many of them one
	// address may have (default 8); who comes then is told to try again.
	MaxTransfers, MaxPerClient int
	// Timeout is the longest that an acknowledgement is waited for before blocks are sent again the first time
	// (default 2 s), unless the client asks for another time; after eight of them without a word the client
	// is given up.
	Timeout time.Duration
	// CacheBytes bounds what is kept of boot files, and the size of one (default 128 MiB).
	CacheBytes int64
	// Loops is how many event loops share the transfers. Default: half the processors, at least 1 and at most
	// 4: the kernel's share of a transfer, the client's end in a lab, and the other services need the rest.
	Loops int
}

// Server hands out files by TFTP.
type Server struct {
	opt      Options
	registry *registry
	contents *contents
	plain    *plain
	opens    chan *entry
	loops    []*loop
	stopping atomic.Bool
	opening  atomic.Int64
	answers  throttle // errors that are sent
	noise    throttle // reports of them

	mu     sync.Mutex
	listen []*listener
}

// What a client is told. None of the texts names a path of the server.
const (
	textBusy     = "too many transfers, try again"
	textNoFile   = "file not found"
	textAccess   = "access violation"
	textLater    = "file cannot be read now, try again"
	textInternal = "internal error"
	textReadOnly = "this server is read-only"
	textStopping = "the server stops, try again"
)

const (
	openers      = 8
	openTimeout  = 10 * time.Second
	patienceWait = 8                // longest waits without a word, then a client is given up
	maxPatience  = 90 * time.Second // whatever wait it asked for
	grace        = 5 * time.Second  // for transfers that run when the server stops
	answersEach  = 500              // errors that are sent, a second
	reportsEach  = 50               // reports of them, a second
)

// New checks the options and makes a server.
func New(opt Options) (*Server, error) {
	if opt.Open == nil {
		return nil, errors.New("making TFTP server: nothing opens files")
	}
	if opt.Listen == "" {
		opt.Listen = ":69"
	}
	if opt.Report == nil {
		opt.Report = func(Transfer) {}
	}
	if opt.MAC == nil {
		opt.MAC = func(netip.Addr) string { return "" }
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	opt.MaxTransfers = or(opt.MaxTransfers, 1024)
	opt.MaxPerClient = or(opt.MaxPerClient, 8)
	opt.Timeout = or(opt.Timeout, 2*time.Second)
	opt.CacheBytes = or(opt.CacheBytes, 128<<20)
	opt.Loops = or(opt.Loops, min(max(runtime.GOMAXPROCS(0)/2, 1), 4))
	s := &Server{opt: opt, registry: newRegistry(opt.MaxTransfers, opt.MaxPerClient), contents: newContents(opt.CacheBytes), opens: make(chan *entry, opt.MaxTransfers)}
	s.plain = newPlain(s)
	return s, nil
}

func or[T int | int64 | time.Duration](v, otherwise T) T {
	if v <= 0 {
		return otherwise
	}
	return v
}

// Listen opens the sockets, so that an address in use is told at once; Serve does it otherwise.
func (s *Server) Listen() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listen != nil {
		return nil
	}
	var err error
	s.listen, err = listenAll(s.opt.Listen)
	return err
}

// Addrs are the addresses that are listened on, after Listen.
func (s *Server) Addrs() []netip.AddrPort {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []netip.AddrPort
	for _, p := range s.listen {
		out = append(out, p.addr)
	}
	return out
}

// Serve answers until ctx ends; transfers that run are then given a few seconds to end. A server serves once.
func (s *Server) Serve(ctx context.Context) error {
	if err := s.Listen(); err != nil {
		return err
	}
	if err := s.makeLoops(); err != nil {
		return err
	}
	var run sync.WaitGroup
	for _, l := range s.loops {
		run.Go(l.run)
	}
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	var others sync.WaitGroup
	for range openers {
		others.Go(func() { s.openAll(work) })
	}
	others.Go(s.plain.run)
	<-ctx.Done()
	s.loops[0].post(s.closeListeners) // first: a loop that sees the mark below, and has nothing to do, ends
	s.stopping.Store(true)
	stop()
	cut := time.AfterFunc(grace, s.cutOff)
	for _, l := range s.loops {
		l.post(func() {})
	}
	others.Go(s.plain.stop)
	run.Wait()
	cut.Stop()
	await(&others, grace)
	for _, l := range s.loops {
		l.close()
	}
	return nil
}

// await waits for a group, but no longer than limit: a transfer of the library to a silent client ends by
// its own time-outs, and a file system that hangs perhaps never.
func await(g *sync.WaitGroup, limit time.Duration) {
	ended := make(chan struct{})
	go func() { g.Wait(); close(ended) }()
	select {
	case <-ended:
	case <-time.After(limit):
	}
}

func (s *Server) makeLoops() error {
	for range s.opt.Loops {
		l, err := newLoop(s)
		if err != nil {
			return err
		}
		s.loops = append(s.loops, l)
	}
	first := s.loops[0]
	first.listen = s.listen
	for _, p := range s.listen {
		if err := first.add(p.fd, unix.EPOLLIN); err != nil {
			return err
		}
	}
	return nil
}

func (s *Server) closeListeners() {
	for _, p := range s.listen {
		_ = unix.Close(p.fd)
	}
	s.loops[0].listen = nil
}

// cutOff ends the transfers that still run when the server stops.
func (s *Server) cutOff() {
	for _, l := range s.loops {
		l.post(func() {
			for len(l.senders) > 0 {
				v := l.senders[0]
				v.tell(CodeOther, textStopping)
				v.end(Failed, CodeOther, textStopping)
			}
		})
	}
}

// request takes a datagram that came to a listening socket. It runs in a loop and must not wait.
func (s *Server) request(peer netip.AddrPort, local netip.Addr, b []byte) {
	req, err := parseRequest(b)
	unknown := &entry{peer: peer, local: local, req: req}
	switch {
	case errors.Is(err, errNotRequest) || s.stopping.Load():
		return
	case err != nil:
		s.refuse(unknown, CodeIllegal, err.Error(), Refused)
		return
	case req.write:
		s.refuse(unknown, CodeAccess, textReadOnly, Refused)
		return
	}
	e, a := s.registry.enter(peer, local, b, req)
	switch a {
	case admitted:
		s.opening.Add(1)
		s.opens <- e // as many places as the registry admits
	case full, clientFull:
		s.refuse(unknown, CodeOther, textBusy, Busy)
	case repeated, different:
		if v := e.sender.Load(); v != nil {
			again := append([]byte(nil), b...)
			v.loop.post(func() { v.asked(a, func() { s.request(peer, local, again) }) })
		}
	}
}

// openAll opens files for requests until ctx ends.
func (s *Server) openAll(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case e := <-s.opens:
			s.open(ctx, e)
			s.opening.Add(-1)
		}
	}
}

// open finds the content for a request and begins the transfer.
func (s *Server) open(ctx context.Context, e *entry) {
	defer func() {
		if r := recover(); r != nil {
			s.opt.Log.Error("opening a file for TFTP panicked", "client", e.peer, "panic", fmt.Sprint(r))
			s.refuse(e, CodeOther, textInternal, Failed)
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	data, err := s.read(ctx, e)
	switch {
	case err == nil && s.plain.fits(e):
		s.plain.serve(e, data)
	case err == nil:
		s.begin(e, data)
	case errors.Is(err, fs.ErrNotExist):
		s.refuse(e, CodeNotFound, textNoFile, Refused)
	case errors.Is(err, fs.ErrPermission):
		s.refuse(e, CodeAccess, textAccess, Refused)
	case errors.Is(err, errTooLarge):
		s.refuse(e, CodeOther, errTooLarge.Error(), Refused)
	default:
		s.opt.Log.Error("boot file cannot be read", "file", e.req.name, "client", e.peer, "err", err)
		s.refuse(e, CodeOther, textLater, Refused)
	}
}

func (s *Server) read(ctx context.Context, e *entry) ([]byte, error) {
	f, size, err := s.opt.Open(ctx, e.peer.Addr().WithZone(""), e.req.name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return s.contents.load(e.req.name, f, size, e.req.netascii)
}

// begin gives the transfer to the loop that has the fewest.
func (s *Server) begin(e *entry, data []byte) {
	fd, err := openTransfer(e.local, e.peer)
	if err != nil {
		s.opt.Log.Warn("TFTP client cannot be answered", "client", e.peer, "err", err)
		s.ended(e, Transfer{Outcome: Failed, Text: "the client cannot be reached", Size: int64(len(data))})
		return
	}
	peer := e.peer.Addr()
	limit := limitFor(s.opt.Rules, s.opt.MAC(peer.WithZone("")), strings.ToLower(e.req.name), fits(fd, peer.Is4()))
	t := negotiate(e.req, int64(len(data)), limit)
	l := s.leastLoaded()
	_, probe := e.req.value(optSize)
	v := &sender{entry: e, loop: l, fd: fd, data: data, terms: t, probe: probe, progress: newProgress(int64(len(data)), t),
		pace: newPace(s.wait(t.timeout)), segments: canSegment(t.block), started: time.Now()}
	e.sender.Store(v)
	if !l.post(func() { l.adopt(v) }) {
		_ = unix.Close(fd)
		s.refuse(e, CodeOther, textStopping, Refused)
	}
}

func (s *Server) leastLoaded() *loop {
	var best *loop
	least := 0
	for _, l := range s.loops {
		l.mu.Lock()
		n := l.load
		l.mu.Unlock()
		if best == nil || n < least {
			best, least = l, n
		}
	}
	best.mu.Lock()
	best.load++
	best.mu.Unlock()
	return best
}

// wait is the longest time before blocks are sent again the first time, for a client that asked for so many seconds.
func (s *Server) wait(asked int64) time.Duration {
	if asked > 0 {
		return time.Duration(asked) * time.Second
	}
	return s.opt.Timeout
}

// patience is how long a client may be silent.
func (s *Server) patience(asked int64) time.Duration {
	return min(patienceWait*s.wait(asked), maxPatience)
}

// refuse sends an ERROR from a port of its own, and reports it. Under a flood it does neither.
func (s *Server) refuse(e *entry, code uint16, text string, o Outcome) {
	if s.answers.allow(answersEach) {
		if fd, err := openTransfer(e.local, e.peer); err == nil {
			_ = write(fd, errorPacket(code, text))
			_ = unix.Close(fd)
		}
	}
	if !s.noise.allow(reportsEach) {
		s.registry.leave(e)
		return
	}
	s.ended(e, Transfer{Outcome: o, Code: code, Text: text})
}

// ended reports what never became a transfer.
func (s *Server) ended(e *entry, t Transfer) {
	r := s.report(e)
	r.Outcome, r.Code, r.Text, r.Size, r.Started = t.Outcome, t.Code, t.Text, t.Size, time.Now()
	s.finish(e, r)
}

func (s *Server) report(e *entry) Transfer {
	return Transfer{Client: e.peer, Name: e.req.name, Write: e.req.write}
}

// finish frees the place of a request and reports it.
func (s *Server) finish(e *entry, t Transfer) {
	s.registry.leave(e)
	t.Took = time.Since(t.Started)
	s.opt.Report(t)
}

// throttle lets so many things through a second.
type throttle struct {
	mu     sync.Mutex
	second int64
	n      int
}

func (t *throttle) allow(limit int) bool {
	now := time.Now().Unix()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.second != now {
		t.second, t.n = now, 0
	}
	t.n++
	return t.n <= limit
}
