//go:build e2e

package e2e

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"socle/api"
	"socle/lab"
)

// watchConsole collects what a console's WebSocket brings, as the dashboard's page does.
func (sc *Scene) watchConsole(t *testing.T, name string) func() string {
	t.Helper()
	pem, err := os.ReadFile(filepath.Join(sc.Data, "ca.crt"))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	token, err := sc.Token()
	if err != nil {
		t.Fatal(err)
	}
	conn, _, err := websocket.Dial(t.Context(), sc.URL+api.PathMachines+"/"+name+"/console?watch=true", &websocket.DialOptions{
		HTTPClient: &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}},
		HTTPHeader: http.Header{"Authorization": {"Bearer " + token}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.CloseNow() })
	var mu sync.Mutex
	var seen strings.Builder
	go func() {
		for {
			kind, p, err := conn.Read(context.Background())
			if err != nil {
				return
			}
			if kind == websocket.MessageBinary {
				mu.Lock()
				seen.Write(p)
				mu.Unlock()
			}
		}
	}()
	return func() string { mu.Lock(); defer mu.Unlock(); return seen.String() }
}

// marks are the lab's own remarks in its log of a serial line.
var marks = regexp.MustCompile(`\r\n\[socle lab: [^\]]*\]\r\n`)

// foreign is what is no ASCII, of which an asciicast does not keep every byte.
var foreign = regexp.MustCompile(`[^\x00-\x7f]`)

// TestE2EConsole: a server boots from the network under three pairs of eyes: socle console in a terminal, ssh, and a
// WebSocket. All see the same, one types, the other takes over; the recording holds every byte of the serial line, is
// found by a search and replayed.
func TestE2EConsole(t *testing.T) {
	spec := Spec(BIOS("bios1", 1))
	const sshPort = "2222"
	sc := Play(t, spec, ServerOptions{Console: map[string]any{"ssh_listen": spec.HostAddr().String() + ":" + sshPort}})
	page := sc.watchConsole(t, "bios1")
	cli := InTerminal(t, exec.Command(sc.program(), "console", "bios1", "--server", sc.URL, "--data-dir", sc.Data))
	cli.Shows(t, time.Minute, "console up, you hold it")
	ssh := sc.ssh(t, sshPort, "bios1")
	ssh.Shows(t, time.Minute, "holds the console, you are watching")

	sc.Do(t, "power", "on", "bios1")
	for _, text := range []string{"iPXE", "Linux version"} {
		cli.Shows(t, 6*time.Minute, text)
		ssh.Shows(t, time.Minute, text)
		Until(t, time.Minute, "the page shows "+text, func() bool { return strings.Contains(page(), text) })
	}
	sc.Await(t, "bios1", 6*time.Minute, "is inspected", func(m api.Machine) bool { return m.FactsAt != nil })
	// The kernel's line discipline answers to what is typed: nobody reads it there.
	cli.Type(t, "echo-from-the-terminal\r")
	ssh.Shows(t, time.Minute, "echo-from-the-terminal")
	ssh.Type(t, "\r~t")
	cli.Shows(t, time.Minute, "took the console over from token:admin")
	ssh.Type(t, "\recho-from-ssh\r")
	cli.Shows(t, time.Minute, "echo-from-ssh")
	Until(t, time.Minute, "the page shows what ssh typed", func() bool { return strings.Contains(page(), "echo-from-ssh") })
	if out := sc.Do(t, "power", "status", "bios1"); !strings.Contains(out, "on") {
		t.Errorf("while its console is open, its power is %q", out)
	}
	cli.Type(t, "\r~.")
	cli.Ends(t)
	ssh.Type(t, "\r~.")
	ssh.Ends(t)
	sc.Power(t, "bios1", lab.PowerOff)

	sc.wantRecording(t, "bios1")
	if out := sc.Do(t, "console", "bios1", "--search", "linux version"); !strings.Contains(out, "Linux version") {
		t.Errorf("a search finds\n%s", out)
	}
	if out := sc.Do(t, "console", "bios1", "--replay", "--speed", "0"); !strings.Contains(out, "iPXE") || !strings.Contains(out, "echo-from-ssh") {
		t.Errorf("the replay ends with\n%s", lastLines(out, 20))
	}
	began := time.Now()
	sc.Do(t, "console", "bios1", "--replay", "--speed", "1000")
	t.Logf("replayed 1000 times as fast in %s", time.Since(began).Round(time.Millisecond))
	events := sc.Do(t, "events", "--machine", "bios1")
	for _, want := range []string{"opened the console", "took the console over from token:admin", "closed the console", "opened the console's recording"} {
		if !strings.Contains(events, want) {
			t.Errorf("the history does not say %q", want)
		}
	}
}

func (sc *Scene) program() string { return sc.Server.program }

// ssh is OpenSSH's client in a terminal, with the admin token as the password.
func (sc *Scene) ssh(t *testing.T, port, name string) *Terminal {
	t.Helper()
	ask := filepath.Join(sc.Dir, "ask")
	if err := os.WriteFile(ask, []byte("#!/bin/sh\ncat '"+filepath.Join(sc.Data, "admin-token")+"'\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("ssh", "-F", "none", "-e", "none", "-p", port, "-o", "UserKnownHostsFile="+filepath.Join(sc.Dir, "known_hosts"),
		"-o", "StrictHostKeyChecking=accept-new", "-o", "PubkeyAuthentication=no", name+"@"+sc.HostAddr().String())
	cmd.Env = append(os.Environ(), "SSH_ASKPASS="+ask, "SSH_ASKPASS_REQUIRE=force")
	return InTerminal(t, cmd)
}

// wantRecording compares what was recorded with the serial line itself.
func (sc *Scene) wantRecording(t *testing.T, name string) {
	t.Helper()
	r, err := sc.API.Recording(t.Context(), name, "latest")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	var got strings.Builder
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	events := 0
	for lines.Scan() {
		var e []any
		if json.Unmarshal(lines.Bytes(), &e) != nil || len(e) != 3 {
			continue // the header
		}
		if text, _ := e[2].(string); e[1] == "o" {
			got.WriteString(text)
			events++
		} else if strings.Contains(text, "lost") {
			t.Errorf("the recording says: %s", text)
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	want := foreign.ReplaceAllString(strings.ToValidUTF8(marks.ReplaceAllString(sc.Console(name), ""), ""), "")
	t.Logf("recorded %d bytes in %d events; the serial line said %d", got.Len(), events, len(want))
	if got := foreign.ReplaceAllString(got.String(), ""); got != want {
		n := 0
		for n < min(len(got), len(want)) && got[n] == want[n] {
			n++
		}
		t.Errorf("the recording differs from the serial line at byte %d:\n%.200q\nand not\n%.200q", n, got[n:], want[n:])
	}
}
