package bmc_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"socle/bmc"
)

// offering changes what a controller says of its server's and its own serial console.
type offering struct {
	next            http.Handler
	system, manager map[string]any
}

func (o offering) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rec := httptest.NewRecorder()
	o.next.ServeHTTP(rec, r)
	body := rec.Body.Bytes()
	var v map[string]any
	if r.Method == http.MethodGet && json.Unmarshal(body, &v) == nil && v["SerialConsole"] != nil {
		v["SerialConsole"] = o.system
		if strings.Contains(r.URL.Path, "/Managers/") {
			v["SerialConsole"] = o.manager
		}
		body, _ = json.Marshal(v)
	}
	for k, list := range rec.Header() {
		if k != "Content-Length" {
			w.Header()[k] = list
		}
	}
	w.WriteHeader(rec.Code)
	_, _ = w.Write(body)
}

func offered(t *testing.T, system, manager map[string]any) *peer {
	p, _, g := redfishPeer(t)
	g.next = offering{g.next, system, manager}
	return p
}

func service(on bool, port int, more ...string) map[string]any {
	m := map[string]any{"ServiceEnabled": on, "Port": port}
	if len(more) > 0 {
		m["SharedWithManagerCLI"], m["ConsoleEntryCommand"] = true, more[0]
	}
	return m
}

// TestConsoleOffers: what a controller offers is used, or said clearly.
func TestConsoleOffers(t *testing.T) {
	for _, c := range []struct {
		name            string
		system, manager map[string]any
		want            string
	}{
		{"nothing", nil, nil, "it offers no serial console"},
		{"all switched off", map[string]any{"IPMI": service(false, 623), "SSH": service(false, 22)}, map[string]any{"ServiceEnabled": false, "ConnectTypesSupported": []string{"IPMI"}}, "it offers no serial console"},
		{"Telnet", map[string]any{"Telnet": service(true, 23)}, nil, "by Telnet only, which we do not speak"},
		{"a command line without a way on", map[string]any{"SSH": service(true, 22, "")}, nil, "the BMC's own command line by SSH only"},
		{"the manager's own words", nil, map[string]any{"ServiceEnabled": true, "ConnectTypesSupported": []string{"SSH", "Oem", "Oem"}}, "by SSH and Oem only"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := offered(t, c.system, c.manager)
			_, err := bmc.New(quick).Console(t.Context(), p.target, false)
			mustBe(t, err, bmc.ErrUnsupported, c.want)
		})
	}
}

// TestConsoleRedfishIPMI: a controller that is told about by Redfish, and whose console is serial over LAN.
func TestConsoleRedfishIPMI(t *testing.T) {
	l := startSimLine(t)
	host, _, err := net.SplitHostPort(l.target.Address)
	if err != nil {
		t.Fatal(err)
	}
	p, _, g := redfishPeer(t)
	g.next = offering{g.next, map[string]any{"IPMI": service(true, 623)}, nil}
	l.target = p.target
	l.target.Address = serveAt(t, net.JoinHostPort(host, "443"), g)
	testBothWays(t, bmc.New(quick), l)
}

// startSSH is a controller's console by SSH: it greets and answers with what it hears.
func startSSH(t *testing.T) int {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	config := &ssh.ServerConfig{KeyboardInteractiveCallback: func(_ ssh.ConnMetadata, ask ssh.KeyboardInteractiveChallenge) (*ssh.Permissions, error) {
		a, err := ask("", "", []string{"Password: "}, []bool{false})
		if err != nil || len(a) != 1 || a[0] != password {
			return nil, errors.New("refused")
		}
		return nil, nil
	}}
	config.AddHostKey(key)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go answerSSH(conn, config)
		}
	}()
	return listener.Addr().(*net.TCPAddr).Port
}

func answerSSH(conn net.Conn, config *ssh.ServerConfig) {
	defer func() { _ = conn.Close() }()
	_, channels, requests, err := ssh.NewServerConn(conn, config)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for c := range channels {
		channel, reqs, err := c.Accept()
		if err != nil {
			return
		}
		go func() {
			for r := range reqs {
				_ = r.Reply(r.Type == "shell", nil) // no pseudo-terminals, no breaks
				if r.Type == "shell" {
					go func() {
						_, _ = io.WriteString(channel, "obmc login: ")
						buf := make([]byte, 100)
						for {
							n, err := channel.Read(buf)
							if strings.Contains(string(buf[:n]), "hang up") || err != nil {
								_ = conn.Close()
								return
							}
							_, _ = channel.Write(buf[:n])
						}
					}()
				}
			}
		}()
	}
}

// TestConsoleRedfishSSH: a controller whose console is reached by SSH, as OpenBMC's.
func TestConsoleRedfishSSH(t *testing.T) {
	d := bmc.New(quick)
	port := startSSH(t)
	p := offered(t, map[string]any{"SSH": service(true, port, "console start")}, nil)
	l := &line{target: p.target}
	c := open(t, d, l, false)
	until(t, c, "obmc login: console start\n")
	if _, err := io.WriteString(c, "root\r"); err != nil {
		t.Fatal(err)
	}
	until(t, c, "root\r")
	if err := c.Break(); err == nil || !strings.Contains(err.Error(), "no break") {
		t.Errorf("a break: %v", err)
	}
	if _, err := io.WriteString(c, "hang up"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Read(make([]byte, 10)); !errors.Is(err, bmc.ErrUnreachable) {
		t.Errorf("after it hung up: %v", err)
	}
	again := open(t, d, l, false)
	done := make(chan error, 1)
	go func() { _, err := io.Copy(io.Discard, again); done <- err }()
	if err := again.Close(); err != nil {
		t.Error(err)
	}
	select {
	case err := <-done:
		if err != nil {
			t.Errorf("reading ended with %v", err)
		}
	case <-time.After(30 * time.Second):
		t.Error("reading does not end")
	}
	p2 := offered(t, map[string]any{"SSH": service(true, 1)}, nil)
	_, err := d.Console(t.Context(), p2.target, false)
	mustBe(t, err, bmc.ErrUnreachable, "by SSH")
}
