package e2e

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"gopkg.in/yaml.v3"

	"socle/api"
)

// The usual ports; in the tests' own namespace they are free.
const (
	apiPort  = "8443"
	bootPort = "8080"
	tlsPort  = "8444" // of boot HTTP over TLS
	tftpPort = "69"
)

// Server is `socle serve` for one rack.
type Server struct {
	URL  string // of API and dashboard
	Boot string // URL of the boot HTTP
	Data string // data folder
	API  *api.Client

	program, config, log string
	settings             map[string]any // what config says
	cmd                  *exec.Cmd
	ended                chan struct{}
}

// ServerOptions is what a test wants otherwise than usual.
type ServerOptions struct {
	Roles  []map[string]any  // default: Roles
	Limits map[string]string // of the configuration
	Tries  int               // boots by one way before another is tried; default: the usual
	Data   string            // default: a folder of the test
	// Database is the URL of a PostgreSQL; default: the embedded database.
	Database string
	HTTPS    bool // firmware that boots by HTTP gets https URLs only
	// Services are the parts that run; default: all.
	Services []string
	// Console is that section of the configuration; default: the usual.
	Console map[string]any
	// IPv6 takes the IPv4 address off the provisioning network: servers boot, and agents report, by IPv6 alone.
	IPv6 bool
	// Media lets BMCs fetch boot media by their own network, where they do not reach that of the servers.
	Media bool
	// More are further sections of the configuration.
	More map[string]any
}

// Roles is one role for servers with one disk, and one with priority for those that have data disks as well.
func Roles() []map[string]any {
	const gib = 1 << 30
	return []map[string]any{
		{"name": "node", "image": Image, "verify": "none", "priority": 10, "match": map[string]any{"min_disks": 1}},
		{"name": "store", "image": Image, "verify": "none", "priority": 20, "match": map[string]any{"min_disks": 2},
			"system_disk": map[string]any{"min_bytes": 2 * gib},
			"data_disks":  map[string]any{"max_bytes": 2 * gib, "min_count": 1, "label": "d"}},
	}
}

// Serve starts a server with an empty inventory for the rack, and waits until it answers. It stops with the test.
func Serve(t testing.TB, a Artefacts, r *Rack, dir string, o ServerOptions) *Server {
	t.Helper()
	host := r.HostAddr().String()
	s := &Server{URL: "https://" + host + ":" + apiPort, Boot: "http://" + host + ":" + bootPort, Data: o.Data,
		program: a.Program, config: filepath.Join(dir, "socle.yaml"), log: filepath.Join(dir, "serve.log")}
	if s.Data == "" {
		s.Data = filepath.Join(dir, "data")
	}
	a.lend(t, s.Data)
	if o.Roles == nil {
		o.Roles = Roles()
	}
	pool := func(n byte) string { b := r.HostAddr().As4(); return fmt.Sprintf("%d.%d.%d.%d", b[0], b[1], b[2], n) }
	s.settings = map[string]any{
		"listen":   host + ":" + apiPort,
		"data_dir": s.Data,
		"boot":     map[string]any{"listen": host + ":" + bootPort, "tftp": host + ":" + tftpPort},
		"subnets": []map[string]any{{"name": "provisioning", "interface": r.Interface(), "server": host, "prefix": r.Provisioning.String(),
			"pool_first": pool(100), "pool_last": pool(199), "lease_time": "1h"}},
		"roles":  o.Roles,
		"limits": o.Limits,
		"log":    map[string]string{"level": "debug"},
	}
	maps.Copy(s.settings, o.More)
	if o.Console != nil {
		s.settings["console"] = o.Console
	}
	if o.Database != "" {
		s.settings["database"] = map[string]string{"url": o.Database}
	}
	if o.Tries != 0 {
		s.settings["boot"].(map[string]any)["tries"] = o.Tries
	}
	if o.Media {
		boot := s.settings["boot"].(map[string]any)
		boot["listen"], boot["media_url"] = ":"+bootPort, "http://"+r.ManagementHostAddr().String()+":"+bootPort
	}
	if o.HTTPS {
		s.settings["boot"].(map[string]any)["tls_listen"] = host + ":" + tlsPort
		s.settings["subnets"].([]map[string]any)[0]["https"] = true
	}
	if o.Services != nil {
		s.settings["services"] = o.Services
	}
	if o.IPv6 {
		s.onlyIPv6(t, r)
	}
	s.configure(t)
	t.Cleanup(func() { s.cleanup(t) })
	s.Start(t)
	return s
}

