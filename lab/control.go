package lab

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"time"
)

// runDir holds a rack's sockets and pid files. Racks share the host's namespaces, so it is a place of the host.
func runDir(lab string) string { return filepath.Join("/run", InterfaceName(lab)) }

func controlSocket(lab string) string { return filepath.Join(runDir(lab), "control") }

// request is what the command line asks of the supervisor: one JSON line over the control socket.
type request struct {
	Op     string   `json:"op"` // "status", "power", "boot", "fault", "cable", "hook", "console", "stop"
	Server string   `json:"server,omitempty"`
	Args   []string `json:"args,omitempty"`
}

// reply is its answer, one JSON line; after the one to "console" the connection is the serial line.
type reply struct {
	Error  string  `json:"error,omitempty"`
	Output string  `json:"output,omitempty"`
	Status *Status `json:"status,omitempty"`
}

// Status is a rack as its supervisor sees it.
type Status struct {
	Name      string         `json:"name"`
	PID       int            `json:"pid"` // of the supervisor
	Ready     bool           `json:"ready"`
	Accel     string         `json:"accel"`
	StateDir  string         `json:"state_dir"`
	Interface string         `json:"interface"` // of the host, and name of the namespace
	SpecSum   string         `json:"spec_sum"`  // tells one specification from another
	Servers   []ServerStatus `json:"servers"`
	Cables    []Cable        `json:"cables"`
}

// ServerStatus is one server of a rack.
type ServerStatus struct {
	Name     string `json:"name"`
	Serial   string `json:"serial"`
	Firmware string `json:"firmware"`
	Rack     string `json:"rack,omitempty"`
	U        int    `json:"u,omitempty"`
	Protocol string `json:"protocol"`
	Address  string `json:"address"` // of the BMC
	MAC      string `json:"mac"`     // of the first card
	On       bool   `json:"on"`
	NextBoot string `json:"next_boot"` // the BMC's override, "none" without one
	Once     bool   `json:"once,omitempty"`
	PID      int    `json:"pid,omitempty"` // of QEMU
}

// ErrNotUp is returned when no supervisor runs a rack of that name.
var ErrNotUp = errors.New("is not up")

// call asks the supervisor and waits for the answer. The connection stays open for the caller to close.
func call(ctx context.Context, socket string, req request) (reply, net.Conn, *bufio.Reader, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", socket)
	if err != nil {
		return reply{}, nil, nil, fmt.Errorf("%w: %w", ErrNotUp, err)
	}
	fail := func(err error) (reply, net.Conn, *bufio.Reader, error) {
		_ = conn.Close()
		return reply{}, nil, nil, fmt.Errorf("asking the lab's supervisor for %s: %w", req.Op, err)
	}
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = time.Now().Add(2 * time.Minute)
	}
	_ = conn.SetDeadline(deadline)
	if err := json.NewEncoder(conn).Encode(req); err != nil {
		return fail(err)
	}
	r := bufio.NewReader(conn)
	line, err := r.ReadBytes('\n')
	if err != nil {
		return fail(err)
	}
	var rep reply
	if err := json.Unmarshal(line, &rep); err != nil {
		return fail(err)
	}
	if rep.Error != "" {
		return fail(errors.New(rep.Error))
	}
	_ = conn.SetDeadline(time.Time{})
	return rep, conn, r, nil
}

// ask is call for those who want the answer only.
func ask(ctx context.Context, lab string, req request) (reply, error) {
	rep, conn, _, err := call(ctx, controlSocket(lab), req)
	if err != nil {
		return rep, notUp(lab, err)
	}
	_ = conn.Close()
	return rep, nil
}

// notUp says what to do when no rack of that name runs; other errors it leaves alone.
func notUp(lab string, err error) error {
	if errors.Is(err, ErrNotUp) {
		return fmt.Errorf("lab %s %w; bring it up with: socle lab up --name %s", lab, ErrNotUp, lab)
	}
	return err
}

// State asks how a rack is.
func State(ctx context.Context, lab string) (Status, error) {
	rep, err := ask(ctx, lab, request{Op: "status"})
	if err != nil {
		return Status{}, err
	}
	if rep.Status == nil {
		return Status{}, errors.New("the lab's supervisor gave no status")
	}
	return *rep.Status, nil
}

// Power changes a server's power as a person at the rack would, past the BMC's protocol.
func Power(ctx context.Context, lab, server string, action Action) error {
	_, err := ask(ctx, lab, request{Op: "power", Server: server, Args: []string{string(action)}})
	return err
}

// Boot sets what a server boots next.
func Boot(ctx context.Context, lab, server string, d Device, once bool) error {
	how := "persistent"
	if once {
		how = "once"
	}
	_, err := ask(ctx, lab, request{Op: "boot", Server: server, Args: []string{string(d), how}})
	return err
}

// Console connects in and out to a server's serial line until in ends, ctx ends or the lab goes down.
func Console(ctx context.Context, lab, server string, in io.Reader, out io.Writer) error {
	_, conn, r, err := call(ctx, controlSocket(lab), request{Op: "console", Server: server})
	if err != nil {
		return notUp(lab, err)
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	defer func() { _ = conn.Close() }()
	go func() {
		if in != nil {
			_, _ = io.Copy(conn, in)
			_ = conn.Close()
		}
	}()
	_, err = io.Copy(out, r)
	if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// Hook is the program that ipmi_sim runs: "SOCKET SERVER get|set PARAMETER…". What it prints is for ipmi_sim.
func Hook(ctx context.Context, args []string, out io.Writer) error {
	if len(args) < 3 {
		return errors.New("usage: socle lab bmc-hook SOCKET SERVER get|set PARAMETER…")
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	rep, conn, _, err := call(ctx, args[0], request{Op: "hook", Server: args[1], Args: args[2:]})
	if err != nil {
		_, _ = fmt.Fprintln(out, err) // ipmi_sim logs the output of a hook that fails
		return err
	}
	_ = conn.Close()
	_, err = io.WriteString(out, rep.Output)
	return err
}

// removeRunDir removes a rack's sockets and pid files.
func removeRunDir(lab string) error { return os.RemoveAll(runDir(lab)) }
