package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"socle/console"
)

// Guard knows who may come.
type Guard interface {
	// Password returns who has this API token, which may be one for the console of this machine only; Key, whose this key
	// is. Nobody is ErrNobody; every other error means that the answer is not known.
	Password(ctx context.Context, machine, token string) (actor string, err error)
	Key(ctx context.Context, key ssh.PublicKey) (actor string, err error)
}

// ErrNobody says that this token or key belongs to nobody.
var ErrNobody = errors.New("nobody has this token or key")

// Joiner opens consoles; ref is a machine's name, serial or ID.
type Joiner interface {
	Join(ctx context.Context, actor, ref string, want console.Want) (*console.Seat, error)
}

// Options are what a gateway is made of; all are needed but the last three.
type Options struct {
	Guard    Guard
	Consoles Joiner
	HostKey  ssh.Signer
	Version  string
	Recall   time.Duration // how often it is asked again who may be there; 30 s
	Alive    time.Duration // how often the other end is asked whether it is there; 15 s
	Log      *slog.Logger  // nil: silent
}

// Gateway is the server.
type Gateway struct {
	o     Options
	conns chan struct{} // one place for each connection
}

// Bounds of a gateway.
const (
	maxConns  = 256
	handshake = 20 * time.Second // from the first byte to the end of the login
	maxTries  = 4                // logins a connection
	lastWord  = 2 * time.Second  // that the other end has to close the connection once its session is over
)

// New makes a gateway; it listens on nothing.
func New(o Options) *Gateway {
	if o.Recall <= 0 {
		o.Recall = 30 * time.Second
	}
	if o.Alive <= 0 {
		o.Alive = 15 * time.Second
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Gateway{o: o, conns: make(chan struct{}, maxConns)}
}

// Serve accepts connections until ctx ends, then closes all and waits for them.
func (g *Gateway) Serve(ctx context.Context, l net.Listener) error {
	var all sync.WaitGroup
	defer all.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = l.Close() })
	defer stop()
	for {
		conn, err := l.Accept()
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("accepting SSH connections: %w", err)
		}
		select {
		case g.conns <- struct{}{}:
		default:
			_ = conn.Close() // a crowd: those who are there go on
			continue
		}
		all.Go(func() {
			defer func() { <-g.conns }()
			g.serve(ctx, conn)
		})
	}
}

// pass is what let somebody in, to be shown again.
type pass struct {
	actor string
	again func(ctx context.Context) error
}

const passKey = "socle"

// config is of one connection: its callbacks end with it.
func (g *Gateway) config(ctx context.Context, granted func(pass) *ssh.Permissions) *ssh.ServerConfig {
	c := &ssh.ServerConfig{
		MaxAuthTries: maxTries, ServerVersion: "SSH-2.0-Socle",
		PasswordCallback: func(conn ssh.ConnMetadata, password []byte) (*ssh.Permissions, error) {
			machine, token := conn.User(), string(password)
			actor, err := g.o.Guard.Password(ctx, machine, token)
			if err != nil {
				return nil, g.refused(err)
			}
			return granted(pass{actor, func(ctx context.Context) error { _, err := g.o.Guard.Password(ctx, machine, token); return err }}), nil
		},
		PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			actor, err := g.o.Guard.Key(ctx, key)
			if err != nil {
				return nil, g.refused(err)
			}
			return granted(pass{actor, func(ctx context.Context) error { _, err := g.o.Guard.Key(ctx, key); return err }}), nil
		},
	}
	c.AddHostKey(g.o.HostKey)
	return c
}

// refused logs what is no refusal: the one who knocks is told nothing either way.
func (g *Gateway) refused(err error) error {
	if !errors.Is(err, ErrNobody) {
		g.o.Log.Warn("looking who comes by SSH", slog.Any("error", err))
	}
	return ErrNobody
}

// serve is one connection.
func (g *Gateway) serve(ctx context.Context, raw net.Conn) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer func() { _ = raw.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = raw.Close() })
	defer stop()
	if err := raw.SetDeadline(time.Now().Add(handshake)); err != nil {
		return
	}
	// The callbacks of one login may run for several keys: what was granted is found by what the library keeps.
	var mu sync.Mutex
	passes := map[string]pass{}
	conn, channels, requests, err := ssh.NewServerConn(raw, g.config(ctx, func(p pass) *ssh.Permissions {
		mu.Lock()
		defer mu.Unlock()
		n := fmt.Sprint(len(passes))
		passes[n] = p
		return &ssh.Permissions{Extensions: map[string]string{passKey: n}}
	}))
	if err != nil {
		g.o.Log.Info("an SSH login failed", slog.String("remote", raw.RemoteAddr().String()), slog.Any("error", err))
		return
	}
	if err := raw.SetDeadline(time.Time{}); err != nil {
		return
	}
	mu.Lock()
	p := passes[conn.Permissions.Extensions[passKey]]
	mu.Unlock()
	go ssh.DiscardRequests(requests) // ends with the connection
	go g.watch(ctx, conn, p, cancel)
	who := p.actor
	if host, _, err := net.SplitHostPort(raw.RemoteAddr().String()); err == nil {
		who += " from " + host
	}
	var all sync.WaitGroup
	defer all.Wait()
	defer cancel()
	sessions := 0
	for c := range channels {
		if sessions++; c.ChannelType() != "session" || sessions > 1 {
			_ = c.Reject(ssh.Prohibited, "this is a gateway to consoles: one session, no forwarding")
			continue
		}
		channel, reqs, err := c.Accept()
		if err != nil {
			return
		}
		s := &session{g: g, channel: channel, machine: conn.User(), actor: who}
		all.Go(func() {
			s.run(ctx, reqs)
			// The other end closes the connection: closing it here could cut off the last word.
			time.AfterFunc(lastWord, func() { _ = conn.Close() })
		})
	}
}

// watch ends a connection whose other end is gone, or may not be there any more.
func (g *Gateway) watch(ctx context.Context, conn *ssh.ServerConn, p pass, end func()) {
	alive, recall := time.NewTicker(g.o.Alive), time.NewTicker(g.o.Recall)
	defer alive.Stop()
	defer recall.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-alive.C:
			gone := time.AfterFunc(g.o.Alive, end)
			_, _, err := conn.SendRequest("keepalive@openssh.com", true, nil)
			gone.Stop()
			if err != nil {
				end()
				return
			}
		case <-recall.C:
			if err := p.again(ctx); errors.Is(err, ErrNobody) {
				end()
				return
			}
		}
	}
}
