package gateway_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"socle/console"
	"socle/console/gateway"
)

const token = "token-of-the-test"

// world is what is behind a gateway: one server, hv01, that answers with what it hears.
type world struct {
	desk *console.Desk
	keys string
	addr string
	host string // the known_hosts file

	mu      sync.Mutex
	revoked bool
	notes   []string
}

func (w *world) Note(_ context.Context, _ console.Machine, actor, what string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.notes = append(w.notes, actor+" "+what)
}

func (w *world) Password(_ context.Context, machine, t string) (string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if t == "guest" && machine == "hv01" {
		return "guest:gerda", nil
	}
	if t != token || w.revoked {
		return "", gateway.ErrNobody
	}
	return "token:test", nil
}

func (w *world) Key(_ context.Context, key ssh.PublicKey) (string, error) {
	owner, err := gateway.KeyOwner(w.keys, key)
	if err == nil && owner == "" {
		err = gateway.ErrNobody
	}
	return "key:" + owner, err
}

func (w *world) Join(ctx context.Context, actor, ref string, want console.Want) (*console.Seat, error) {
	if ref != "hv01" {
		return nil, errors.New("no machine has this name")
	}
	return w.desk.Join(ctx, console.Machine{ID: "id-" + ref, Name: ref}, actor, want)
}

func (w *world) Dial(context.Context, console.Machine, bool) (console.Line, error) {
	r, out := io.Pipe()
	l := &echo{Reader: r, out: out}
	go func() { _, _ = io.WriteString(out, "hv01 login: ") }()
	return l, nil
}

// echo is a line whose server answers with what it hears.
type echo struct {
	io.Reader
	out *io.PipeWriter
}

func (e *echo) Write(p []byte) (int, error) { return e.out.Write(p) }
func (e *echo) Break() error                { _, err := io.WriteString(e.out, "<break>"); return err }
func (e *echo) Lost() uint64                { return 0 }
func (e *echo) Close() error                { return e.out.Close() }

func start(t *testing.T) *world {
	t.Helper()
	dir := t.TempDir()
	w := &world{keys: filepath.Join(dir, "keys"), host: filepath.Join(dir, "known_hosts")}
	archive, err := console.OpenArchive(filepath.Join(dir, "archive"), 0)
	if err != nil {
		t.Fatal(err)
	}
	w.desk = console.New(console.Options{Dialer: w, Journal: w, Archive: archive})
	t.Cleanup(w.desk.Close)
	key, err := gateway.HostKey(filepath.Join(dir, "host"))
	if err != nil {
		t.Fatal(err)
	}
	again, err := gateway.HostKey(filepath.Join(dir, "host"))
	if err != nil || !bytes.Equal(key.PublicKey().Marshal(), again.PublicKey().Marshal()) {
		t.Fatalf("the host key is not kept: %v", err)
	}
	if info, err := os.Stat(filepath.Join(dir, "host")); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("the host key's file: %v, %v", info, err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w.addr = l.Addr().String()
	host, port, _ := net.SplitHostPort(w.addr)
	write(t, w.host, "["+host+"]:"+port+" "+string(ssh.MarshalAuthorizedKey(key.PublicKey())))
	write(t, w.keys, "")
	g := gateway.New(gateway.Options{Guard: w, Consoles: w, HostKey: key, Recall: 200 * time.Millisecond})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- g.Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("serving: %v", err)
		}
	})
	return w
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// shared is a buffer that one writes and another looks at.
type shared struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *shared) Write(p []byte) (int, error) { s.mu.Lock(); defer s.mu.Unlock(); return s.b.Write(p) }
func (s *shared) String() string              { s.mu.Lock(); defer s.mu.Unlock(); return s.b.String() }

func (s *shared) shows(t *testing.T, text string) {
	t.Helper()
	for range 1000 {
		if strings.Contains(s.String(), text) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("no %q in %q", text, s.String())
}

// client is OpenSSH's own.
type client struct {
	in   io.WriteCloser
	seen *shared
	done chan error
}

// openSSH runs ssh with a terminal (-tt) for hv01 unless the arguments name another user.
func (w *world) openSSH(t *testing.T, password string, args ...string) *client {
	t.Helper()
	host, port, _ := net.SplitHostPort(w.addr)
	ask := filepath.Join(t.TempDir(), "ask")
	if err := os.WriteFile(ask, []byte("#!/bin/sh\necho '"+password+"'\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "ssh", append([]string{"-F", "none", "-p", port, "-o", "UserKnownHostsFile=" + w.host,
		"-o", "StrictHostKeyChecking=yes", "-o", "NumberOfPasswordPrompts=1", "-o", "IdentitiesOnly=yes", "-o", "PreferredAuthentications=publickey,password"},
		append(args, host)...)...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "SSH_ASKPASS=" + ask, "SSH_ASKPASS_REQUIRE=force", "TERM=xterm"}
	c := &client{seen: &shared{}, done: make(chan error, 1)}
	var err error
	if c.in, err = cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = c.seen, c.seen
	if err := cmd.Start(); err != nil {
		t.Fatalf("starting ssh (Debian package openssh-client): %v", err)
	}
	go func() { c.done <- cmd.Wait() }()
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	return c
}

func (c *client) types(t *testing.T, text string) {
	t.Helper()
	if _, err := io.WriteString(c.in, text); err != nil {
		t.Fatal(err)
	}
}

