package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Both ends of the cable, in the range that RFC 2544 sets aside for benchmarks.
const (
	serverIface = "bench0"
	clientIface = "bench1"
	serverAddr  = "198.18.0.1"
	clientAddr  = "198.18.0.2"
	prefix      = "198.18.0.0/16"
)

// bed is where a run happens: this process on one end of the cable, the servers on the other, a folder for
// what they write.
type bed struct {
	dir    string
	socle  string    // absolute path of the binary
	holder *exec.Cmd // keeps the servers' namespace
	asks   asking    // how the server of this turn is asked for boot scripts
}

func newBed(socle string) (*bed, error) {
	b := &bed{}
	var err error
	if b.socle, err = filepath.Abs(socle); err != nil {
		return nil, err
	}
	if _, err := os.Stat(b.socle); err != nil {
		return nil, fmt.Errorf("%w: make build first", err)
	}
	if b.dir, err = os.MkdirTemp("", "socle-bench-"); err != nil {
		return nil, err
	}
	if err := os.Chmod(b.dir, 0o755); err != nil { //nolint:gosec // servers that give up root read their files here
		return nil, errors.Join(err, os.RemoveAll(b.dir))
	}
	b.holder = exec.Command("sleep", "infinity") //nolint:noctx // close ends it
	b.holder.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	if err := b.holder.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("making the servers' namespace: %w", err), os.RemoveAll(b.dir))
	}
	if err := b.plug(); err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

// plug lays the cable.
func (b *bed) plug() error {
	pid := strconv.Itoa(b.holder.Process.Pid)
	for _, line := range []string{
		"ip link set lo up",
		"ip link add " + clientIface + " type veth peer name " + serverIface + " netns " + pid,
		"ip addr add " + clientAddr + "/16 dev " + clientIface,
		"ip link set " + clientIface + " up",
		"nsenter -t " + pid + " -n ip link set lo up",
		"nsenter -t " + pid + " -n ip addr add " + serverAddr + "/16 dev " + serverIface,
		"nsenter -t " + pid + " -n ip link set " + serverIface + " up",
	} {
		args := strings.Fields(line)
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil { //nolint:noctx // done in milliseconds
			return fmt.Errorf("%s: %w: %s", line, err, out)
		}
	}
	return nil
}

func (b *bed) close() {
	_ = b.holder.Process.Kill()
	_ = b.holder.Wait()
	if err := os.RemoveAll(b.dir); err != nil {
		fmt.Fprintln(os.Stderr, "cleaning up:", err)
	}
}

// folder makes the folder of a peer. What it holds stays from one turn to the next.
func (b *bed) folder(name string) (string, error) {
	dir := filepath.Join(b.dir, name)
	return dir, os.MkdirAll(dir, 0o755) //nolint:gosec // as the bed's
}

// unpacked is the path of a program that is not installed but unpacked or built beside our binary (make setup-bench).
func (b *bed) unpacked(program string) string {
	return filepath.Join(filepath.Dir(b.socle), "peers", program)
}

// server is a peer that runs.
type server struct {
	name  string
	cmd   *exec.Cmd
	group *group        // all of its processes are in it
	ended chan struct{} // closed when its first process is gone
	log   string        // file with what it says
}

// start starts a server in the servers' namespace; it must stay in the foreground. It is up once ready, asked
// again and again, has no error. Only the main goroutine may start servers.
func (b *bed) start(ctx context.Context, log string, argv []string, ready func(context.Context) error) (*server, error) {
	out, err := os.Create(log)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	pid := strconv.Itoa(b.holder.Process.Pid)
	s := &server{name: argv[0], cmd: exec.Command("nsenter", append([]string{"-t", pid, "-n"}, argv...)...), ended: make(chan struct{}), log: log} //nolint:noctx // stop ends it
	s.cmd.Stdout, s.cmd.Stderr = out, out
	if s.group, err = newGroup(filepath.Base(argv[0])); err != nil {
		return nil, err
	}
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL, UseCgroupFD: true, CgroupFD: int(s.group.dir.Fd())}
	s.cmd.Env = append(os.Environ(), "KEA_PIDFILE_DIR="+b.dir, "KEA_LOCKFILE_DIR="+b.dir, "KEA_LOGGER_DESTINATION=stderr")
	if err := s.cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("starting %s: %w", argv[0], err), s.group.end())
	}
	go func() { _ = s.cmd.Wait(); close(s.ended) }()
	ctx, cancel := context.WithTimeout(ctx, 60*time.Second)
	defer cancel()
	for tick := time.NewTicker(50 * time.Millisecond); ; {
		if err = ready(ctx); err == nil {
			tick.Stop()
			return s, nil
		}
		select {
		case <-s.ended:
			s.stop()
			return nil, fmt.Errorf("%s ended: %s", argv[0], s.said())
		case <-ctx.Done():
			s.stop()
			return nil, fmt.Errorf("%s does not answer: %w: %s", argv[0], err, s.said())
		case <-tick.C:
		}
	}
}

// said is the end of what the server said.
func (s *server) said() string {
	text, err := os.ReadFile(s.log)
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(string(text[max(0, len(text)-2000):]))
}

// usage is what the server has used so far; an error when it has ended.
func (s *server) usage() (usage, error) {
	select {
	case <-s.ended:
		return usage{}, fmt.Errorf("%s ended: %s", s.name, s.said())
	default:
		return s.group.usage()
	}
}

// stop ends the server with all its processes and waits for it.
func (s *server) stop() {
	_ = syscall.Kill(-s.cmd.Process.Pid, syscall.SIGTERM)
	select {
	case <-s.ended:
	case <-time.After(5 * time.Second):
	}
	if err := s.group.end(); err != nil {
		fmt.Fprintln(os.Stderr, "cleaning up:", err)
	}
	<-s.ended
}

// answersTCP is ready once a port of the server accepts connections.
func answersTCP(port int) func(context.Context) error {
	return func(ctx context.Context) error {
		c, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", net.JoinHostPort(serverAddr, strconv.Itoa(port)))
		if err != nil {
			return err
		}
		return c.Close()
	}
}
