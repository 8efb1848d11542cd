package web

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/coder/websocket"
	"github.com/labstack/echo/v4"

	"socle/api"
	"socle/console"
	"socle/inventory"
)

// The rhythm of a console's connection.
const (
	consolePing   = 15 * time.Second // so that both ends notice a dead connection
	consoleRecall = 30 * time.Second // how soon a revoked token closes what it has opened
	maxTyped      = 64 << 10         // bytes of one message
)

// consoleRoute is the WebSocket; everything below it is REST, of which guestsPath is not for guests.
const (
	consoleRoute = api.PathMachines + "/:ref" + api.PathConsole
	guestsPath   = "/guests"
)

func isConsole(path string) bool {
	return strings.HasPrefix(path, api.PathMachines+"/") && strings.HasSuffix(path, api.PathConsole)
}

// admitConsole lets a program in by its token and a page by its session. A WebSocket is not bound to its page's origin
// by the browser, so that a page has to come from here and say so.
func (s *Server) admitConsole(c echo.Context) error {
	token := bearer(c.Request())
	if token == "" {
		b, ok := s.browser(c)
		if !ok {
			return newProblem(http.StatusUnauthorized, `send a token in the header "Authorization: Bearer …", or log in`)
		}
		if origin := c.Request().Header.Get("Origin"); origin != s.scheme(c)+"://"+c.Request().Host {
			return newProblem(http.StatusForbidden, "a console is opened by this server's own page only")
		}
		token = b.token.Reveal()
	}
	return s.admitGuest(c, token)
}

// admitGuest lets in who may see the console of the machine that the path names.
func (s *Server) admitGuest(c echo.Context, token string) error {
	who, err := s.consoleActor(c.Request().Context(), c.Param("ref"), token)
	if err == nil {
		with(c, actorKey, who)
	}
	return err
}

// consoleActor finds out who has a token that opens the console of a machine.
func (s *Server) consoleActor(ctx context.Context, ref, token string) (Actor, error) {
	who, err := s.o.Auth.Authenticate(ctx, token)
	if p := (*api.Problem)(nil); !errors.As(err, &p) || p.Status != http.StatusUnauthorized || s.o.Guests == nil {
		return who, err
	}
	name, id, err := s.o.Guests.Guest(ctx, token)
	if err != nil {
		return Actor{}, err
	}
	m, err := s.o.Inventory.Machine(ctx, ref)
	if errors.Is(err, inventory.ErrNotFound) || err == nil && m.ID != id {
		return Actor{}, newProblem(http.StatusForbidden, "this token opens the console of another machine")
	}
	return Actor{Name: "guest:" + name}, err
}

func (s *Server) scheme(c echo.Context) string {
	if c.IsTLS() {
		return "https"
	}
	return "http"
}

// recheck authenticates a request once more.
func (s *Server) recheck(ctx context.Context, c echo.Context) error {
	token := bearer(c.Request())
	if token == "" {
		b, ok := s.browser(c)
		if !ok {
			return newProblem(http.StatusUnauthorized, "the session has ended")
		}
		token = b.token.Reveal()
	}
	_, err := s.consoleActor(ctx, c.Param("ref"), token)
	return err
}

// console serves one connection to a machine's console.
func (s *Server) console(c echo.Context) error {
	if s.o.Consoles == nil {
		return newProblem(http.StatusNotFound, "this server has no consoles")
	}
	r := c.Request()
	if !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		return newProblem(http.StatusUpgradeRequired, "a console is a WebSocket: see docs/console.md")
	}
	if !s.enterStream() {
		return newProblem(http.StatusServiceUnavailable, "too many streams are open; try again later")
	}
	defer s.leaveStream()
	want := console.Want{Watch: c.QueryParam("watch") == "true", Take: c.QueryParam("take") == "true"}
	want.Cols, _ = strconv.Atoi(c.QueryParam("cols"))
	want.Rows, _ = strconv.Atoi(c.QueryParam("rows"))
	seat, err := s.o.Consoles.Join(r.Context(), actor(r.Context())+" from "+c.RealIP(), c.Param("ref"), want)
	if err != nil {
		return consoleProblem(err)
	}
	defer seat.Leave(r.Context())
	conn, err := websocket.Accept(c.Response(), r, &websocket.AcceptOptions{CompressionMode: websocket.CompressionDisabled})
	if err != nil { // Accept has answered
		s.o.Log.Debug("opening a console's WebSocket", slog.Any("error", err), slog.String("req", requestID(r.Context())))
		return nil
	}
	conn.SetReadLimit(maxTyped)
	life := context.WithoutCancel(r.Context()) // the connection is ours now
	ctx, cancel := context.WithCancelCause(life)
	defer cancel(nil)
	stop := context.AfterFunc(s.life, func() { cancel(errDraining) })
	defer stop()
	go func() { cancel(s.typing(life, conn, seat)) }() // ends with the connection: the end of a context would cut it off
	go func() { cancel(s.watchdog(ctx, c, conn)) }()
	err = s.showing(ctx, conn, seat)
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	code, reason := closing(err)
	_ = conn.Close(code, reason)
	return nil
}

