package demo

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"gopkg.in/yaml.v3"

	"socle/api"
	"socle/lab"
)

// freePort is the first port from a usual one on that nobody has: a laptop often has something on 8080.
func freePort(ctx context.Context, first int) (string, error) {
	var last error
	for port := first; port < first+50; port++ {
		l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", ":"+strconv.Itoa(port))
		if err == nil {
			return strconv.Itoa(port), l.Close()
		}
		last = err
	}
	return "", fmt.Errorf("looking for a free port from %d on: %w", first, last)
}

// server is the running `socle serve`.
type server struct {
	cmd   *exec.Cmd
	pid   int
	url   string
	data  string
	log   string
	ended chan struct{}
}

// configure writes the server's configuration and the secrets that it shares with the cloud controller.
func (d *demo) configure(ctx context.Context, iface string) error {
	api, err := freePort(ctx, 8443)
	if err != nil {
		return err
	}
	boot, err := freePort(ctx, 8080)
	if err != nil {
		return err
	}
	d.url = "https://localhost:" + api
	key, suffix := filepath.Join(d.StateDir, "cloud", "key"), filepath.Join(d.StateDir, "cloud", "hash-suffix")
	for file, text := range map[string]string{key: d.cloud.Key().Reveal(), suffix: d.cloud.HashSuffix().Reveal()} {
		if err := os.WriteFile(file, []byte(text+"\n"), 0o600); err != nil {
			return fmt.Errorf("handing over the object store's secrets: %w", err)
		}
	}
	text, err := yaml.Marshal(settings(d.Spec, d.StateDir, iface, api, boot, map[string]string{
		"url": d.cloud.URL(), "user": d.cloud.User(), "key_file": key, "hash_suffix_file": suffix}))
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(d.StateDir, "socle.yaml"), text, 0o600); err != nil {
		return fmt.Errorf("writing the configuration: %w", err)
	}
	return nil
}

// settings are the server's configuration. BMCs have a network of their own, from which nothing leads to that of the servers: what they
// fetch, media and firmware, they get at the host's address in theirs, so the boot HTTP is at both.
func settings(rack lab.Spec, stateDir, iface, apiPort, bootPort string, swift map[string]string) map[string]any {
	prov, own := rack.Provisioning, rack.HostAddr()
	forBMCs := "http://" + net.JoinHostPort(rack.ManagementHostAddr().String(), bootPort)
	return map[string]any{
		"listen":   ":" + apiPort,
		"data_dir": filepath.Join(stateDir, "data"),
		"boot":     map[string]string{"listen": ":" + bootPort, "tftp": own.String() + ":69", "media_url": forBMCs},
		"firmware": map[string]string{"url": forBMCs},
		"subnets": []map[string]any{{"name": "provisioning", "interface": iface, "server": own.String(), "prefix": prov.String(),
			"pool_first": hostNumber(prov, 100).String(), "pool_last": hostNumber(prov, 199).String(), "lease_time": "1h"}},
		"roles": roles(),
		"swift": swift,
	}
}

// roles are those of the demo's cloud: what has four small disks beside a large one stores, what has one disk
// hosts guests.
func roles() []map[string]any {
	const gib = 1 << 30
	return []map[string]any{
		{"name": "hypervisor", "image": "hypervisor", "verify": "libvirt", "priority": 10,
			"match": map[string]any{"min_disks": 1, "max_disks": 2, "min_memory_bytes": 2 * gib}},
		{"name": "storage", "image": "storage", "verify": "swift", "priority": 20,
			"match":       map[string]any{"min_disks": 5},
			"system_disk": map[string]any{"min_bytes": 4 * gib},
			"data_disks":  map[string]any{"max_bytes": 3 * gib, "min_count": 4, "label": "d"}},
	}
}

// startServer starts `socle serve` and waits until it is ready. It ends with this process, whatever happens.
func startServer(ctx context.Context, program, stateDir, url string) (*server, error) {
	s := &server{url: url, data: filepath.Join(stateDir, "data"), log: filepath.Join(stateDir, "serve.log"), ended: make(chan struct{})}
	out, err := os.Create(s.log)
	if err != nil {
		return nil, fmt.Errorf("opening the server's log: %w", err)
	}
	defer out.Close()
	s.cmd = exec.Command(program, "serve", "--config", filepath.Join(stateDir, "socle.yaml")) //nolint:noctx // it is stopped by stop, in its turn
	s.cmd.Stdout, s.cmd.Stderr = out, out
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting the server: %w", err)
	}
	s.pid = s.cmd.Process.Pid
	go func() {
		_ = s.cmd.Wait() // why it ended is in its log
		close(s.ended)
	}()
	for deadline := time.Now().Add(time.Minute); ; {
		if c, err := s.client(); err == nil {
			if _, err = c.Machines(ctx, "", ""); err == nil {
				return s, nil
			}
		}
		select {
		case <-s.ended:
			return nil, fmt.Errorf("the server does not start: %s", s.lastLine())
		case <-ctx.Done():
			return nil, errors.Join(ctx.Err(), s.stop())
		case <-time.After(200 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			return nil, errors.Join(fmt.Errorf("the server is not ready after a minute: see %s", s.log), s.stop())
		}
	}
}

// lastLine is what the server said last.
func (s *server) lastLine() string {
	text, err := os.ReadFile(s.log)
	if err != nil {
		return "see " + s.log
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return lines[len(lines)-1]
}

func (s *server) client() (*api.Client, error) {
	token, err := os.ReadFile(filepath.Join(s.data, "admin-token"))
	if err != nil {
		return nil, fmt.Errorf("reading the admin token: %w", err)
	}
	return api.NewClient(api.ClientOptions{Server: s.url, Token: strings.TrimSpace(string(token)), CAFile: filepath.Join(s.data, "ca.crt"), Timeout: 3 * time.Minute})
}

// peakMemory is the most that the server has had in memory, in bytes (VmHWM, proc(5)); 0 when it is gone.
func (s *server) peakMemory() int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		var kib int64
		if n, err := fmt.Sscanf(line, "VmHWM: %d kB", &kib); n == 1 && err == nil {
			return kib << 10
		}
	}
	return 0
}

// stop asks the server to end, and insists after a while.
func (s *server) stop() error {
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stopping the server: %w", err)
	}
	select {
	case <-s.ended:
		return nil
	case <-time.After(20 * time.Second):
		return errors.Join(errors.New("the server did not stop when asked and was killed"), s.cmd.Process.Kill())
	}
}

// address is that of a machine's deployed system, once it is known.
func address(m api.Machine) (netip.Addr, bool) {
	a, err := netip.ParseAddr(m.Address)
	return a, err == nil && m.Deployed != nil && m.Deployed.PhonedHome != nil
}