// TestOpenSSH: ssh comes in with a token or a key, types, watches, takes over and leaves.
func TestOpenSSH(t *testing.T) {
	w := start(t)
	anna := w.openSSH(t, token, "-tt", "-e", "none", "-l", "hv01")
	anna.seen.shows(t, "hv01 login: ")
	anna.seen.shows(t, "[socle: console up, you hold it]\r\n")
	anna.types(t, "root\r")
	anna.seen.shows(t, "root\r")

	identity := filepath.Join(t.TempDir(), "id")
	if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "berta@desk", "-f", identity).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	public, err := os.ReadFile(identity + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	write(t, w.keys, "# who may come\n"+string(public))
	berta := w.openSSH(t, "wrong", "-tt", "-e", "none", "-i", identity, "-l", "hv01")
	berta.seen.shows(t, "hv01 login: root\r")
	berta.seen.shows(t, "token:test from 127.0.0.1 holds it")
	berta.types(t, "~t")
	anna.seen.shows(t, "key:berta@desk from 127.0.0.1 took the console over from token:test from 127.0.0.1")
	anna.types(t, "x")
	anna.seen.shows(t, "you are watching")
	berta.types(t, "\r~B")
	anna.seen.shows(t, "<break>")
	berta.types(t, "~.")
	if err := <-berta.done; err != nil {
		t.Errorf("berta leaves: %v\n%s", err, berta.seen.String())
	}
	anna.seen.shows(t, "left, nobody holds the console")

	write(t, w.keys, "") // a key that is taken away ends what it has opened
	w.mu.Lock()
	w.revoked = true
	w.mu.Unlock()
	if err := <-anna.done; err == nil {
		t.Error("anna's token was revoked, and she left with 0")
	}
	w.mu.Lock()
	notes := strings.Join(w.notes, "\n")
	w.mu.Unlock()
	for _, want := range []string{"token:test from 127.0.0.1 opened the console\n", "key:berta@desk from 127.0.0.1 opened the console to watch\n", "key:berta@desk from 127.0.0.1 closed the console"} {
		if !strings.Contains(notes, want) {
			t.Errorf("not written down: %q in\n%s", want, notes)
		}
	}
}

// TestOpenSSHRefused: who has neither token nor key learns nothing; who has one learns what is wrong.
func TestOpenSSHRefused(t *testing.T) {
	w := start(t)
	c := w.openSSH(t, "wrong", "-tt", "-l", "hv01")
	if err := <-c.done; err == nil || !strings.Contains(c.seen.String(), "Permission denied") {
		t.Errorf("a wrong token: %v %s", err, c.seen.String())
	}
	c = w.openSSH(t, "guest", "-tt", "-l", "hv02")
	if err := <-c.done; err == nil || !strings.Contains(c.seen.String(), "Permission denied") {
		t.Errorf("a guest at another machine: %v %s", err, c.seen.String())
	}
	c = w.openSSH(t, "guest", "-tt", "-e", "none", "-l", "hv01")
	c.seen.shows(t, "hv01 login: ")
	c = w.openSSH(t, token, "-tt", "-l", "nobody")
	if err := <-c.done; err == nil || !strings.Contains(c.seen.String(), "socle: no machine has this name") {
		t.Errorf("a wrong machine: %v %s", err, c.seen.String())
	}
}

// TestClient is what OpenSSH's client cannot be made to do.
func TestClient(t *testing.T) {
	w := start(t)
	conn, err := ssh.Dial("tcp", w.addr, &ssh.ClientConfig{User: "hv01", Auth: []ssh.AuthMethod{ssh.Password(token)}, HostKeyCallback: ssh.InsecureIgnoreHostKey()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := conn.Dial("tcp", "127.0.0.1:1"); err == nil || !strings.Contains(err.Error(), "no forwarding") {
		t.Errorf("forwarding: %v", err)
	}
	if _, err := conn.Listen("tcp", "127.0.0.1:0"); err == nil {
		t.Error("it listens for others")
	}
}

// TestCommands: a program watches, takes, or is told how it goes.
func TestCommands(t *testing.T) {
	w := start(t)
	run := func(command, input string) (string, string, error) {
		conn, err := ssh.Dial("tcp", w.addr, &ssh.ClientConfig{User: "hv01", Auth: []ssh.AuthMethod{ssh.Password(token)}, HostKeyCallback: ssh.InsecureIgnoreHostKey()})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		s, err := conn.NewSession()
		if err != nil {
			t.Fatal(err)
		}
		var out, errs bytes.Buffer
		s.Stdout, s.Stderr, s.Stdin = &out, &errs, strings.NewReader(input)
		err = s.Run(command)
		return out.String(), errs.String(), err
	}
	if out, errs, err := run("take", "~.uname\r"); err != nil || !strings.Contains(out, "~.uname\r") || !strings.Contains(errs, "you hold it") || strings.Contains(out, "[socle") {
		t.Errorf("take: %q, %q, %v", out, errs, err)
	}
	if out, errs, err := run("rm -rf /", ""); err == nil || out != "" || !strings.Contains(errs, "ssh MACHINE@THIS-HOST") {
		t.Errorf("a command: %q, %q, %v", out, errs, err)
	}
}
