package agent

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"socle/agent/agenttest"
	"socle/agent/disk"
	"socle/agent/probe"
	"socle/api"
)

const serial = "SRV-1"

// dmi is an SMBIOS table with one structure of type 1.
func dmi(serial string) []byte {
	data := append([]byte{1, 27, 0, 1, 1, 2, 0, 3}, make([]byte, 19)...)
	copy(data[8:], "\x44\x33\x22\x11\x66\x55\x88\x77\x99\xaa\xbb\xcc\xdd\xee\xff\x00")
	return append(data, []byte("ACME\x00Box\x00"+serial+"\x00\x00"+"\x7f\x04\x00\x00\x00\x00")...)
}

// fakeMachine is a tree as the kernel shows it, with one disk that is a regular file.
func fakeMachine(t *testing.T, serial string, disks map[string]int64) probe.Root {
	t.Helper()
	dir := t.TempDir()
	r := probe.Root{Sys: filepath.Join(dir, "sys"), Proc: filepath.Join(dir, "proc"), Dev: filepath.Join(dir, "dev")}
	files := map[string]string{
		filepath.Join(r.Sys, "firmware/dmi/tables/DMI"): string(dmi(serial)),
		filepath.Join(r.Proc, "meminfo"):                "MemTotal: 1024 kB\n",
		filepath.Join(r.Proc, "cpuinfo"):                "processor\t: 0\nmodel name\t: Z80\n\n",
	}
	for name, size := range disks {
		block := filepath.Join(r.Sys, "block", name)
		files[filepath.Join(block, "serial")] = strings.ToUpper(name) + "-1\n"
		files[filepath.Join(block, "size")] = strconv.FormatInt(size/512, 10)
		files[filepath.Join(r.Dev, name)] = strings.Repeat("old!", int(size/4))
	}
	for path, text := range files {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

type rig struct {
	*agenttest.Server
	root  probe.Root
	state string
	end   chan ending
	stop  context.CancelFunc
}

type ending struct {
	outcome Outcome
	err     error
}

// newRig starts a server and an agent that serves a machine with one disk, "VDA-1".
func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{Server: agenttest.New(t), root: fakeMachine(t, serial, map[string]int64{"vda": 16 << 20}), state: t.TempDir()}
	r.start(t, nil)
	return r
}

func (r *rig) start(t *testing.T, change func(*Options)) {
	t.Helper()
	client, err := NewClient(r.URL, r.CA)
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Params: Params{Server: r.URL, Token: "boot-token", CA: r.CA}, Client: client, Root: r.root, BootID: "boot-1", Version: "test",
		StateDir: r.state, Log: slog.New(slog.NewTextHandler(t.Output(), nil))}
	if change != nil {
		change(&o)
	}
	a, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	r.stop, r.end = cancel, make(chan ending, 1)
	go func() {
		outcome, err := a.Run(ctx)
		r.end <- ending{outcome, err}
	}()
	end := r.end
	t.Cleanup(func() {
		cancel()
		e := <-end
		end <- e
	})
}

func (r *rig) ended(t *testing.T) ending {
	t.Helper()
	select {
	case e := <-r.end:
		r.end <- e
		return e
	case <-time.After(20 * time.Second):
		t.Fatal("the agent does not end")
		return ending{}
	}
}

