package console_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"socle/console"
)

var hv01 = console.Machine{ID: "id-hv01", Name: "hv01"}

// wire is a server's serial line in memory, and the controller before it.
type wire struct {
	mu     sync.Mutex
	dials  []bool // each try's take
	refuse error  // what the next tries get
	now    *conn
	typed  strings.Builder
	breaks int
	slow   time.Duration // that a try takes
}

type conn struct {
	w    *wire
	out  chan string
	end  chan error
	lost atomic.Uint64
	once sync.Once
	done chan struct{}
}

func (w *wire) Dial(_ context.Context, _ console.Machine, take bool) (console.Line, error) {
	time.Sleep(w.slow)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.dials = append(w.dials, take)
	if w.refuse != nil && (!take || !errors.Is(w.refuse, console.ErrHeld)) {
		return nil, w.refuse
	}
	w.refuse = nil
	w.now = &conn{w: w, out: make(chan string), end: make(chan error, 1), done: make(chan struct{})}
	return w.now, nil
}

func (w *wire) heard() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.typed.String()
}

// deny makes the next tries fail.
func (w *wire) deny(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.refuse = err
}

func (w *wire) say(text string) { w.now.out <- text }

func (w *wire) tries() []bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.dials)
}

func (c *conn) Read(p []byte) (int, error) {
	select {
	case s := <-c.out:
		return copy(p, s), nil
	case err := <-c.end:
		return 0, err
	case <-c.done:
		return 0, io.EOF
	}
}

func (c *conn) Write(p []byte) (int, error) {
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	return c.w.typed.Write(p)
}
func (c *conn) Break() error { c.w.breaks++; return nil }
func (c *conn) Lost() uint64 { return c.lost.Load() }
func (c *conn) Close() error { c.once.Do(func() { close(c.done) }); return nil }

// book is the journal.
type book struct {
	mu    sync.Mutex
	lines []string
}

func (b *book) Note(_ context.Context, m console.Machine, actor, what string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lines = append(b.lines, m.Name+": "+actor+" "+what)
}

type room struct {
	*testing.T
	wire    *wire
	book    *book
	archive *console.Archive
	desk    *console.Desk
}

// in runs a test in a bubble of its own time.
func in(t *testing.T, run func(*room)) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		a, err := console.OpenArchive(dir, 0)
		if err != nil {
			t.Fatal(err)
		}
		r := &room{T: t, wire: &wire{}, book: &book{}, archive: a}
		r.desk = console.New(console.Options{Dialer: r.wire, Journal: r.book, Archive: a, RecordInput: true})
		defer r.desk.Close()
		run(r)
	})
}

func (r *room) join(actor string, w console.Want) *console.Seat {
	r.Helper()
	s, err := r.desk.Join(r.Context(), hv01, actor, w)
	if err != nil {
		r.Fatal(err)
	}
	synctest.Wait()
	return s
}

// news is all that waits for a seat: its output and its last notice.
func (r *room) news(s *console.Seat) (out string, last console.Notice) {
	r.Helper()
	synctest.Wait()
	for {
		ctx, cancel := context.WithTimeout(r.Context(), time.Nanosecond)
		m, err := s.Next(ctx)
		cancel()
		if err != nil {
			return out, last
		}
		out += string(m.Data)
		if m.Notice != nil {
			last = *m.Notice
		}
	}
}

// TestOneTypesAllSee: the first holds, others watch, and who takes over is told to all.
func TestOneTypesAllSee(t *testing.T) {
	in(t, func(r *room) {
		anna := r.join("anna", console.Want{Cols: 100, Rows: 30})
		if _, n := r.news(anna); n.State != console.Up || !n.Holding || n.Holder != "anna" {
			t.Errorf("anna hears %+v", n)
		}
		r.wire.say("login: ")
		berta := r.join("berta", console.Want{})
		if out, n := r.news(berta); out != "login: " || n.Holding || n.Holder != "anna" || !strings.Contains(n.Text, "anna holds the console") {
			t.Errorf("berta hears %q, %+v", out, n)
		}
		if err := berta.Type([]byte("no")); !errors.Is(err, console.ErrWatching) {
			t.Errorf("berta types: %v", err)
		}
		if err := anna.Type([]byte("root\r")); err != nil {
			t.Error(err)
		}
		berta.Take(r.Context())
		if _, n := r.news(anna); n.Holding || n.Holder != "berta" || n.Text != "berta took the console over from anna" {
			t.Errorf("anna hears %+v", n)
		}
		if err := anna.Type([]byte("x")); !errors.Is(err, console.ErrWatching) {
			t.Errorf("anna types: %v", err)
		}
		if err := errors.Join(berta.Type([]byte("b")), berta.Break()); err != nil {
			t.Error(err)
		}
		carla := r.join("carla", console.Want{Take: true})
		if st, ok := r.desk.Status(hv01.ID); !ok || st.Holder != "carla" || len(st.Seats) != 3 || st.State != console.Up || st.Current == "" {
			t.Errorf("status %+v", st)
		}
		carla.Leave(r.Context())
		carla.Leave(r.Context())
		if _, n := r.news(anna); n.Holder != "" || n.Text != "carla left, nobody holds the console" {
			t.Errorf("anna hears %+v", n)
		}
		if got := r.wire.heard(); got != "root\rb" || r.wire.breaks != 1 {
			t.Errorf("the server heard %q and %d breaks", got, r.wire.breaks)
		}
		want := []string{"hv01: anna opened the console", "hv01: berta opened the console to watch", "hv01: berta took the console over from anna",
			"hv01: carla took the console over from berta", "hv01: carla closed the console"}
		if !slices.Equal(r.book.lines, want) {
			t.Errorf("written down: %q", r.book.lines)
		}
	})
}

