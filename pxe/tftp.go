package pxe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/pin/tftp/v3"

	"socle/inventory"
)

// TFTPOptions are what the TFTP server needs; Listen and Files must be set.
type TFTPOptions struct {
	Listen   string // IPv4 "ADDRESS:69" or ":69"; only IPv4 is served
	Files    Files
	Recorder Recorder // nil: evidence is forgotten
	// Resolve opens what is served beside the loaders of the firmware table; nil: nothing is.
	Resolve Resolver
	// Holder names the MAC that holds an address, for the evidence; nil: unknown.
	Holder func(netip.Addr) (mac string, ok bool)
	Log    *slog.Logger // nil: silent
	Now    func() time.Time
	// MaxTransfers is how many transfers run at once (default 128), and MaxPerClient how many of them one
	// address may have (default 4); who comes then is told to try again.
	MaxTransfers, MaxPerClient int
	// Timeout is how long an acknowledgement is waited for before a block is sent again, five times at most
	// (default 2 s).
	Timeout time.Duration
}

// TFTP hands out the loaders of the firmware table (RFC 1350, 2347, 2348, 2349), and nothing else. Each
// transfer runs from a port of its own.
type TFTP struct {
	opt TFTPOptions

	mu      sync.Mutex
	running int
	clients map[netip.Addr]int
	conn    *net.UDPConn
}

// What a client is told. The texts name no paths of the server.
var (
	errBusy     = errors.New("too many transfers, try again")
	errNoFile   = errors.New("file not found")
	errNotNow   = errors.New("file cannot be read now, try again")
	errInternal = errors.New("internal error")
	errReadOnly = errors.New("this server is read-only")
)

// NewTFTP checks the options and makes a server.
func NewTFTP(opt TFTPOptions) (*TFTP, error) {
	if opt.Files == nil {
		return nil, errors.New("making TFTP server: no files are given")
	}
	if opt.Listen == "" {
		opt.Listen = ":69"
	}
	if opt.Recorder == nil {
		opt.Recorder = NoRecorder{}
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.MaxTransfers <= 0 {
		opt.MaxTransfers = 128
	}
	if opt.MaxPerClient <= 0 {
		opt.MaxPerClient = 4
	}
	if opt.Timeout <= 0 {
		opt.Timeout = 2 * time.Second
	}
	return &TFTP{opt: opt, clients: map[netip.Addr]int{}}, nil
}

// Listen opens the socket, so that an address in use is told at once; Serve does it otherwise.
func (t *TFTP) Listen() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.conn != nil {
		return nil
	}
	addr, err := net.ResolveUDPAddr("udp4", t.opt.Listen)
	if err != nil {
		return fmt.Errorf("reading TFTP address %q: %w", t.opt.Listen, err)
	}
	conn, err := net.ListenUDP("udp4", addr)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("listening for TFTP on %s: another TFTP server has it, stop that one (ss -ulpn sport = :%d shows it): %w",
			t.opt.Listen, addr.Port, err)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("listening for TFTP on %s: ports below 1024 need root or CAP_NET_BIND_SERVICE: %w", t.opt.Listen, err)
	case err != nil:
		return fmt.Errorf("listening for TFTP on %s: %w", t.opt.Listen, err)
	}
	t.conn = conn
	return nil
}

// Addr is the address that is listened on, after Listen.
func (t *TFTP) Addr() netip.AddrPort {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.conn == nil {
		return netip.AddrPort{}
	}
	return t.conn.LocalAddr().(*net.UDPAddr).AddrPort()
}

// Serve answers until ctx ends; transfers that run are then given up to five time-outs to end.
func (t *TFTP) Serve(ctx context.Context) error {
	if err := t.Listen(); err != nil {
		return err
	}
	// Neither EnableSinglePort nor SetAnticipate: both crash the process on packets that anybody can send.
	srv := tftp.NewServer(t.read, func(string, io.WriterTo) error { return errReadOnly })
	srv.SetTimeout(t.opt.Timeout)
	srv.SetRetries(5)
	srv.SetBackoff(func(int) time.Duration { return 0 }) // the time-out is wait enough; the default adds up to a second
	srv.SetHook(quiet{})
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		<-ctx.Done()
		srv.Shutdown()
	}()
	for ctx.Err() == nil {
		if err := t.serve(srv); err != nil {
			t.opt.Log.Error("serving TFTP failed, going on", "err", err)
			select {
			case <-ctx.Done():
			case <-time.After(100 * time.Millisecond):
			}
		}
	}
	<-stopped
	return nil
}

// serve runs the library's loop and survives a packet that makes it panic.
func (t *TFTP) serve(srv *tftp.Server) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("reading a TFTP request: panic: %v", r)
		}
	}()
	return srv.Serve(t.conn)
}