func (r *rig) final(t *testing.T, id string) agenttest.Order {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	o, err := r.Wait(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func (r *rig) want(t *testing.T, id, state, code string) agenttest.Order {
	t.Helper()
	o := r.final(t, id)
	if o.Final.State != state || o.Final.Code != code {
		t.Errorf("%s %s ended %s %q (%s), want %s %q", o.Kind, o.Params, o.Final.State, o.Final.Code, o.Final.Message, state, code)
	}
	for i, rep := range o.Reports {
		if i > 0 && rep.Seq <= o.Reports[i-1].Seq {
			t.Errorf("report %d has Seq %d after %d", i, rep.Seq, o.Reports[i-1].Seq)
		}
	}
	return o
}

func image() []byte {
	raw := make([]byte, 6<<20)
	for i := 0; i < len(raw); i += 3 << 20 {
		copy(raw[i:], strings.Repeat(strconv.Itoa(i)+" bytes of an image\n", 4096))
	}
	return raw
}

func (r *rig) disk(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(r.root.Dev, "vda"))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestSessionAndFacts(t *testing.T) {
	r := newRig(t)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	facts, err := r.WaitFacts(ctx, 1)
	if err != nil {
		t.Fatal(err)
	}
	want := api.SessionRequest{Token: "boot-token", BootID: "boot-1", Serial: serial, UUID: "11223344-5566-7788-99aa-bbccddeeff00", Version: "test", Arch: "amd64", NICMACs: []string{}}
	if diff := cmp.Diff([]api.SessionRequest{want}, r.Sessions()); diff != "" {
		t.Errorf("session (-want +got):\n%s", diff)
	}
	if got := facts[0].Facts; got.System.Serial != serial || len(got.Disks) != 1 || got.Disks[0].Serial != "VDA-1" || facts[0].Order != "" {
		t.Errorf("facts %+v", facts[0])
	}
	id := r.Issue(api.OrderInspect, serial, struct{}{})
	r.want(t, id, "done", "")
	if posts := r.Facts(); posts[len(posts)-1].Order != id {
		t.Errorf("facts of the order are posted for %q", posts[len(posts)-1].Order)
	}
}

func TestOrders(t *testing.T) {
	r := newRig(t)
	digest, _ := r.AddImage(t, image(), 1<<20, nil)
	write := api.WriteImage{DiskSerial: "VDA-1", Image: digest}
	before := r.disk(t)
	for _, tc := range []struct {
		name  string
		order api.Order
		code  string
	}{
		{"another machine", api.Order{Session: r.Session(), Kind: api.OrderWriteImage, Serial: "SRV-2", Params: encode(t, write)}, api.CodeWrongMachine},
		{"no machine", api.Order{Session: r.Session(), Kind: api.OrderWriteImage, Params: encode(t, write)}, api.CodeWrongMachine},
		{"another boot", api.Order{Session: "old", Kind: api.OrderWriteImage, Serial: serial, Params: encode(t, write)}, api.CodeWrongSession},
		{"unknown kind", api.Order{Session: r.Session(), Kind: "format-c", Serial: serial}, api.CodeUnknownKind},
		{"no parameters", api.Order{Session: r.Session(), Kind: api.OrderWriteImage, Serial: serial}, api.CodeBadParams},
		{"unknown parameter", api.Order{Session: r.Session(), Kind: api.OrderWriteImage, Serial: serial, Params: []byte(`{"disk_serial":"VDA-1","image":"x","only_if":"dry"}`)}, api.CodeBadParams},
		{"another disk", api.Order{Session: r.Session(), Kind: api.OrderWriteImage, Serial: serial, Params: encode(t, api.WriteImage{DiskSerial: "VDB-1", Image: digest})}, api.CodeNoDisk},
		{"no disk", api.Order{Session: r.Session(), Kind: api.OrderPrepareDisk, Serial: serial, Params: encode(t, api.PrepareDisk{Label: "x"})}, api.CodeNoDisk},
	} {
		tc.order.ID = "order-" + strings.ReplaceAll(tc.name, " ", "-")
		r.IssueOrder(tc.order)
		o := r.want(t, tc.order.ID, "refused", tc.code)
		if o.Final.Message == "" {
			t.Errorf("%s: refused without a word", tc.name)
		}
	}
	if r.disk(t) != before {
		t.Fatal("a refused order wrote to the disk")
	}
	o := r.want(t, r.Issue(api.OrderWriteImage, strings.ToLower(serial), write), "done", "")
	var result api.WriteResult
	if err := json.Unmarshal(o.Final.Result, &result); err != nil || result.Written != 2<<20 || result.Wire != o.Final.Wire || o.Final.Done != 6<<20 {
		t.Errorf("result %+v (%v), final report %+v", result, err, o.Final)
	}
	if !strings.HasPrefix(r.disk(t), string(image())) {
		t.Error("the disk does not hold the image")
	}
	r.want(t, r.Issue(api.OrderWriteImage, serial, api.WriteImage{DiskSerial: "VDA-1", Image: "sha256:" + strings.Repeat("0", 64)}), "failed", api.CodeNoImage)
	r.want(t, r.Issue(api.OrderBMCAccount, serial, api.BMCAccount{User: "socle-a", Password: "first-Pass.word1"}), "refused", api.CodeNoBMC)
	r.want(t, r.Issue(api.OrderBootEntry, serial, api.BootEntry{DiskSerial: "VDA-1", Label: "socle x"}), "done", "")
	r.want(t, r.Issue(api.OrderPrepareDisk, serial, api.PrepareDisk{DiskSerial: "VDA-1", Label: "socle-d1"}), "done", "")
	r.want(t, r.Issue(api.OrderPowerOff, serial, nil), "done", "")
	if e := r.ended(t); e != (ending{PowerOff, nil}) {
		t.Errorf("the agent ended %+v, want power-off", e)
	}
}

func encode(t *testing.T, v any) json.RawMessage {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// TestUsedOrder has the server hand out an order again: the same one is answered by its report and not carried
// out, one with other contents is refused.
func TestUsedOrder(t *testing.T) {
	r := newRig(t)
	digest, _ := r.AddImage(t, image(), 1<<20, nil)
	o := api.Order{ID: "one", Session: r.Session(), Kind: api.OrderWriteImage, Serial: serial, Params: encode(t, api.WriteImage{DiskSerial: "VDA-1", Image: digest})}
	r.IssueOrder(o)
	first := r.want(t, "one", "done", "")
	fetched := r.Fetched()
	o.Params = json.RawMessage(`{"image": "` + digest + `",   "disk_serial":"VDA-1"}`)
	r.IssueOrder(o)
	again := r.want(t, "one", "done", "")
	if diff := cmp.Diff(first.Final, again.Final); diff != "" {
		t.Errorf("final report of the order that was handed out again (-first +again):\n%s", diff)
	}
	if diff := cmp.Diff(fetched, r.Fetched()); diff != "" {
		t.Errorf("it was carried out again:\n%s", diff)
	}
	o.Params = encode(t, api.WriteImage{DiskSerial: "VDA-1", Image: "sha256:" + strings.Repeat("0", 64)})
	r.IssueOrder(o)
	r.want(t, "one", "refused", api.CodeUsedOrder)
}

// TestTroubledServer loses answers, answers 503 and cuts connections for a while.
func TestTroubledServer(t *testing.T) {
	r := newRig(t)
	digest, ix := r.AddImage(t, image(), 1<<20, nil)
	var n atomic.Int32
	var cut atomic.Int64
	r.SetFault(func(w http.ResponseWriter, q *http.Request) bool {
		if time.Now().UnixNano() < cut.Load() {
			agenttest.Hangup(w)
			return true
		}
		if strings.HasSuffix(q.URL.Path, ix.Chunks[3].SHA256) && cut.CompareAndSwap(0, time.Now().Add(3*time.Second).UnixNano()) {
			r.CloseClientConnections()
			return true
		}
		switch n.Add(1) % 4 {
		case 1:
			w.WriteHeader(http.StatusServiceUnavailable)
			return true
		case 2: // the request arrives, its answer does not
			if strings.HasSuffix(q.URL.Path, "/report") || q.URL.Path == api.PathFacts || q.URL.Path == api.PathSession {
				rec := &lost{header: http.Header{}}
				r.Config.Handler.ServeHTTP(rec, q)
				agenttest.Hangup(w)
				return true
			}
		}
		return false
	})
	o := r.want(t, r.Issue(api.OrderWriteImage, serial, api.WriteImage{DiskSerial: "VDA-1", Image: digest}), "done", "")
	if !strings.HasPrefix(r.disk(t), string(image())) {
		t.Error("the disk does not hold the image")
	}
	if n := r.Fetched()[ix.Chunks[0].SHA256]; n != 1 {
		t.Errorf("chunk 0 was fetched %d times, want once", n)
	}
	t.Logf("%d reports", len(o.Reports))
}

type lost struct{ header http.Header }

func (l *lost) Header() http.Header       { return l.header }
func (*lost) Write(p []byte) (int, error) { return len(p), nil }
func (*lost) WriteHeader(int)             {}

// TestRestartedAgent has the agent end in the middle of an order, as by a defect, and start anew in the same
// boot: it goes on in the same session, with the numbers of its reports ascending.
func TestRestartedAgent(t *testing.T) {
	r := newRig(t)
	digest, ix := r.AddImage(t, image(), 1<<20, nil)
	reached := make(chan struct{}, 16)
	r.SetFault(func(w http.ResponseWriter, q *http.Request) bool {
		if strings.HasSuffix(q.URL.Path, ix.Chunks[3].SHA256) {
			reached <- struct{}{}
			agenttest.Hangup(w)
			return true
		}
		return false
	})
	id := r.Issue(api.OrderWriteImage, serial, api.WriteImage{DiskSerial: "VDA-1", Image: digest})
	<-reached
	r.stop()
	r.ended(t)
	r.SetFault(nil)
	r.start(t, nil)
	r.want(t, id, "done", "")
	if n := len(r.Sessions()); n != 1 {
		t.Errorf("%d sessions were opened, want 1", n)
	}
	if !strings.HasPrefix(r.disk(t), string(image())) {
		t.Error("the disk does not hold the image")
	}
}

func TestSessionEnds(t *testing.T) {
	r := newRig(t)
	r.want(t, r.Issue(api.OrderInspect, serial, struct{}{}), "done", "")
	r.End()
	if e := r.ended(t); e.outcome != Reboot || !errors.Is(e.err, ErrEnded) {
		t.Errorf("the agent ended %+v, want a reboot as the session ended", e)
	}
}

// TestSessionEndsWhileWriting has the server end the session under an order: the writing stops.
func TestSessionEndsWhileWriting(t *testing.T) {
	r := newRig(t)
	digest, ix := r.AddImage(t, image(), 1<<20, nil)
	r.SetFault(func(w http.ResponseWriter, q *http.Request) bool {
		if strings.HasSuffix(q.URL.Path, ix.Chunks[3].SHA256) {
			r.End()
			agenttest.Hangup(w)
			return true
		}
		return false
	})
	r.Issue(api.OrderWriteImage, serial, api.WriteImage{DiskSerial: "VDA-1", Image: digest})
	if e := r.ended(t); e.outcome != Reboot || !errors.Is(e.err, ErrEnded) {
		t.Errorf("the agent ended %+v, want a reboot as the session ended", e)
	}
}

func TestRefusedSession(t *testing.T) {
	r := &rig{Server: agenttest.New(t), root: fakeMachine(t, serial, nil), state: t.TempDir()}
	r.start(t, func(o *Options) { o.Params.Token = "used" })
	if e := r.ended(t); e.err == nil || !strings.Contains(e.err.Error(), "this boot token was used by another boot") {
		t.Errorf("the agent ended %+v, want the server's words", e)
	}
}

// TestPlaceholderSerial: a machine without a serial is told apart, and gets no destructive orders.
func TestPlaceholderSerial(t *testing.T) {
	r := &rig{Server: agenttest.New(t), root: fakeMachine(t, "To Be Filled By O.E.M.", map[string]int64{"vda": 1 << 20}), state: t.TempDir()}
	r.start(t, nil)
	r.want(t, r.Issue(api.OrderInspect, "", struct{}{}), "done", "")
	if s := r.Sessions()[0].Serial; s != "" {
		t.Errorf("the session is opened for serial %q, want none", s)
	}
	r.want(t, r.Issue(api.OrderPrepareDisk, "", api.PrepareDisk{DiskSerial: "VDA-1", Label: "x"}), "refused", api.CodeWrongMachine)
	r.want(t, r.Issue(api.OrderPrepareDisk, "To Be Filled By O.E.M.", api.PrepareDisk{DiskSerial: "VDA-1", Label: "x"}), "refused", api.CodeWrongMachine)
}

func TestOtherServer(t *testing.T) {
	s, other := agenttest.New(t), agenttest.New(t)
	for name, tc := range map[string]struct{ url, ca string }{
		"another CA":   {s.URL, other.CA},
		"another name": {strings.Replace(s.URL, "127.0.0.1", "localhost", 1), s.CA},
	} {
		c, err := NewClient(tc.url, tc.ca)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Session(t.Context(), api.SessionRequest{Token: "boot-token"}); err == nil || errors.Is(err, disk.ErrPermanent) {
			t.Errorf("%s: error %v, want a refusal that is tried again", name, err)
		}
	}
	if n := len(s.Sessions()); n != 0 {
		t.Errorf("%d tokens were told to a server that is not trusted", n)
	}
}
