package lab

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/subtle"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"time"

	"golang.org/x/crypto/ssh"

	"socle/lab/redfish"
)

// sshConsolePort is where a Redfish BMC of the lab offers its server's console by SSH.
const sshConsolePort = 22

// sshConsole is a server's serial line by SSH, as BMCs with Redfish offer it: the BMC's own accounts, and the line at
// once, shared by all who come.
type sshConsole struct {
	hub    *hub
	config *ssh.ServerConfig
}

// sshHandshake is how long a login may take.
const sshHandshake = 20 * time.Second

// newSSHConsole makes the console with the host key in a file, and a new one when there is none.
func newSSHConsole(h *hub, bmc *redfish.BMC, keyFile string) (*sshConsole, error) {
	key, err := hostKey(keyFile)
	if err != nil {
		return nil, fmt.Errorf("making the host key of a console: %w", err)
	}
	config := &ssh.ServerConfig{PasswordCallback: func(c ssh.ConnMetadata, password []byte) (*ssh.Permissions, error) {
		for _, a := range bmc.Accounts() { // they may have changed since the last login
			if a.User == c.User() && a.Enabled && !a.Locked && subtle.ConstantTimeCompare(password, []byte(a.Password.Reveal())) == 1 {
				return nil, nil
			}
		}
		return nil, errors.New("wrong user or password")
	}}
	config.AddHostKey(key)
	return &sshConsole{h, config}, nil
}

func hostKey(file string) (ssh.Signer, error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		_, private, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			return nil, err
		}
		der, err := x509.MarshalPKCS8PrivateKey(private)
		if err != nil {
			return nil, err
		}
		text = pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
		if err := writeFile(file, text); err != nil {
			return nil, err
		}
	} else if err != nil {
		return nil, err
	}
	return ssh.ParsePrivateKey(text)
}

// serve accepts viewers until ctx ends.
func (s *sshConsole) serve(ctx context.Context, l net.Listener) error {
	return acceptAll(ctx, l, func(conn net.Conn) { s.connection(ctx, conn) })
}

func (s *sshConsole) connection(ctx context.Context, raw net.Conn) {
	if raw.SetDeadline(time.Now().Add(sshHandshake)) != nil {
		return
	}
	conn, channels, requests, err := ssh.NewServerConn(raw, s.config)
	if err != nil || raw.SetDeadline(time.Time{}) != nil {
		return // it did not get in
	}
	defer func() { _ = conn.Close() }()
	go ssh.DiscardRequests(requests) // ends with the connection
	for c := range channels {
		if c.ChannelType() != "session" {
			_ = c.Reject(ssh.UnknownChannelType, "a console and nothing else")
			continue
		}
		channel, wanted, err := c.Accept()
		if err != nil {
			return
		}
		s.session(ctx, channel, wanted)
		return
	}
}

// session connects the line once a shell is asked for.
func (s *sshConsole) session(ctx context.Context, channel ssh.Channel, wanted <-chan *ssh.Request) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer func() { _ = channel.Close() }()
	for r := range wanted {
		if r.WantReply {
			_ = r.Reply(r.Type == "shell" || r.Type == "pty-req", nil)
		}
		if r.Type == "shell" {
			go func() {
				ssh.DiscardRequests(wanted) // ends when the other end has gone
				cancel()
			}()
			s.hub.view(ctx, channel)
			return
		}
	}
}
