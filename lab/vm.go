package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"socle/lab/redfish"
)

// Action is what a BMC can do with the power.
type Action string

// The actions.
const (
	PowerOn        Action = "on"
	PowerOff       Action = "off"        // cut
	PowerCycle     Action = "cycle"      // cut, then on; of a server that is off: on
	PowerReset     Action = "reset"      // the reset line
	PowerSoft      Action = "soft"       // the ACPI power button
	PowerSoftCycle Action = "soft-cycle" // the ACPI power button, then on
	PowerNMI       Action = "nmi"
)

// ErrOff is returned for what only a running server can do.
var ErrOff = errors.New("the server is off")

// vm is one server: its BMC's memory, and QEMU while the power is on.
type vm struct {
	machine  machine
	qemuPath string
	log      *slog.Logger
	journal  *journal
	console  *hub
	tasks    *sync.WaitGroup // everything that outlives a call

	redfish *redfish.BMC // nil: the BMC speaks IPMI

	op   sync.Mutex // one change of power at a time
	mu   sync.Mutex // guards what follows
	boot BootSetting
	set  int      // counts settings of boot, so that a boot uses up none that came after it
	run  *running // nil: off
	dead bool     // the rack goes down: nothing starts any more
	disc string   // file in the CD drive; empty: none
	// pulled are the network ports, counted from 1, that have no cable in them.
	pulled map[int]bool
}

// running is one life of QEMU.
type running struct {
	cmd    *exec.Cmd
	ready  chan struct{} // closed when qmp is set, or failed
	qmp    *qmp
	failed error
	resets chan struct{} // a reset happened; holds one
	// Guarded by vm.mu:
	booting int       // the setting that this boot goes by, as counted in vm.set
	resetAt time.Time // of the last reset
	exited  chan struct{}
}

// on tells whether the power is on.
func (v *vm) on() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.run != nil
}

// current is the running QEMU, or ErrOff.
func (v *vm) current() (*running, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.run == nil {
		return nil, fmt.Errorf("%s: %w", v.machine.Server.Name, ErrOff)
	}
	return v.run, nil
}

// power carries out an action and returns when it is on its way; by names who asked.
func (v *vm) power(ctx context.Context, action Action, by string) error {
	v.op.Lock()
	defer v.op.Unlock()
	was := v.on()
	err := v.act(ctx, action)
	v.journal.add(by, "power "+string(action), was, v.on(), err)
	if err != nil {
		return fmt.Errorf("power %s of %s: %w", action, v.machine.Server.Name, err)
	}
	return nil
}

func (v *vm) act(ctx context.Context, action Action) error {
	switch action {
	case PowerOn:
		return v.start()
	case PowerOff:
		return v.stop()
	case PowerCycle:
		if err := v.stop(); err != nil {
			return err
		}
		return v.start()
	case PowerReset:
		return v.command(ctx, "system_reset")
	case PowerSoft:
		return v.command(ctx, "system_powerdown")
	case PowerNMI:
		return v.command(ctx, "inject-nmi")
	case PowerSoftCycle:
		return v.softCycle(ctx)
	default:
		return fmt.Errorf("no such action; use on, off, cycle, reset or soft")
	}
}

// command sends QEMU a command without arguments.
func (v *vm) command(ctx context.Context, name string) error {
	r, err := v.current()
	if err != nil {
		return err
	}
	q, err := r.control(ctx)
	if err != nil {
		return err
	}
	_, err = q.do(ctx, name, nil)
	return err
}

// softRestartWait is how long a guest may take to shut down in a graceful restart.
const softRestartWait = 2 * time.Minute

func (v *vm) softCycle(ctx context.Context) error {
	r, err := v.current()
	if err != nil {
		return err
	}
	if err := v.command(ctx, "system_powerdown"); err != nil {
		return err
	}
	v.tasks.Go(func() {
		select {
		case <-r.exited:
			v.op.Lock()
			defer v.op.Unlock()
			if err := v.start(); err != nil {
				v.log.Error("starting after graceful restart", "error", err)
			}
		case <-time.After(softRestartWait):
			v.log.Warn("guest did not shut down for a graceful restart")
		}
	})
	return nil
}

// start switches on. A boot that was ordered once is used up by it, see settle.
func (v *vm) start() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.dead {
		return errors.New("the rack is going down")
	}
	if v.run != nil {
		return nil
	}
	m := v.machine
	m.First, m.Image = v.boot.first(), v.disc
	if err := m.trust(); err != nil {
		return err
	}
	out, err := os.OpenFile(filepath.Join(m.StateDir, "qemu.log"), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = out.Close() }()
	_ = os.Remove(m.qmpSocket())
	cmd := exec.Command(v.qemuPath, m.argv()...) //nolint:noctx // it lives until the power is cut, not for a call
	cmd.Stdout, cmd.Stderr = out, out
	// If the supervisor is killed, its servers lose power with it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting QEMU: %w", err)
	}
	r := &running{cmd: cmd, ready: make(chan struct{}), resets: make(chan struct{}, 1), exited: make(chan struct{})}
	v.run = r
	v.console.mark("power on, boot order: %s first", m.First)
	if err := writePIDFile(v.pidFile(), cmd.Process.Pid); err != nil {
		v.log.Warn("recording QEMU's process", "error", err)
	}
	r.booting = v.set
	v.booted()
	v.tasks.Go(func() { v.await(r) })
	v.tasks.Go(func() { v.attend(r) })
	return nil
}

