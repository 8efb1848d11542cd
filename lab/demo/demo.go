package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"socle/api"
	"socle/lab"
	"socle/lab/cloud"
)

// Options say how to run the demo.
type Options struct {
	Program  string   // the socle binary
	StateDir string   // all that the demo keeps
	Spec     lab.Spec // the rack
	Out      io.Writer
	Log      *slog.Logger
	// Leave ends the demo once its job is done, instead of waiting for the context.
	Leave bool
	// Patience is how long the job may take; zero for an hour and a half.
	Patience time.Duration
}

// demo is one run.
type demo struct {
	Options
	images string // folder of images, packages and boot files, kept from run to run
	server *server
	cloud  *cloud.Controller
	client *api.Client
	url    string // of the dashboard
	// prepared is how long it took until the server was up.
	prepared time.Duration
}

// Run does the whole job and leaves the dashboard up until ctx ends; then it takes everything down.
func Run(ctx context.Context, o Options) (err error) {
	if os.Geteuid() != 0 {
		return errors.New("the rack needs network namespaces: run it as root, e.g. with sudo")
	}
	if o.Patience == 0 {
		o.Patience = 90 * time.Minute
	}
	if err := os.MkdirAll(o.StateDir, 0o700); err != nil {
		return fmt.Errorf("making the folder of the demo: %w", err)
	}
	unlock, err := lock(filepath.Join(o.StateDir, "lock"))
	if err != nil {
		return err
	}
	defer unlock()
	d := &demo{Options: o, images: filepath.Join(o.StateDir, "data")}
	defer func() { err = errors.Join(err, d.down()) }()
	started := time.Now()
	if err := d.prepare(ctx); err != nil {
		return stopped(ctx, err)
	}
	d.prepared = time.Since(started)
	job, cancel := context.WithTimeout(ctx, o.Patience)
	defer cancel()
	if err := d.job(job, started); err != nil {
		return stopped(ctx, err)
	}
	if o.Leave {
		return nil
	}
	d.say("The dashboard stays at %s until Ctrl-C or `make demo-down`.", d.server.url)
	select {
	case <-ctx.Done():
		return nil
	case <-d.server.ended:
		return errors.New("the server has ended by itself: see " + d.server.log)
	}
}

// stopped makes no error of a person's Ctrl-C.
func stopped(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// Down takes away what a run left that could not do it itself, and stops one that still runs.
func Down(ctx context.Context, o Options) error {
	if err := stopRunning(filepath.Join(o.StateDir, "lock")); err != nil {
		return err
	}
	return lab.Down(ctx, o.Spec.Name, o.Log)
}

func (d *demo) say(format string, args ...any) {
	fmt.Fprintf(d.Out, "%s  "+format+"\n", append([]any{time.Now().Format(time.TimeOnly)}, args...)...)
}

// prepare brings up everything that a site would have before its first server is switched on.
func (d *demo) prepare(ctx context.Context) error {
	if err := d.build(ctx); err != nil {
		return err
	}
	if err := d.forget(ctx); err != nil {
		return err
	}
	d.say("bringing up the virtual rack: %d servers, all off", len(d.Spec.Servers))
	status, err := lab.Up(ctx, d.Spec, filepath.Join(d.StateDir, "lab"), d.Log)
	if err != nil {
		return fmt.Errorf("bringing up the rack: %w", err)
	}
	address := netip.PrefixFrom(hostNumber(d.Spec.Provisioning, 5), d.Spec.Provisioning.Bits())
	d.cloud, err = cloud.Start(ctx, cloud.Options{RootDir: filepath.Join(d.images, "build", "controller"), StateDir: filepath.Join(d.StateDir, "cloud"),
		Namespace: status.Interface, Interface: "rack", Address: address, Log: d.Log})
	if err != nil {
		return fmt.Errorf("starting the cloud controller: %w", err)
	}
	if err := d.configure(ctx, status.Interface); err != nil {
		return err
	}
	if d.server, err = startServer(ctx, d.Program, d.StateDir, d.url); err != nil {
		return err
	}
	d.client, err = d.server.client()
	if err != nil {
		return err
	}
	d.say("socle serve is up; dashboard: %s", d.server.url)
	d.say("log in with the token in %s", filepath.Join(d.StateDir, "data", "admin-token"))
	return nil
}

// forget removes what an earlier run knew: the inventory, the disks of the servers, the objects of the cloud.
func (d *demo) forget(ctx context.Context) error {
	if err := lab.Down(ctx, d.Spec.Name, d.Log); err != nil {
		return fmt.Errorf("clearing the rack of an earlier run: %w", err)
	}
	data := filepath.Join(d.StateDir, "data")
	old, err := filepath.Glob(filepath.Join(data, "socle.db*"))
	if err != nil {
		return err
	}
	for _, path := range append(old, filepath.Join(data, "admin-token"), filepath.Join(d.StateDir, "lab"), filepath.Join(d.StateDir, "cloud")) {
		if err := os.RemoveAll(path); err != nil {
			return fmt.Errorf("clearing an earlier run: %w", err)
		}
	}
	return nil
}

// down takes everything down, in the order in which it depends on each other.
func (d *demo) down() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	d.say("taking everything down")
	var errs []error
	if d.server != nil {
		errs = append(errs, d.server.stop())
	}
	if d.cloud != nil {
		errs = append(errs, d.cloud.Stop(ctx))
	}
	return errors.Join(append(errs, lab.Down(ctx, d.Spec.Name, d.Log))...)
}

// lock makes sure that one demo runs in a folder, and notes who it is.
func lock(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("locking the folder of the demo: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(errors.New("a demo runs in this folder already: stop it with `make demo-down`"), f.Close())
	}
	err = errors.Join(f.Truncate(0), writePID(f))
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() { _ = f.Close() }, nil // closing gives the lock back
}

func writePID(f *os.File) error {
	_, err := fmt.Fprintf(f, "%d\n", os.Getpid())
	return err
}

// stopRunning asks the demo that holds the lock to stop, and waits until it is gone.
func stopRunning(path string) error {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	asked := false
	for deadline := time.Now().Add(90 * time.Second); time.Now().Before(deadline); {
		if syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil {
			return nil
		}
		var pid int
		if _, err := fmt.Fscan(io.NewSectionReader(f, 0, 20), &pid); err == nil && !asked {
			asked = syscall.Kill(pid, syscall.SIGTERM) == nil // it holds the lock, so the number is its own
		}
		<-time.After(200 * time.Millisecond)
	}
	return errors.New("the running demo does not stop")
}

func hostNumber(p netip.Prefix, n byte) netip.Addr {
	a := p.Masked().Addr().As4()
	a[3] = n
	return netip.AddrFrom4(a)
}