// quiet keeps the library from doing more than it must with failures: read reports its own.
type quiet struct{}

func (quiet) OnSuccess(tftp.TransferStats)        {}
func (quiet) OnFailure(tftp.TransferStats, error) {}

// read answers one read request. The error that it returns is sent to the client as it is.
func (t *TFTP) read(name string, rf io.ReaderFrom) (err error) {
	var peer netip.Addr
	out, ok := rf.(tftp.OutgoingTransfer)
	if ok {
		a := out.RemoteAddr()
		peer = a.AddrPort().Addr().Unmap()
	}
	var sent, total int64
	var note string
	outcome := inventory.OutComplete
	defer func() {
		if r := recover(); r != nil {
			t.opt.Log.Error("TFTP transfer panicked", "client", peer, "panic", fmt.Sprint(r))
			err = errInternal
		}
		outcome = tftpOutcome(outcome, err)
		t.record(peer, name, sent, note, err, inventory.Evidence{Kind: inventory.SawTFTP, Outcome: outcome, File: name, Total: total, Addr: peer})
	}()
	if !t.enter(peer) {
		return errBusy
	}
	defer t.leave(peer)
	name = strings.TrimLeft(name, "/")
	f, size, err := t.open(peer, name)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) && !isLoader(name) && !grubFiles[name] {
			return errNoFile // of foreign names the evidence tells enough
		}
		t.opt.Log.Warn("boot file cannot be opened", "file", name, "client", peer, "err", err)
		if errors.Is(err, fs.ErrNotExist) {
			return errNoFile
		}
		return errNotNow
	}
	defer f.Close()
	total = size
	if ok {
		out.SetSize(size)
	}
	// Errors of the file are reworded on the way, since the library sends their texts; what it returns has
	// been sent, or is the client's own.
	if sent, err = rf.ReadFrom(&reworded{f, t.opt.Log}); err != nil {
		note = fmt.Sprintf("ended: %.100q", err.Error())
		if sent == 0 {
			note = "ended before the first block (firmware asks for the size this way)"
		}
		outcome = endedAs(sent, err)
	}
	return nil
}

// open finds a loader, or what the resolver has.
func (t *TFTP) open(peer netip.Addr, name string) (io.ReadSeekCloser, int64, error) {
	if isLoader(name) {
		return t.opt.Files.Open(name)
	}
	if t.opt.Resolve == nil {
		return nil, 0, fs.ErrNotExist
	}
	return t.opt.Resolve(context.Background(), peer, name) // it has a time-out of its own
}

// reworded hides the texts of a file's errors.
type reworded struct {
	r   io.Reader
	log *slog.Logger
}

func (r *reworded) Read(b []byte) (int, error) {
	n, err := r.r.Read(b)
	if err != nil && !errors.Is(err, io.EOF) {
		r.log.Error("reading boot file failed", "err", err)
		return n, errNotNow
	}
	return n, err
}

func (t *TFTP) enter(peer netip.Addr) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.running >= t.opt.MaxTransfers || t.clients[peer] >= t.opt.MaxPerClient {
		return false
	}
	t.running++
	t.clients[peer]++
	return true
}

func (t *TFTP) leave(peer netip.Addr) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.running--
	if t.clients[peer]--; t.clients[peer] == 0 {
		delete(t.clients, peer)
	}
}

// endedAs tells a client that asked for the size only, and one that said so, from one that fell silent.
func endedAs(sent int64, err error) inventory.Outcome {
	var late net.Error
	switch {
	case errors.As(err, &late) && late.Timeout():
		return inventory.OutStalled
	case sent == 0:
		return inventory.OutProbe
	default:
		return inventory.OutAborted
	}
}

// tftpOutcome names the refusals.
func tftpOutcome(o inventory.Outcome, err error) inventory.Outcome {
	switch {
	case err == nil:
		return o
	case errors.Is(err, errNoFile):
		return inventory.OutNotFound
	case errors.Is(err, errBusy):
		return inventory.OutLimited
	default:
		return inventory.OutUnavailable
	}
}

func (t *TFTP) record(peer netip.Addr, name string, sent int64, note string, err error, e inventory.Evidence) {
	reply := fmt.Sprintf("%d bytes", sent)
	if note != "" {
		reply += ", " + note
	}
	if err != nil {
		reply = "error: " + err.Error()
	}
	e.Time, e.Source, e.Asked, e.Reply, e.Bytes = t.opt.Now(), "tftp", fmt.Sprintf("read %.100q from %s", name, peer), reply, sent
	if t.opt.Holder != nil {
		e.MAC, _ = t.opt.Holder(peer)
	}
	t.opt.Recorder.Record(e)
}
