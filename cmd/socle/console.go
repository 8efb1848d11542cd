package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
	"github.com/spf13/cobra"

	"socle/api"
	"socle/console"
	"socle/hardware"
)

// consoleFlags say what is wanted of a console.
type consoleFlags struct {
	watch, take, list bool
	search            string
	regexp            bool
	limit             int
	replay            string
	speed             float64
	idle              time.Duration
	escape            string
	guest             string
	guestFor          time.Duration
	endGuests         bool
}

// newConsoleCmd is "socle console": a machine's serial console, live or recorded.
func newConsoleCmd() *cobra.Command {
	var w consoleFlags
	cmd := &cobra.Command{
		Use:   "console NAME",
		Short: "Open a machine's serial console, or replay and search what was recorded of it",
		Long: `Open a machine's serial console. One holds it and types, others watch; --take takes it over, also from somebody who has it
open through the BMC with another program. After a new line: ~. ends, ~? lists the others.

` + exitCodes,
		Args: args(cobra.ExactArgs(1)),
	}
	f, o := addClientFlags(cmd), addOutputFlag(cmd)
	p := cmd.Flags()
	p.BoolVar(&w.watch, "watch", false, "only look")
	p.BoolVar(&w.take, "take", false, "take the console over from whoever holds it")
	p.StringVar(&w.escape, "escape", "~", "escape character, or none")
	p.BoolVar(&w.list, "list", false, "list who sits there, and the recordings")
	p.StringVar(&w.replay, "replay", "", "replay a recording; without a value the newest")
	p.Lookup("replay").NoOptDefVal = "latest"
	p.Float64Var(&w.speed, "speed", 1, "of the replay: 4 is four times as fast, 0 without any pause")
	p.DurationVar(&w.idle, "idle", 0, "longest pause of the replay; 0: as it was")
	p.StringVar(&w.search, "search", "", "search the recordings for lines with this text")
	p.BoolVar(&w.regexp, "regexp", false, "the text to search for is a regular expression (RE2)")
	p.IntVar(&w.limit, "limit", 100, "lines that a search finds at most, the newest ones")
	p.StringVar(&w.guest, "guest", "", "make a token that opens this console and nothing else, for somebody of this name")
	p.DurationVar(&w.guestFor, "guest-for", 8*time.Hour, "how long a guest's token is good, 30 days at most")
	p.BoolVar(&w.endGuests, "end-guests", false, "end all guests' tokens for this console")
	cmd.MarkFlagsMutuallyExclusive("watch", "take", "list", "replay", "search", "guest", "end-guests")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := ready(f, o)
		if err != nil {
			return err
		}
		switch {
		case w.list:
			return listConsole(cmd, c, o, args[0])
		case w.search != "":
			return searchConsole(cmd, c, o, args[0], w)
		case w.guest != "":
			return grantConsole(cmd, c, o, args[0], w)
		case w.endGuests:
			return c.RevokeConsole(cmd.Context(), args[0])
		case w.replay != "":
			return replayConsole(cmd, c, args[0], w)
		}
		return openConsole(cmd, c, args[0], w)
	}
	return cmd
}

func listConsole(cmd *cobra.Command, c *api.Client, o *output, name string) error {
	s, err := c.Console(cmd.Context(), name)
	if err != nil {
		return err
	}
	return o.print(cmd.OutOrStdout(), s, func(row func(...string)) {
		row("RECORDING", "START", "END", "SIZE", "")
		for _, r := range s.Recordings {
			now := ""
			if r.Open {
				now = "being written"
			}
			row(r.ID, r.Start.Format(time.DateTime), r.End.Format(time.DateTime), hardware.Size(uint64(max(r.Bytes, 0))), now)
		}
		if s.Open {
			row("")
			row("console " + s.State + ", held by " + orNobody(s.Holder) + ", open: " + orNobody(strings.Join(s.Seats, ", ")))
		}
	})
}

func orNobody(s string) string {
	if s == "" {
		return "nobody"
	}
	return s
}

func searchConsole(cmd *cobra.Command, c *api.Client, o *output, name string, w consoleFlags) error {
	hits, err := c.SearchConsole(cmd.Context(), name, api.ConsoleSearch{Text: w.search, Regexp: w.regexp, Limit: w.limit})
	if err != nil {
		return err
	}
	return o.print(cmd.OutOrStdout(), hits, func(row func(...string)) {
		row("TIME", "RECORDING", "LINE")
		for _, h := range hits {
			row(h.Time.Format(time.DateTime), h.Recording, h.Line)
		}
	})
}

func grantConsole(cmd *cobra.Command, c *api.Client, o *output, name string, w consoleFlags) error {
	g, err := c.GrantConsole(cmd.Context(), name, api.GuestRequest{Name: w.guest, Seconds: int(w.guestFor.Seconds())})
	if err != nil {
		return err
	}
	return o.print(cmd.OutOrStdout(), g, func(row func(...string)) {
		row("TOKEN", "GOOD UNTIL")
		row(g.Token, g.Expires.Format(time.DateTime))
	})
}