// TestLineComesAndGoes: it is opened for the first seat, made again when lost, and closed a while after the last left.
func TestLineComesAndGoes(t *testing.T) {
	in(t, func(r *room) {
		s := r.join("anna", console.Want{})
		r.wire.now.end <- errors.New("no reply")
		if _, n := r.news(s); n.State != console.Down || n.Text != "the console was lost: no reply" {
			t.Errorf("hears %+v", n)
		}
		if err := s.Type([]byte("x")); !errors.Is(err, console.ErrNoLine) {
			t.Errorf("typing: %v", err)
		}
		time.Sleep(2 * time.Second)
		if _, n := r.news(s); n.State != console.Up {
			t.Errorf("hears %+v", n)
		}
		// The session that was lost is ours still in the controller's eyes.
		if got := r.wire.tries(); !slices.Equal(got, []bool{false, true}) {
			t.Errorf("dialled %v", got)
		}
		last := r.wire.now
		s.Leave(r.Context())
		time.Sleep(5 * time.Second)
		s = r.join("anna", console.Want{Watch: true}) // the page was loaded again
		time.Sleep(time.Minute)
		if r.wire.now != last || len(r.wire.tries()) != 2 {
			t.Error("the line was made again")
		}
		s.Leave(r.Context())
		time.Sleep(time.Minute)
		synctest.Wait()
		if _, open := r.desk.Status(hv01.ID); open {
			t.Error("it is still open")
		}
		select {
		case <-last.done:
		default:
			t.Error("the line is not closed")
		}
	})
}

// TestTypedAhead: what is typed while the line is being made reaches the server; once it failed, that is said.
func TestTypedAhead(t *testing.T) {
	in(t, func(r *room) {
		r.wire.slow = 3 * time.Second
		s := r.join("anna", console.Want{})
		if err := s.Type([]byte("uptime\r")); err != nil {
			t.Fatal(err)
		}
		if got := r.wire.heard(); got != "uptime\r" {
			t.Errorf("the server heard %q", got)
		}
		r.wire.deny(console.ErrHeld)
		r.wire.now.end <- console.ErrTaken
		synctest.Wait()
		if err := s.Type([]byte("x")); !errors.Is(err, console.ErrNoLine) {
			t.Errorf("on a line that is held elsewhere: %v", err)
		}
		s.Take(r.Context())
		synctest.Wait()
		typed := make(chan error, 1)
		go func() { typed <- s.Type([]byte("y")) }()
		synctest.Wait()
		s.Leave(r.Context())
		if err := <-typed; !errors.Is(err, console.ErrWatching) {
			t.Errorf("after it left: %v", err)
		}
	})
}

// TestHeldElsewhere: what somebody else has open is not taken from them unasked, and is on request.
func TestHeldElsewhere(t *testing.T) {
	in(t, func(r *room) {
		r.wire.deny(fmt.Errorf("%w: by ipmitool", console.ErrHeld))
		s := r.join("anna", console.Want{})
		if _, n := r.news(s); n.State != console.Held || !strings.Contains(n.Text, "by ipmitool") {
			t.Errorf("hears %+v", n)
		}
		time.Sleep(3 * time.Minute)
		if got := r.wire.tries(); slices.Contains(got, true) || len(got) < 3 || len(got) > 4 {
			t.Errorf("dialled %v", got)
		}
		s.Take(r.Context())
		if _, n := r.news(s); n.State != console.Up {
			t.Errorf("after taking it: %+v", n)
		}
		r.wire.deny(console.ErrHeld)
		r.wire.now.end <- console.ErrTaken // and they take it back
		if _, n := r.news(s); n.State != console.Held {
			t.Errorf("after it was taken back: %+v", n)
		}
		n := len(r.wire.tries())
		time.Sleep(2 * time.Minute)
		if got := r.wire.tries()[n:]; slices.Contains(got, true) {
			t.Errorf("fights for it: %v", got)
		}
		r.join("berta", console.Want{Take: true})
		if st, _ := r.desk.Status(hv01.ID); st.State != console.Up || st.Holder != "berta" {
			t.Errorf("berta took it: %+v", st)
		}
	})
}

