package lab

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"socle/lab/redfish"
)

// supervisor runs one rack from inside its namespace.
type supervisor struct {
	spec     Spec
	sum      string
	stateDir string
	accel    string
	exe      string
	log      *slog.Logger
	vms      []*vm
	hubs     []*hub
	cables   *cables
	ready    atomic.Bool
	stop     context.CancelFunc
	tasks    sync.WaitGroup
}

// Supervise runs the rack that Up has prepared, until ctx ends or it is asked to stop. It must run inside the
// rack's network namespace; Up starts it there.
func Supervise(ctx context.Context, lab string, log *slog.Logger) error {
	job, err := readJob(lab)
	if err != nil {
		return err
	}
	exe, err := os.Executable()
	if err != nil {
		return fmt.Errorf("finding this program: %w", err)
	}
	if err := writePIDFile(supervisorPID(lab), os.Getpid()); err != nil {
		return fmt.Errorf("recording the supervisor's process: %w", err)
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	s := &supervisor{spec: job.Spec, sum: job.Sum, stateDir: job.StateDir, accel: job.Accel, exe: exe, log: log, stop: stop, cables: newCables(job.Spec.Servers)}
	for i, srv := range s.spec.Servers {
		if err := s.addServer(i, srv); err != nil {
			return err
		}
	}
	return s.run(ctx)
}

func (s *supervisor) addServer(i int, srv Server) error {
	program, pkg := srv.qemu()
	qemu, err := exec.LookPath(program)
	if err != nil {
		return fmt.Errorf("finding QEMU (Debian package %s): %w", pkg, err)
	}
	m := machine{
		Server: srv, Accel: s.accel, StateDir: serverDir(s.stateDir, s.spec.Name, srv.Name), RunDir: runDir(s.spec.Name),
		HTTPSCA: s.spec.HTTPSCA,
	}
	if srv.BMC.Protocol == IPMI {
		m.KCSPort = kcsPorts + i
	}
	if err := m.prepare(); err != nil {
		return err
	}
	h := newHub(filepath.Join(m.StateDir, "console.log"), s.log)
	v := &vm{
		machine: m, qemuPath: qemu, log: s.log.With("machine", srv.Name), console: h, tasks: &s.tasks,
		journal: &journal{path: filepath.Join(m.StateDir, "bmc.log")},
	}
	v.loadBoot()
	if srv.BMC.Protocol == Redfish {
		v.redfish = redfish.New(redfish.Options{
			Machine: redfishVM{v}, User: srv.BMC.User, Password: srv.BMC.Password.Secret, Seed: uint64(i), Log: v.log, //nolint:gosec // an index
			CertFile: filepath.Join(m.StateDir, "bmc.pem"),
		})
		if srv.BMC.Switch != "" {
			v.redfish.Plug(neighbor(Cable{Switch: srv.BMC.Switch, SwitchPort: srv.BMC.Port}))
		}
	}
	s.vms, s.hubs = append(s.vms, v), append(s.hubs, h)
	return nil
}

// run starts all parts, and on the way out cuts the power of all servers.
func (s *supervisor) run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	socket := controlSocket(s.spec.Name)
	control, err := listenUnix(socket)
	if err != nil {
		return err
	}
	g.Go(func() error { return acceptAll(ctx, control, func(c net.Conn) { s.answer(ctx, c) }) })
	for i := range s.vms {
		if err := s.startServer(ctx, g, i, socket); err != nil {
			s.stop()
			return errors.Join(err, g.Wait())
		}
	}
	g.Go(func() error { return announce(ctx, s.cables.list, s.log) })
	g.Go(func() error { return s.awaitBMCs(ctx) })
	<-ctx.Done()
	s.powerOffAll()
	err = g.Wait()
	s.tasks.Wait()
	return err
}