// openConsole joins a terminal and a console until one of them ends.
func openConsole(cmd *cobra.Command, c *api.Client, name string, w consoleFlags) error {
	escape, err := console.NewEscape(w.escape)
	if err != nil {
		return usageError{err}
	}
	t := newTerminal(cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr())
	cols, rows := t.size()
	url, header, hc, err := c.Upgrade(name, api.ConsoleWant{Watch: w.watch, Take: w.take, Cols: cols, Rows: rows})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(cmd.Context())
	defer cancel(nil)
	conn, res, err := websocket.Dial(ctx, url, &websocket.DialOptions{HTTPClient: hc, HTTPHeader: header}) //nolint:bodyclose // the library has read and closed it
	if err != nil {
		if res != nil && res.StatusCode >= 300 {
			return api.ProblemOf(res)
		}
		return c.Unreachable(err)
	}
	defer func() { _ = conn.CloseNow() }()
	conn.SetReadLimit(4 << 20)
	if err := t.raw(); err != nil {
		return err
	}
	defer t.restore()
	s := &consoleSession{conn: conn, term: t, filter: escape, watch: w.watch}
	go func() { cancel(s.resized(ctx)) }()
	go func() { cancel(s.typing(ctx)) }()
	err = s.showing(ctx)
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	return s.ended(cmd.Context(), err)
}

// consoleSession is a console in a terminal.
type consoleSession struct {
	conn   *websocket.Conn
	term   *terminal
	filter *console.Escape
	watch  bool
	last   atomic.Int64 // when output came last, in Unix nanoseconds
}

// errLeft: the person has left.
var errLeft = errors.New("left")

// ended says why, and what the command returns.
func (s *consoleSession) ended(ctx context.Context, err error) error {
	switch {
	case errors.Is(err, errLeft) || ctx.Err() != nil:
		_ = s.conn.Close(websocket.StatusNormalClosure, "")
		s.term.remark("the console is closed")
		return nil
	case websocket.CloseStatus(err) == websocket.StatusPolicyViolation:
		return api.NewProblem(401, api.ErrUnauthorized, "the token is not valid any more")
	}
	return fmt.Errorf("%w: the connection has ended: %w", api.ErrUnreachable, err)
}

func (s *consoleSession) showing(ctx context.Context) error {
	for {
		kind, p, err := s.conn.Read(ctx)
		if err != nil {
			return err
		}
		if kind == websocket.MessageBinary {
			s.last.Store(time.Now().UnixNano())
			if _, err := s.term.out.Write(p); err != nil {
				return err
			}
			continue
		}
		var n api.ConsoleNotice
		if err := json.Unmarshal(p, &n); err != nil {
			return fmt.Errorf("reading a notice: %w", err)
		}
		s.term.remark(console.Notice{State: console.State(n.State), Holder: n.Holder, Holding: n.Holding, Text: n.Text}.String())
	}
}

func (s *consoleSession) command(ctx context.Context, c api.ConsoleCommand) error {
	text, err := json.Marshal(c)
	if err != nil {
		return err
	}
	return s.conn.Write(ctx, websocket.MessageText, text)
}

// quietAfter is how long a console must be quiet until a script that has said everything is done.
const quietAfter = 2 * time.Second

// typing sends what is typed until the person leaves, or a script has said everything and the console is quiet.
func (s *consoleSession) typing(ctx context.Context) error {
	if s.watch && !s.term.interactive() {
		<-ctx.Done()
		return ctx.Err()
	}
	buf := make([]byte, 4096)
	for {
		n, err := s.term.in.Read(buf)
		keys, acts := s.filter.Feed(buf[:n])
		if len(keys) > 0 && !s.watch {
			if err := s.conn.Write(ctx, websocket.MessageBinary, keys); err != nil {
				return err
			}
		}
		for _, a := range acts {
			if err := s.act(ctx, a); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return s.quiet(ctx)
		}
		if err != nil {
			return fmt.Errorf("reading the terminal: %w", err)
		}
	}
}

func (s *consoleSession) quiet(ctx context.Context) error {
	s.last.Store(time.Now().UnixNano())
	for {
		left := quietAfter - time.Since(time.Unix(0, s.last.Load()))
		if left <= 0 {
			return errLeft
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(left):
		}
	}
}

// act does what an escape sequence asks for.
func (s *consoleSession) act(ctx context.Context, a byte) error {
	switch a {
	case '.':
		return errLeft
	case 't':
		return s.command(ctx, api.ConsoleCommand{Do: "take"})
	case 'w':
		return s.command(ctx, api.ConsoleCommand{Do: "release"})
	case 'B':
		return s.command(ctx, api.ConsoleCommand{Do: "break"})
	case 's':
		cols, rows := s.term.size()
		if cols == 0 {
			return nil
		}
		return s.conn.Write(ctx, websocket.MessageBinary, console.SizeCommand(cols, rows))
	}
	s.term.write(s.filter.Help())
	return nil
}

func (s *consoleSession) resized(ctx context.Context) error {
	changed, stop := s.term.changes()
	defer stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
			if cols, rows := s.term.size(); cols > 0 {
				if err := s.command(ctx, api.ConsoleCommand{Do: "resize", Cols: cols, Rows: rows}); err != nil {
					return err
				}
			}
		}
	}
}