// TestHopeless: what cannot become better by itself is not tried in a loop.
func TestHopeless(t *testing.T) {
	in(t, func(r *room) {
		r.wire.deny(fmt.Errorf("%w: wrong password", console.ErrHopeless))
		s := r.join("anna", console.Want{})
		time.Sleep(9 * time.Minute)
		if _, n := r.news(s); n.State != console.Down || !strings.Contains(n.Text, "wrong password") || len(r.wire.tries()) != 1 {
			t.Errorf("hears %+v, dialled %v", n, r.wire.tries())
		}
		r.wire.deny(errors.New("no reply"))
		time.Sleep(10 * time.Minute)
		if n := len(r.wire.tries()); n < 8 || n > 20 {
			t.Errorf("dialled %d times in ten minutes", n)
		}
	})
}

// TestKeep: a console is open without anybody there, and nobody is disturbed by it.
func TestKeep(t *testing.T) {
	in(t, func(r *room) {
		r.desk.Keep([]console.Machine{hv01})
		synctest.Wait()
		r.wire.say("booting\r\n")
		time.Sleep(time.Hour)
		if st, ok := r.desk.Status(hv01.ID); !ok || st.State != console.Up || !st.Pinned || st.Holder != "" {
			t.Errorf("status %+v", st)
		}
		s := r.join("anna", console.Want{})
		if out, n := r.news(s); out != "booting\r\n" || !n.Holding {
			t.Errorf("hears %q, %+v", out, n)
		}
		r.desk.Keep(nil)
		time.Sleep(time.Minute)
		if _, ok := r.desk.Status(hv01.ID); !ok {
			t.Error("closed under anna")
		}
		s.Leave(r.Context())
		time.Sleep(time.Minute)
		synctest.Wait()
		if _, ok := r.desk.Status(hv01.ID); ok {
			t.Error("still open")
		}
	})
}

// TestSlowSeat: who does not fetch loses output, is told so, and holds up nobody.
func TestSlowSeat(t *testing.T) {
	in(t, func(r *room) {
		slow, quick := r.join("slow", console.Want{}), r.join("quick", console.Want{})
		text := strings.Repeat("x", 4000)
		got := 0
		for range 400 {
			r.wire.say(text)
			out, _ := r.news(quick)
			got += len(out)
		}
		out, n := r.news(slow)
		if got != 400*4000 || len(out) > 1<<20 || len(out) < 1<<19 || !strings.Contains(n.Text, "bytes were skipped") {
			t.Errorf("quick got %d, slow %d: %+v", got, len(out), n)
		}
	})
}

// TestFullAndClosed: a console has so many seats; a desk that closes dismisses all.
func TestFullAndClosed(t *testing.T) {
	in(t, func(r *room) {
		var first *console.Seat
		for n := range 64 {
			s := r.join(fmt.Sprint(n), console.Want{})
			if n == 0 {
				first = s
			}
		}
		if _, err := r.desk.Join(r.Context(), hv01, "one more", console.Want{}); !errors.Is(err, console.ErrFull) {
			t.Errorf("one more: %v", err)
		}
		r.desk.Close()
		for {
			if _, err := first.Next(r.Context()); err != nil {
				if !errors.Is(err, console.ErrClosed) {
					t.Error(err)
				}
				break
			}
		}
		if _, err := r.desk.Join(r.Context(), hv01, "late", console.Want{}); !errors.Is(err, console.ErrClosed) {
			t.Errorf("late: %v", err)
		}
	})
}

// TestRecorded: what happened is there with its time, as asciicast and to be searched.
func TestRecorded(t *testing.T) {
	in(t, func(r *room) {
		s := r.join("anna", console.Want{Cols: 100, Rows: 30})
		r.wire.say("Booting \x1b[1;32mLinux\x1b[0m\r\n\xe2\x94")
		time.Sleep(2 * time.Second)
		r.wire.now.lost.Add(1)
		r.wire.say("\x80 raw \xff\r\n")
		synctest.Wait()
		if err := s.Type([]byte("secret\r")); err != nil {
			t.Error(err)
		}
		s.Leave(r.Context())
		r.desk.Close()
		f, err := r.archive.Open(hv01.ID, "")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = f.Close() }()
		var cast strings.Builder
		if err := console.WriteCast(&cast, f, "hv01"); err != nil {
			t.Fatal(err)
		}
		want := `{"version":2,"width":80,"height":25,"timestamp":946684800,"title":"hv01"}
[0,"r","100x30"]
[0,"m","the console is up"]
[0,"o","Booting \u001b[1;32mLinux\u001b[0m\r\n"]
[2,"m","output was lost before it reached Socle"]
[2,"o","─ raw ` + "\ufffd" + `\r\n"]
[2,"i","secret\r"]
[2,"m","the console is closed"]
`
		if got := strings.ReplaceAll(cast.String(), `\ufffd`, "\ufffd"); got != want {
			t.Errorf("cast:\n%s\nwant:\n%s", got, want)
		}
		for pattern, n := range map[string]int{"^Booting Linux$": 1, "─ raw": 1, "secret": 0, `^\[.*lost`: 1, "1;32": 0} {
			hits, err := r.archive.Search(r.Context(), hv01.ID, regexp.MustCompile(pattern), 10)
			if err != nil || len(hits) != n {
				t.Errorf("%s: %+v, %v", pattern, hits, err)
			}
		}
	})
}
