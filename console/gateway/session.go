package gateway

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"

	"socle/console"
)

// session is one who sits at a console by SSH (RFC 4254, section 6).
type session struct {
	g       *Gateway
	channel ssh.Channel
	machine string
	actor   string

	mu         sync.Mutex
	cols, rows int
	terminal   bool
	seat       *console.Seat // nil until a shell or a command was asked for
	started    bool

	last atomic.Int64 // when output came last, in Unix nanoseconds
}

// quietAfter is how long a console must be quiet until a program that has said everything is done.
const quietAfter = 2 * time.Second

// usage is what wrong commands are told.
const usage = `Socle's consoles: ssh MACHINE@THIS-HOST [watch|take]
Without a command the console is yours when nobody holds it; watch only looks; take takes it over.
After a new line ~~? lists the escape sequences (one ~ is ssh's own).
`

// run serves the requests of the session until it ends.
func (s *session) run(ctx context.Context, requests <-chan *ssh.Request) {
	defer func() { _ = s.channel.Close() }()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan struct{})
	for {
		select {
		case <-ctx.Done():
			return
		case <-done:
			return
		case r, ok := <-requests:
			if !ok {
				return
			}
			want, start, accepted := s.request(r)
			if r.WantReply {
				_ = r.Reply(accepted, nil)
			}
			if start && !s.started {
				s.started = true
				go func() { defer close(done); s.console(ctx, want) }()
				defer func() { cancel(); <-done }()
			}
		}
	}
}

// request takes a request in. start says that a console is wanted, and how; nil is a command that we do not know.
func (s *session) request(r *ssh.Request) (want *console.Want, start, accepted bool) {
	switch r.Type {
	case "pty-req":
		var p struct {
			Term                      string
			Cols, Rows, Width, Height uint32
			Modes                     string
		}
		if ssh.Unmarshal(r.Payload, &p) != nil || s.started {
			return nil, false, false
		}
		s.terminal = true
		s.resize(p.Cols, p.Rows)
		return nil, false, true
	case "window-change":
		var p struct{ Cols, Rows, Width, Height uint32 }
		if ssh.Unmarshal(r.Payload, &p) != nil {
			return nil, false, false
		}
		s.resize(p.Cols, p.Rows)
		return nil, false, true
	case "shell":
		return &console.Want{}, true, !s.started
	case "exec":
		var p struct{ Command string }
		if ssh.Unmarshal(r.Payload, &p) != nil {
			return nil, false, false
		}
		switch strings.TrimSpace(p.Command) {
		case "watch":
			want = &console.Want{Watch: true}
		case "take":
			want = &console.Want{Take: true}
		}
		return want, true, !s.started
	case "break": // RFC 4335
		s.mu.Lock()
		seat := s.seat
		s.mu.Unlock()
		return nil, false, seat != nil && seat.Break() == nil
	}
	return nil, false, false
}

// resize takes in the size of the other end's window, bounded to what a terminal can be.
func (s *session) resize(cols, rows uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cols, s.rows = int(min(cols, 1000)), int(min(rows, 1000))
	if s.seat != nil {
		s.seat.Resize(s.cols, s.rows)
	}
}

// console sits down and stays until one of the two ends.
func (s *session) console(ctx context.Context, want *console.Want) {
	if want == nil {
		s.say(usage)
		s.exit(2)
		return
	}
	s.mu.Lock()
	want.Cols, want.Rows = s.cols, s.rows
	s.mu.Unlock()
	seat, err := s.g.o.Consoles.Join(ctx, s.actor, s.machine, *want)
	if err != nil {
		s.say("socle: " + err.Error() + "\n")
		s.exit(1)
		return
	}
	defer seat.Leave(ctx)
	s.mu.Lock()
	s.seat = seat
	s.mu.Unlock()
	life := ctx
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() { // ends with the channel
		defer cancel()
		s.typing(ctx, seat, want.Watch)
	}()
	s.showing(ctx, seat)
	if life.Err() == nil { // else the connection is being cut off
		s.exit(0)
	}
}

func (s *session) showing(ctx context.Context, seat *console.Seat) {
	for {
		m, err := seat.Next(ctx)
		if errors.Is(err, console.ErrClosed) {
			s.say("\n[socle: the server is stopping]\n")
		}
		if err != nil {
			return
		}
		s.last.Store(time.Now().UnixNano())
		if m.Notice != nil {
			s.say("\n[socle: " + m.Notice.String() + "]\n")
		} else if _, err := s.channel.Write(m.Data); err != nil {
			return
		}
	}
}

// typing passes on what comes until the other end has said everything.
func (s *session) typing(ctx context.Context, seat *console.Seat, watch bool) {
	escape, err := console.NewEscape("~")
	if err != nil || !s.terminal {
		escape, _ = console.NewEscape("none") // a program's bytes are the server's
	}
	buf := make([]byte, 4096)
	for {
		n, err := s.channel.Read(buf)
		keys, acts := escape.Feed(buf[:n])
		if len(keys) > 0 {
			if err := seat.Type(keys); err != nil {
				seat.Tell(err.Error())
			}
		}
		for _, a := range acts {
			if !s.act(ctx, seat, escape, a) {
				return
			}
		}
		if errors.Is(err, io.EOF) && !s.terminal {
			s.listen(ctx, watch)
		}
		if err != nil {
			return
		}
	}
}

// listen waits for a program that has said everything: as long as it watches, or until the console is quiet.
func (s *session) listen(ctx context.Context, watch bool) {
	s.last.Store(time.Now().UnixNano())
	for {
		left := quietAfter - time.Since(time.Unix(0, s.last.Load()))
		if left <= 0 && !watch {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(max(left, time.Second)):
		}
	}
}

// act does what an escape sequence asks for; false: it is over.
func (s *session) act(ctx context.Context, seat *console.Seat, escape *console.Escape, a byte) bool {
	var err error
	switch a {
	case '.':
		return false
	case 't':
		seat.Take(ctx)
	case 'w':
		seat.Release()
	case 'B':
		err = seat.Break()
	case 's':
		s.mu.Lock()
		cols, rows := s.cols, s.rows
		s.mu.Unlock()
		err = seat.Type(console.SizeCommand(cols, rows))
	default:
		s.say(escape.Help())
	}
	if err != nil {
		seat.Tell(err.Error())
	}
	return true
}

// say is a word of ours, beside the console.
func (s *session) say(text string) {
	if s.terminal {
		text = strings.ReplaceAll(text, "\n", "\r\n")
	}
	_, _ = io.WriteString(s.channel.Stderr(), text)
}

func (s *session) exit(code uint32) {
	_, _ = s.channel.SendRequest("exit-status", false, ssh.Marshal(struct{ Code uint32 }{code}))
	_ = s.channel.CloseWrite()
}