func (v *vm) pidFile() string { return filepath.Join(v.machine.RunDir, v.machine.Server.Name+".pid") }

// await notices the end of QEMU: the power was cut, the guest switched itself off, or QEMU failed.
func (v *vm) await(r *running) {
	err := r.cmd.Wait()
	_ = os.Remove(v.pidFile()) // before another start can write its own
	v.mu.Lock()
	v.run = nil
	v.mu.Unlock()
	close(r.exited)
	v.console.mark("power off")
	if err != nil {
		v.log.Warn("QEMU failed or was killed; power is off", "error", err, "output", lastLine(filepath.Join(v.machine.StateDir, "qemu.log")))
	} else {
		v.log.Info("power is off")
	}
	v.journal.add("qemu", "exit", true, false, err)
}

// settle is how long after a reset a boot counts as begun. SeaBIOS answers every reset with one or more of its own
// within half a second, each of which reads the boot order again.
const settle = 4 * time.Second

// attend keeps QEMU's boot order in step with the BMC's memory while it runs.
func (v *vm) attend(r *running) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	v.tasks.Go(func() { <-r.exited; cancel() })
	dialCtx, dialCancel := context.WithTimeout(ctx, 30*time.Second)
	defer dialCancel()
	r.qmp, r.failed = dialQMP(dialCtx, v.machine.qmpSocket(), func(event string) { v.event(r, event) })
	close(r.ready)
	if r.failed != nil {
		if ctx.Err() == nil {
			v.log.Error("no control over QEMU", "error", r.failed)
		}
		return
	}
	defer r.qmp.close()
	v.pullOut(ctx, r.qmp)
	settled := time.NewTimer(settle) // switching on is a reset, too
	defer settled.Stop()
	for {
		select {
		case <-r.exited:
			return
		case <-r.resets:
			settled.Reset(settle)
		case <-settled.C:
			v.consume(ctx, r)
		}
	}
}

// event runs on the reader of QEMU's events.
func (v *vm) event(r *running, name string) {
	if name != "RESET" {
		return
	}
	v.mu.Lock()
	first := time.Since(r.resetAt) > settle
	r.resetAt, r.booting = time.Now(), v.set
	v.mu.Unlock()
	if first {
		v.journal.add("qemu", "reset", true, true, nil)
		v.booted()
	}
	select {
	case r.resets <- struct{}{}:
	default:
	}
}

// consume uses up the override that held for one boot, now that this boot has begun by it.
func (v *vm) consume(ctx context.Context, r *running) {
	v.mu.Lock()
	used := r.booting == v.set && v.boot.consumed() != v.boot
	if used {
		v.boot = v.boot.consumed()
		v.saveBoot()
	}
	v.mu.Unlock()
	if used {
		v.applyBoot(ctx, r)
	}
}

// applyBoot gives QEMU the order for its next reset.
func (v *vm) applyBoot(ctx context.Context, r *running) {
	v.mu.Lock()
	first := v.boot.first()
	v.mu.Unlock()
	if err := r.qmp.setBootOrder(ctx, bootOrder(v.machine.Server, first)); err != nil && ctx.Err() == nil {
		v.log.Error("changing boot order", "error", err)
	}
}

// booted tells a Redfish BMC that a boot begins: settings may wait for it.
func (v *vm) booted() {
	if v.redfish != nil {
		v.redfish.Booted()
	}
}

// control waits until QEMU can be commanded.
func (r *running) control(ctx context.Context) (*qmp, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	select {
	case <-r.ready:
		return r.qmp, r.failed
	case <-ctx.Done():
		return nil, fmt.Errorf("waiting for QEMU: %w", ctx.Err())
	}
}

// stop cuts the power and waits until QEMU is gone. QEMU gets a moment to end by itself.
func (v *vm) stop() error {
	r, err := v.current()
	if err != nil {
		return nil // off already
	}
	_ = r.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-r.exited:
		return nil
	case <-time.After(3 * time.Second):
	}
	_ = r.cmd.Process.Kill()
	select {
	case <-r.exited:
		return nil
	case <-time.After(10 * time.Second):
		return errors.New("QEMU does not end")
	}
}

// shut cuts the power for good.
func (v *vm) shut() error {
	v.mu.Lock()
	v.dead = true
	v.mu.Unlock()
	return v.stop()
}

// setNextBoot changes what the BMC remembers, and the running QEMU's order.
func (v *vm) setNextBoot(ctx context.Context, d Device, once bool, by string) error {
	v.op.Lock()
	defer v.op.Unlock()
	v.mu.Lock()
	boot, err := v.boot.set(d, once)
	if err == nil {
		v.boot = boot
		v.set++
		v.saveBoot()
	}
	r := v.run
	v.mu.Unlock()
	v.journal.add(by, fmt.Sprintf("boot %s once=%v", d, once), r != nil, r != nil, err)
	if err != nil || r == nil {
		return err
	}
	if _, err := r.control(ctx); err != nil {
		return err
	}
	v.applyBoot(ctx, r)
	return nil
}

func (v *vm) nextBoot() (Device, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.boot.override()
}

// lastLine is the end of a log, for messages.
func lastLine(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer func() { _ = f.Close() }()
	if info, err := f.Stat(); err == nil && info.Size() > 400 {
		_, _ = f.Seek(-400, io.SeekEnd)
	}
	text, _ := io.ReadAll(f)
	return string(text)
}
