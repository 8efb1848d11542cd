package pxe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"socle/inventory"
)

// HTTPOptions are what the boot HTTP handler needs; BootURL, Planner and Files must be set.
type HTTPOptions struct {
	BootURL  string // "http://ADDRESS:PORT" as machines reach it; scripts point there
	Planner  Planner
	Files    Files
	Recorder Recorder // nil: evidence is forgotten
	// Holder names the MAC that holds an address, for the evidence and against a machine that asks in the
	// name of another; nil: unknown. dhcp.Server has it.
	Holder func(netip.Addr) (mac string, ok bool)
	// RequireLease refuses scripts also to addresses that Holder does not know. A script holds the machine's
	// boot token: set it where DHCP runs in the same process.
	RequireLease bool
	Log          *slog.Logger // nil: silent
	Now          func() time.Time
	// PlanTimeout is how long the Planner may take before the answer is "cannot say now" (default 10 s).
	PlanTimeout time.Duration
}

type handler struct {
	opt   HTTPOptions
	start []byte
	pages sync.Pool // of *[]byte: scripts are written into what earlier ones were
}

// NewHTTP makes the handler of everything under /boot/: the start script, the machines' scripts and the
// files, with ranges and ETags. It answers GET and HEAD only and needs no credentials.
func NewHTTP(opt HTTPOptions) (http.Handler, error) {
	h, err := newHandler(opt)
	if err != nil {
		return nil, err
	}
	s, err := newScript(h.opt.BootURL, Client{Arch: ArchUnknown}, Plan{})
	if err != nil {
		return nil, err
	}
	if h.start, err = render(scriptStart, s); err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+StartPath, h.serveStart)
	mux.HandleFunc("GET "+ScriptPath, h.serveScript)
	mux.HandleFunc("GET "+FailedPath, h.serveFailed)
	mux.HandleFunc("GET "+UnifiedPath, h.serveUnified)
	mux.HandleFunc("GET "+FilesPath+"{name...}", h.serveFile)
	return mux, nil
}

