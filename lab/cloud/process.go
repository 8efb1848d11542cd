package cloud

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// enter is run in fresh mount and process namespaces with the root directory, the state directory and the
// program as arguments. The tree is read-only; the state appears as /etc/swift, where Swift looks for
// everything. All mounts end with the namespace.
const enter = `set -e
root=$1 state=$2
shift 2
mount --bind "$root" "$root"
mount -o remount,bind,ro "$root"
mount -t proc proc "$root/proc"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
mount -t tmpfs -o mode=755 tmpfs "$root/var/cache"
mount --bind "$state" "$root/etc/swift"
exec chroot "$root" "$@"`

// argv wraps a program of the tree.
func (c *Controller) argv(program ...string) []string {
	args := []string{"unshare", "--mount", "--pid", "--fork", "--kill-child", "--propagation", "private", "--",
		"sh", "-c", enter, "sh", c.o.RootDir, c.o.StateDir}
	if c.o.Namespace != "" {
		args = append([]string{"nsenter", "--net=" + filepath.Join("/run/netns", c.o.Namespace), "--"}, args...)
	}
	return append(args, program...)
}

// process is the first of a process namespace: when it is killed, all others of it die too.
type process struct {
	cmd  *exec.Cmd
	done chan struct{}
}

// start runs a program until it is killed, or this process ends for whatever reason.
func (c *Controller) start(log io.Writer, program ...string) (*process, error) {
	argv := c.argv(program...)
	p := &process{cmd: exec.Command(argv[0], argv[1:]...), done: make(chan struct{})} //nolint:gosec,noctx // ours; ends by kill
	p.cmd.Stdout, p.cmd.Stderr = log, log
	p.cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8"}
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	started := make(chan error, 1)
	go func() {
		// The kernel sends the signal when the thread that started the process ends, so that one must stay.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := p.cmd.Start()
		started <- err
		if err == nil {
			_ = p.cmd.Wait() // killed: the state says nothing more
		}
		close(p.done)
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("running %s: %w", program[0], err)
	}
	return p, nil
}

func (p *process) alive() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// kill ends the process and all that it started, and waits until they are gone. The signal goes to the
// namespace's first process, whose end waits for all others; unshare, its parent, ends after it. Killing
// unshare first would leave them a moment more, in which an old proxy still answers.
func (p *process) kill() {
	if !p.alive() {
		return
	}
	if first, ok := onlyChild(p.cmd.Process.Pid); ok {
		_ = syscall.Kill(first, syscall.SIGKILL)
		select {
		case <-p.done:
			return
		case <-time.After(killWait):
		}
	}
	_ = p.cmd.Process.Kill()
	<-p.done
}

// killWait is how long the processes of a namespace may take to die.
const killWait = 10 * time.Second

func onlyChild(pid int) (int, bool) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		return 0, false
	}
	fields := strings.Fields(string(data))
	if len(fields) != 1 {
		return 0, false
	}
	child, err := strconv.Atoi(fields[0])
	return child, err == nil
}

// run runs a program of the tree to its end; exit statuses up to tolerated are no errors.
func (c *Controller) run(ctx context.Context, tolerated int, program ...string) (string, error) {
	argv := c.argv(program...)
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...) //nolint:gosec // ours
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8"}
	out, err := cmd.CombinedOutput()
	if err != nil && (cmd.ProcessState == nil || !cmd.ProcessState.Exited() || cmd.ProcessState.ExitCode() > tolerated) {
		return "", fmt.Errorf("running %s: %w: %.500s", strings.Join(program, " "), err, strings.TrimSpace(string(out)))
	}
	return string(out), nil
}

// attach gives the namespace's interface the controller's address.
func (c *Controller) attach(ctx context.Context) error {
	if err := c.ip(ctx, "link", "set", "lo", "up"); err != nil {
		return err
	}
	if c.o.Interface == "" {
		return nil
	}
	return c.ip(ctx, "address", "replace", c.o.Address.String(), "dev", c.o.Interface)
}

// release takes the address away; that it is gone already, with its namespace, is fine.
func (c *Controller) release(ctx context.Context) error {
	if c.o.Interface == "" {
		return nil
	}
	out, err := exec.CommandContext(ctx, "ip", c.ipArgs("-o", "address", "show", "dev", c.o.Interface)...).Output() //nolint:gosec // ours
	if err != nil || !strings.Contains(string(out), " "+c.o.Address.String()+" ") {
		return nil //nolint:nilerr // no namespace or no interface: nothing to take away
	}
	return c.ip(ctx, "address", "del", c.o.Address.String(), "dev", c.o.Interface)
}

func (c *Controller) ip(ctx context.Context, args ...string) error {
	out, err := exec.CommandContext(ctx, "ip", c.ipArgs(args...)...).CombinedOutput() //nolint:gosec // ours
	if err != nil {
		return fmt.Errorf("running ip %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}

func (c *Controller) ipArgs(args ...string) []string {
	if c.o.Namespace == "" {
		return args
	}
	return append([]string{"-n", c.o.Namespace}, args...)
}