func (s *supervisor) startServer(ctx context.Context, g *errgroup.Group, i int, socket string) error {
	v, h := s.vms[i], s.hubs[i]
	serial, err := listenUnix(v.machine.serialSocket())
	if err != nil {
		return err
	}
	g.Go(func() error { return h.serveGuest(ctx, serial) })
	srv := v.machine.Server
	var lc net.ListenConfig
	if srv.BMC.Protocol == Redfish {
		l, err := lc.Listen(ctx, "tcp4", net.JoinHostPort(srv.BMC.Address.String(), "443"))
		if err != nil {
			return fmt.Errorf("opening the BMC of %s: %w", srv.Name, err)
		}
		g.Go(func() error { return redfish.Serve(ctx, l, v.redfish) })
		if err := tellOf(ctx, g, v.redfish, srv.BMC.Address); err != nil {
			return err
		}
		lines, err := newSSHConsole(h, v.redfish, filepath.Join(v.machine.StateDir, "bmc-ssh.pem"))
		if err != nil {
			return err
		}
		console, err := lc.Listen(ctx, "tcp4", net.JoinHostPort(srv.BMC.Address.String(), strconv.Itoa(sshConsolePort)))
		if err != nil {
			return fmt.Errorf("opening the console of %s: %w", srv.Name, err)
		}
		g.Go(func() error { return lines.serve(ctx, console) })
		return nil
	}
	l, err := lc.Listen(ctx, "tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(solPorts+i)))
	if err != nil {
		return fmt.Errorf("opening the console of %s: %w", srv.Name, err)
	}
	g.Go(func() error { return h.serveViewers(ctx, l) })
	sim := ipmiSim{
		server: srv, number: i, dir: filepath.Join(v.machine.RunDir, srv.Name+".ipmi"), exe: s.exe, control: socket, log: s.log,
		logPath: filepath.Join(v.machine.StateDir, "ipmi_sim.log"),
	}
	g.Go(func() error { return sim.run(ctx) })
	return nil
}

// awaitBMCs tells when all BMCs can be reached; that is when the rack is ready.
func (s *supervisor) awaitBMCs(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for _, srv := range s.spec.Servers {
		if srv.BMC.Protocol != IPMI {
			continue // its listener is open already
		}
		if err := awaitIPMI(ctx, srv.BMC.Address); err != nil {
			s.log.Error("BMC is not there", "bmc", srv.Name, "error", err)
			return nil // the others are, and status tells
		}
	}
	s.ready.Store(true)
	s.log.Info("rack is ready", "lab", s.spec.Name, "accel", s.accel)
	return nil
}

func (s *supervisor) powerOffAll() {
	var wg sync.WaitGroup
	for _, v := range s.vms {
		wg.Go(func() {
			if err := v.shut(); err != nil {
				s.log.Error("cutting power", "machine", v.machine.Server.Name, "error", err)
			}
		})
	}
	wg.Wait()
}

// answer serves one connection of the control socket: one request.
func (s *supervisor) answer(ctx context.Context, conn net.Conn) {
	_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	r := bufio.NewReader(io.LimitReader(conn, 64<<10))
	line, err := r.ReadBytes('\n')
	if err != nil {
		return
	}
	_ = conn.SetReadDeadline(time.Time{})
	var req request
	var rep reply
	if err := json.Unmarshal(line, &req); err != nil {
		rep.Error = err.Error()
	} else if rep, err = s.handle(ctx, req); err != nil {
		rep.Error = err.Error()
	}
	if json.NewEncoder(conn).Encode(rep) != nil || rep.Error != "" {
		return
	}
	switch req.Op {
	case "console":
		i := s.find(req.Server)
		s.hubs[i].view(ctx, conn)
	case "stop":
		s.stop()
	}
}

func (s *supervisor) find(server string) int {
	return slices.IndexFunc(s.vms, func(v *vm) bool { return v.machine.Server.Name == server })
}

func (s *supervisor) handle(ctx context.Context, req request) (reply, error) {
	switch req.Op {
	case "status":
		return reply{Status: s.status()}, nil
	case "stop":
		return reply{}, nil
	}
	i := s.find(req.Server)
	if i < 0 {
		return reply{}, fmt.Errorf("there is no server %q in lab %s", req.Server, s.spec.Name)
	}
	v := s.vms[i]
	switch {
	case req.Op == "console":
		return reply{}, nil
	case req.Op == "power" && len(req.Args) == 1:
		return reply{}, v.power(ctx, Action(req.Args[0]), "cli")
	case req.Op == "boot" && len(req.Args) == 2:
		return reply{}, v.setNextBoot(ctx, Device(req.Args[0]), req.Args[1] == "once", "cli")
	case req.Op == "fault" && len(req.Args) == 2:
		return reply{}, v.setFault(ctx, Fault(req.Args[0]), req.Args[1] == "on")
	case req.Op == "cable" && len(req.Args) == 3:
		return reply{}, s.moveCable(ctx, v, req.Args)
	case req.Op == "hook":
		out, err := v.hook(ctx, req.Args, s.spec)
		return reply{Output: out}, err
	}
	return reply{}, fmt.Errorf("request %q with %d arguments is not understood", req.Op, len(req.Args))
}

func (s *supervisor) status() *Status {
	st := &Status{
		Name: s.spec.Name, PID: os.Getpid(), Ready: s.ready.Load(), Accel: s.accel, StateDir: s.stateDir,
		Interface: s.spec.Interface(), SpecSum: s.sum, Cables: s.cables.list(),
	}
	for _, v := range s.vms {
		srv := v.machine.Server
		d, once := v.nextBoot()
		one := ServerStatus{
			Name: srv.Name, Serial: srv.Serial, Firmware: string(srv.Firmware), Rack: srv.Rack, U: srv.U,
			Protocol: string(srv.BMC.Protocol), Address: srv.BMC.Address.String(), MAC: srv.NICs[0].MAC,
			NextBoot: string(d), Once: once,
		}
		if r, err := v.current(); err == nil {
			one.On, one.PID = true, r.cmd.Process.Pid
		}
		st.Servers = append(st.Servers, one)
	}
	return st
}

// listenUnix opens a socket in the run directory, in place of one that a dead process left.
func listenUnix(path string) (net.Listener, error) {
	_ = os.Remove(path)
	var lc net.ListenConfig
	l, err := lc.Listen(context.Background(), "unix", path)
	if err != nil {
		return nil, fmt.Errorf("opening socket %s: %w", path, err)
	}
	return l, nil
}

// tellOf has a BMC answer those on the rack's network who look for Redfish services.
func tellOf(ctx context.Context, g *errgroup.Group, b *redfish.BMC, at netip.Addr) error {
	f, err := net.InterfaceByName(bridge)
	if err != nil {
		return fmt.Errorf("finding the rack's switch: %w", err)
	}
	done, err := b.Announce(ctx, f, netip.AddrPortFrom(at, 443))
	if err != nil {
		return err
	}
	g.Go(func() error { <-done; return nil })
	return nil
}