var (
	errDraining = errors.New("the server is stopping")
	errRevoked  = errors.New("the login has ended")
)

// closing says to the other end why a connection ends (RFC 6455, section 7.4.1).
func closing(err error) (websocket.StatusCode, string) {
	switch {
	case errors.Is(err, errDraining), errors.Is(err, console.ErrClosed):
		return websocket.StatusGoingAway, "the server is stopping"
	case errors.Is(err, errRevoked):
		return websocket.StatusPolicyViolation, "the login has ended"
	}
	return websocket.StatusNormalClosure, ""
}

// showing sends what the seat gets.
func (s *Server) showing(ctx context.Context, conn *websocket.Conn, seat *console.Seat) error {
	for {
		m, err := seat.Next(ctx)
		if err != nil {
			return err
		}
		if err := sendMessage(ctx, conn, m); err != nil {
			return err
		}
	}
}

func sendMessage(ctx context.Context, conn *websocket.Conn, m console.Message) error {
	// The end of ctx would cut the connection off in the middle of a message.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
	defer cancel()
	if n := m.Notice; n != nil {
		text, err := json.Marshal(api.ConsoleNotice{State: string(n.State), Holder: n.Holder, Holding: n.Holding, Text: n.Text})
		if err != nil {
			return err
		}
		return conn.Write(ctx, websocket.MessageText, text)
	}
	return conn.Write(ctx, websocket.MessageBinary, m.Data)
}

// typing does what comes from the other end.
func (s *Server) typing(ctx context.Context, conn *websocket.Conn, seat *console.Seat) error {
	for {
		kind, p, err := conn.Read(ctx)
		if err != nil {
			return err
		}
		if kind == websocket.MessageBinary {
			err = seat.Type(p)
		} else {
			err = command(ctx, seat, p)
		}
		if err != nil {
			seat.Tell(err.Error())
		}
	}
}

// command does what a text message says.
func command(ctx context.Context, seat *console.Seat, p []byte) error {
	var c api.ConsoleCommand
	if err := json.Unmarshal(p, &c); err != nil {
		return errors.New("this text message is no command: what is typed goes in binary messages")
	}
	switch c.Do {
	case "take":
		seat.Take(ctx)
	case "release":
		seat.Release()
	case "break":
		return seat.Break()
	case "resize":
		seat.Resize(c.Cols, c.Rows)
	default:
		return errors.New("unknown command: use take, release, break or resize")
	}
	return nil
}

// watchdog ends a connection whose other end is gone, or may not be there any more.
func (s *Server) watchdog(ctx context.Context, c echo.Context, conn *websocket.Conn) error {
	ping, recall := time.NewTicker(consolePing), time.NewTicker(consoleRecall)
	defer ping.Stop()
	defer recall.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ping.C:
			timed, cancel := context.WithTimeout(ctx, writeTimeout)
			err := conn.Ping(timed)
			cancel()
			if err != nil {
				return err
			}
		case <-recall.C:
			var p *api.Problem
			if err := s.recheck(ctx, c); errors.As(err, &p) && p.Status == http.StatusUnauthorized {
				return errRevoked
			}
		}
	}
}

// consoleProblem gives the errors of consoles their status.
func consoleProblem(err error) error {
	switch {
	case errors.Is(err, console.ErrNoRecording):
		return newProblem(http.StatusNotFound, err.Error())
	case errors.Is(err, console.ErrFull), errors.Is(err, console.ErrClosed):
		return newProblem(http.StatusServiceUnavailable, err.Error())
	}
	return err
}