// newHandler checks the options.
func newHandler(opt HTTPOptions) (*handler, error) {
	base, err := checkBase(opt.BootURL)
	if err != nil {
		return nil, err
	}
	if opt.Planner == nil || opt.Files == nil {
		return nil, errors.New("making boot handler: planner and files must be given")
	}
	if opt.RequireLease && opt.Holder == nil {
		return nil, errors.New("making boot handler: leases cannot be required without a holder to ask")
	}
	opt.BootURL = base
	if opt.Recorder == nil {
		opt.Recorder = NoRecorder{}
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.PlanTimeout <= 0 {
		opt.PlanTimeout = 10 * time.Second
	}
	return &handler{opt: opt, pages: sync.Pool{New: func() any { return new([]byte) }}}, nil
}

func (h *handler) serveStart(w http.ResponseWriter, r *http.Request) {
	writeScript(w, h.start)
	h.record(r, inventory.Evidence{Kind: inventory.SawStart, Outcome: inventory.OutServed, Client: inventory.StageLoader,
		Asked: "start script", Reply: "start script", Bytes: int64(len(h.start))})
}

// serveScript renders the decision of the Planner. Every outcome is a script with status 200: iPXE throws
// the body of any other away, and the technician at the console is to read what is the matter.
func (h *handler) serveScript(w http.ResponseWriter, r *http.Request) {
	c := clientOf(r)
	page, _ := h.pages.Get().(*[]byte)
	defer h.pages.Put(page)
	name, body, plan := h.script(r.Context(), c, (*page)[:0])
	*page = body
	w.Header()["Socle-Answer"] = []string{name}
	writeScript(w, body)
	var room [256]byte
	asked := append(append(append(room[:0], "script arch="...), c.Arch.String()...), " serial="...)
	asked = strconv.AppendQuote(asked, c.Serial[:min(len(c.Serial), 40)])
	h.record(r, inventory.Evidence{MAC: c.MAC, Machine: plan.Machine, Kind: inventory.SawScript, Outcome: scriptOutcome(name),
		Client: inventory.StageLoader, Addr: c.Addr, File: name, Asked: string(from(asked, c.Addr)), Reply: scriptReply(name), Bytes: int64(len(body))})
}

// script makes the script of a client behind what page holds.
func (h *handler) script(ctx context.Context, c Client, page []byte) (name string, body []byte, plan Plan) {
	name, plan = h.answer(ctx, c)
	s, err := newScript(h.opt.BootURL, c, plan)
	if err == nil {
		body, err = appendScript(page, name, &s)
	}
	if err == nil {
		return name, body, plan
	}
	h.opt.Log.Error("boot script cannot be made, the machine is told to wait", "mac", c.MAC, "machine", plan.Machine, "err", err)
	if body, err = appendScript(page, scriptUnavailable, &script{Base: h.opt.BootURL}); err != nil {
		h.opt.Log.Error("boot script cannot be made", "err", err)
	}
	return scriptUnavailable, body, plan
}

// answer decides which script a client gets, for iPXE and GRUB alike.
func (h *handler) answer(ctx context.Context, c Client) (name string, plan Plan) {
	switch {
	case c.MAC == "":
		return scriptAnonymous, Plan{}
	case h.stranger(c):
		h.opt.Log.Warn("boot script refused: the client's address is not leased to the MAC that it names", "mac", c.MAC, "addr", c.Addr)
		return scriptStranger, Plan{}
	default:
		return h.plan(ctx, c)
	}
}

// stranger tells whether a client asks in the name of a MAC that does not hold its address.
func (h *handler) stranger(c Client) bool {
	if h.opt.Holder == nil {
		return false
	}
	mac, ok := h.opt.Holder(c.Addr)
	return ok && mac != c.MAC || !ok && h.opt.RequireLease
}

// plan asks the Planner and names the script for what it says.
func (h *handler) plan(ctx context.Context, c Client) (name string, plan Plan) {
	limit := withPatience(ctx, h.opt.PlanTimeout)
	defer limit.end()
	plan, err := h.opt.Planner.Plan(limit, c)
	switch {
	case errors.Is(err, ErrUnknown):
		return scriptUnknown, Plan{}
	case err != nil:
		h.opt.Log.Warn("boot decision is not available, the machine asks again", "mac", c.MAC, "err", err)
		return scriptUnavailable, Plan{}
	default:
		return scriptFor(plan.Target), plan
	}
}

// What every script's header says. Nobody changes these lists.
var (
	plainText = []string{"text/plain; charset=utf-8"}
	noStore   = []string{"no-store"} // a script may hold a boot token
)

func writeScript(w http.ResponseWriter, body []byte) {
	h := w.Header()
	h["Content-Type"], h["Cache-Control"] = plainText, noStore
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	_, _ = w.Write(body) // a client that is gone asks again
}

func (h *handler) serveFile(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	if !fs.ValidPath(name) || strings.ContainsAny(name, "\\\x00") {
		http.Error(w, "no such boot file", http.StatusNotFound)
		return
	}
	f, size, err := h.opt.Files.Open(name)
	if err != nil {
		status, text := http.StatusServiceUnavailable, "the boot file cannot be read now, try again"
		if errors.Is(err, fs.ErrNotExist) {
			status, text = http.StatusNotFound, "no such boot file"
		}
		h.opt.Log.Warn("boot file cannot be opened", "file", name, "err", err)
		http.Error(w, text, status)
		h.record(r, inventory.Evidence{Kind: inventory.SawFile, Outcome: fileOutcome(status, 0, 0), File: name,
			Asked: fmt.Sprintf("file %.100q", name), Reply: fmt.Sprintf("%d %s", status, text)})
		return
	}
	defer f.Close()
	if tag := etag(f, size); tag != "" {
		w.Header().Set("ETag", tag)
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	out := &counter{ResponseWriter: raw(w), status: http.StatusOK}
	http.ServeContent(out, r, "", changed(f), f)
	asked := fmt.Sprintf("file %.100q", name)
	if rng := r.Header.Get("Range"); rng != "" {
		asked += fmt.Sprintf(" range=%.40q", rng)
	}
	h.record(r, inventory.Evidence{Kind: inventory.SawFile, Outcome: out.outcome(r.Method), File: name, Total: size,
		Asked: asked, Reply: fmt.Sprintf("%d, %d of %d bytes", out.status, out.n, size), Bytes: out.n})
}

// etag makes a strong validator: of the content's digest where the file knows it, else of size and time.
func etag(f io.ReadSeekCloser, size int64) string {
	if d, ok := f.(interface{ Digest() string }); ok && okName(strings.ReplaceAll(d.Digest(), ":", "-")) {
		return `"` + d.Digest() + `"`
	}
	if s, ok := f.(interface{ Stat() (fs.FileInfo, error) }); ok {
		if info, err := s.Stat(); err == nil {
			return fmt.Sprintf(`"%x-%x"`, size, info.ModTime().UnixNano())
		}
	}
	return ""
}

// changed is when a file was last changed, where it says so.
func changed(f io.ReadSeekCloser) time.Time {
	if s, ok := f.(interface{ Stat() (fs.FileInfo, error) }); ok {
		if info, err := s.Stat(); err == nil {
			return info.ModTime()
		}
	}
	return time.Time{}
}

// raw finds the server's own writer under the wrappers of a framework: it hands a file to the kernel
// (sendfile) where the wrappers would copy it.
func raw(w http.ResponseWriter) http.ResponseWriter {
	for {
		if _, ok := w.(io.ReaderFrom); ok {
			return w
		}
		u, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return w
		}
		w = u.Unwrap()
	}
}

// counter counts what was sent, without losing sendfile.
type counter struct {
	http.ResponseWriter
	status int
	n      int64
}

func (c *counter) WriteHeader(status int) {
	c.status = status
	c.ResponseWriter.WriteHeader(status)
}

func (c *counter) Write(b []byte) (int, error) {
	n, err := c.ResponseWriter.Write(b)
	c.n += int64(n)
	return n, err
}

// ReadFrom implements io.ReaderFrom.
func (c *counter) ReadFrom(r io.Reader) (int64, error) {
	n, err := io.Copy(c.ResponseWriter, r)
	c.n += n
	return n, err
}

// record adds who asked, and when.
func (h *handler) record(r *http.Request, e inventory.Evidence) {
	e.Time, e.Source = h.opt.Now(), "http"
	if !e.Addr.IsValid() {
		e.Addr = remote(r)
		e.Asked = string(from([]byte(e.Asked), e.Addr))
	}
	if e.MAC == "" && h.opt.Holder != nil {
		e.MAC, _ = h.opt.Holder(e.Addr)
	}
	h.opt.Recorder.Record(e)
}

// from says at the end of what was asked who did.
func from(asked []byte, addr netip.Addr) []byte { return addr.AppendTo(append(asked, " from "...)) }

// scriptReply is what the evidence says of a script.
func scriptReply(name string) string {
	switch name {
	case scriptRamdisk: // nearly all are
		return "script " + scriptRamdisk
	case scriptDisk:
		return "script " + scriptDisk
	}
	return "script " + name
}

func scriptOutcome(name string) inventory.Outcome {
	switch name {
	case scriptUnavailable:
		return inventory.OutUnavailable
	case scriptStranger:
		return inventory.OutStranger
	case scriptAnonymous:
		return inventory.OutAnonymous
	case scriptUnknown:
		return inventory.OutUnknown
	default:
		return inventory.OutServed
	}
}

// outcome is what came of the request that the counter counted.
func (c *counter) outcome(method string) inventory.Outcome {
	if method == http.MethodHead {
		return inventory.OutProbe
	}
	promised, err := strconv.ParseInt(c.Header().Get("Content-Length"), 10, 64)
	if err != nil {
		promised = c.n
	}
	return fileOutcome(c.status, c.n, promised)
}

// fileOutcome tells what an HTTP answer meant to the client of which n bytes were sent and so many promised.
func fileOutcome(status int, n, promised int64) inventory.Outcome {
	switch status {
	case http.StatusNotFound:
		return inventory.OutNotFound
	case http.StatusOK, http.StatusPartialContent:
		switch {
		case n < promised:
			return inventory.OutAborted
		case status == http.StatusOK:
			return inventory.OutComplete
		default:
			return inventory.OutPart
		}
	case http.StatusNotModified:
		return inventory.OutComplete
	case http.StatusPreconditionFailed, http.StatusRequestedRangeNotSatisfiable:
		return inventory.OutRefused
	default:
		return inventory.OutUnavailable
	}
}

func remote(r *http.Request) netip.Addr {
	a, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return a.Addr().Unmap()
}
