package bmc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// sshLine is a console by SSH, as OpenBMC and others offer it.
type sshLine struct {
	client  *ssh.Client
	session *ssh.Session
	in      io.WriteCloser
	out     io.Reader
	once    sync.Once
	closed  chan struct{}
}

// sshAlive is how often the controller is asked whether it is there.
const sshAlive = 15 * time.Second

// sshConsole opens a console by SSH with the same account. There is no holder to be put out: such a controller shows the line to all who come.
func sshConsole(ctx context.Context, addr string, t Target, enter string) (Console, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("%w: its console is to be at %s by SSH: %w", ErrUnreachable, addr, err)
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	password := t.Password.Reveal()
	var distrust error
	c, channels, requests, err := ssh.NewClientConn(conn, addr, &ssh.ClientConfig{
		User: t.User,
		Auth: []ssh.AuthMethod{ssh.Password(password), ssh.KeyboardInteractive(func(_, _ string, questions []string, echo []bool) ([]string, error) {
			answers := make([]string, len(questions))
			for i := range questions {
				if !echo[i] {
					answers[i] = password
				}
			}
			return answers, nil
		})},
		HostKeyCallback: func(_ string, _ net.Addr, key ssh.PublicKey) error {
			distrust = t.Trust.hostKey(ctx, ssh.FingerprintSHA256(key))
			return distrust
		},
	})
	if err != nil {
		_ = conn.Close()
		if distrust != nil {
			return nil, distrust
		}
		if ctx.Err() == nil && strings.Contains(err.Error(), "unable to authenticate") { // the library has no kind for it
			return nil, fmt.Errorf("%w at its console by SSH", ErrAuth)
		}
		return nil, fmt.Errorf("%w: opening its console by SSH: %w", ErrUnreachable, err)
	}
	l := &sshLine{client: ssh.NewClient(c, channels, requests), closed: make(chan struct{})}
	if err := l.shell(enter); err != nil {
		_ = l.client.Close()
		return nil, fmt.Errorf("opening its console by SSH: %w", err)
	}
	go l.keepAlive() // ends with the connection
	return l, nil
}

func (l *sshLine) shell(enter string) error {
	var err error
	if l.session, err = l.client.NewSession(); err != nil {
		return err
	}
	if l.in, err = l.session.StdinPipe(); err != nil {
		return err
	}
	if l.out, err = l.session.StdoutPipe(); err != nil {
		return err
	}
	// Some have no pseudo-terminals and do without.
	_ = l.session.RequestPty("vt100", 25, 80, ssh.TerminalModes{ssh.ECHO: 0})
	if err := l.session.Shell(); err != nil {
		return err
	}
	if enter != "" {
		_, err = io.WriteString(l.in, enter+"\n")
	}
	return err
}

func (l *sshLine) keepAlive() {
	tick := time.NewTicker(sshAlive)
	defer tick.Stop()
	for {
		select {
		case <-l.closed:
			return
		case <-tick.C:
			gone := time.AfterFunc(sshAlive, func() { _ = l.client.Close() })
			_, _, err := l.client.SendRequest("keepalive@openssh.com", true, nil)
			gone.Stop()
			if err != nil {
				_ = l.client.Close()
				return
			}
		}
	}
}

// Read implements Console.
func (l *sshLine) Read(p []byte) (int, error) {
	n, err := l.out.Read(p)
	return n, l.ended(err)
}

// Write implements Console.
func (l *sshLine) Write(p []byte) (int, error) {
	n, err := l.in.Write(p)
	return n, l.ended(err)
}

// ended says what the end of the connection means: ours is io.EOF.
func (l *sshLine) ended(err error) error {
	if err == nil {
		return nil
	}
	select {
	case <-l.closed:
		return io.EOF
	default:
		return fmt.Errorf("%w: its console by SSH has ended: %w", ErrUnreachable, err)
	}
}

// Break implements Console (RFC 4335).
func (l *sshLine) Break() error {
	taken, err := l.session.SendRequest("break", true, ssh.Marshal(struct{ Milliseconds uint32 }{500}))
	if err != nil {
		return l.ended(err)
	}
	if !taken {
		return errors.New("this BMC sends no break by SSH")
	}
	return nil
}

// Lost implements Console: SSH loses nothing.
func (l *sshLine) Lost() uint64 { return 0 }

// Close implements Console.
func (l *sshLine) Close() error {
	l.once.Do(func() {
		close(l.closed)
		_ = l.client.Close()
	})
	return nil
}