func (s *Server) configure(t testing.TB) {
	t.Helper()
	text, err := yaml.Marshal(s.settings)
	if err == nil {
		err = os.WriteFile(s.config, text, 0o600)
	}
	if err != nil {
		t.Fatalf("writing the server's configuration: %v", err)
	}
}

// Limit starts the server again with other limits.
func (s *Server) Limit(t testing.TB, limits map[string]string) {
	t.Helper()
	s.Stop(t)
	s.settings["limits"] = limits
	s.configure(t)
	s.Start(t)
}

// Start starts the server, or starts it again, and returns when the API answers.
func (s *Server) Start(t testing.TB) {
	t.Helper()
	out, err := os.OpenFile(s.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	s.cmd, s.ended = command(s.program, "serve", "--config", s.config), make(chan struct{})
	s.cmd.Stdout, s.cmd.Stderr = out, out
	if err := s.cmd.Start(); err != nil {
		t.Fatalf("starting the server: %v", err)
	}
	go func(cmd *exec.Cmd, ended chan struct{}) {
		defer close(ended)
		_ = cmd.Wait() // what it ended with is in cmd.ProcessState
	}(s.cmd, s.ended)
	Until(t, 2*time.Minute, "the server answers", func() bool {
		select {
		case <-s.ended:
			t.Fatalf("the server has ended: %s", Tail(s.log, 10))
		default:
		}
		if s.API == nil {
			if s.API, err = s.client(); err != nil {
				return false // there is no token yet
			}
		}
		_, err := s.API.Machines(t.Context(), "", "")
		return err == nil
	})
}

func (s *Server) client() (*api.Client, error) {
	token, err := s.Token()
	if err != nil {
		return nil, err
	}
	return api.NewClient(api.ClientOptions{Server: s.URL, Token: token, CAFile: filepath.Join(s.Data, "ca.crt"), Timeout: 30 * time.Second})
}

// Token is the admin token that the server made at its first start.
func (s *Server) Token() (string, error) {
	text, err := os.ReadFile(filepath.Join(s.Data, "admin-token"))
	return strings.TrimSpace(string(text)), err
}

// Kill ends the server as a power cut would: at once and without a word.
func (s *Server) Kill(t testing.TB) {
	t.Helper()
	if err := s.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-s.ended
}

// Stop asks the server to end; it has to, in a moment and without an error.
func (s *Server) Stop(t testing.TB) {
	t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Errorf("stopping the server: %v", err)
		return
	}
	select {
	case <-s.ended:
		if code := s.cmd.ProcessState.ExitCode(); code != 0 {
			t.Errorf("the stopped server ended with code %d: %s", code, Tail(s.log, 5))
		}
	case <-time.After(20 * time.Second):
		t.Error("the server does not stop when asked")
		s.Kill(t)
	}
}

// cleanup stops the server if it runs, and shows its last words when the test failed.
func (s *Server) cleanup(t testing.TB) {
	if s.cmd != nil && s.cmd.Process != nil {
		select {
		case <-s.ended:
		default:
			s.Stop(t)
		}
	}
	if t.Failed() {
		t.Logf("the end of %s:\n%s", s.log, Tail(s.log, 60))
	}
}

// CLI runs a command of the program against this server and returns what it printed and its exit code.
func (s *Server) CLI(t testing.TB, args ...string) (string, int) {
	t.Helper()
	return s.Fed(t, "", args...)
}

// Fed is CLI for a command that reads what is typed.
func (s *Server) Fed(t testing.TB, typed string, args ...string) (string, int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, s.program, append(args, "--server", s.URL, "--data-dir", s.Data)...)
	cmd.Stdin = strings.NewReader(typed)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// Do is CLI for a command that has to succeed.
func (s *Server) Do(t testing.TB, args ...string) string {
	t.Helper()
	out, code := s.CLI(t, args...)
	if code != 0 {
		t.Fatalf("socle %s ended with code %d:\n%s", strings.Join(args, " "), code, out)
	}
	return out
}

// Says is Do for a command that has to say something.
func (s *Server) Says(t testing.TB, want string, args ...string) {
	t.Helper()
	if out := s.Do(t, args...); !strings.Contains(out, want) {
		t.Errorf("socle %s does not say %q:\n%s", strings.Join(args, " "), want, out)
	}
}

// command is a process that dies with this one, so that a killed test leaves no server behind.
func command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...) //nolint:noctx // it is ended by Kill, Stop or cleanup
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	return cmd
}
