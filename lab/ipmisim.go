package lab

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Ports on 127.0.0.1 of the rack's namespace, plus the server's number.
const (
	kcsPorts = 9100 // ipmi_sim listens, QEMU's KCS interface connects
	solPorts = 9200 // the console hub listens, ipmi_sim connects for Serial-over-LAN
)

// ipmiSim is one ipmi_sim process: the IPMI BMC of one server.
type ipmiSim struct {
	server  Server
	number  int    // of the server in the rack
	dir     string // its configuration; in the run directory, because the password is in it
	logPath string
	exe     string // this program, for the hook
	control string // the supervisor's control socket
	log     *slog.Logger
}

// lanConf is ipmi_sim's main configuration, see ipmi_lan(5). Users have validated names and passwords, which need
// no quoting.
func (b ipmiSim) lanConf() string {
	s := b.server
	return fmt.Sprintf(`name "%s"
set_working_mc 0x20
  startlan 1
    addr %s 623
    priv_limit admin
    allowed_auths_callback md2 md5
    allowed_auths_user md2 md5
    allowed_auths_operator md2 md5
    allowed_auths_admin md2 md5
    guid %s
    lan_config_program "./hook"
  endlan
  chassis_control "./hook"
  serial 15 127.0.0.1 %d codec VM
  sol "tcp:127.0.0.1:%d" 115200
  startnow false
  user 1 false "" "%s" callback 1 md5
  user 2 true "%s" "%s" admin 10 md2 md5
`, s.Name, s.BMC.Address, strings.ReplaceAll(s.UUID, "-", ""), kcsPorts+b.number, solPorts+b.number,
		s.BMC.Password.Reveal(), s.BMC.User, s.BMC.Password.Reveal())
}

// emulation describes the management controller itself, see ipmi_sim_cmd(5).
const emulation = `mc_setbmc 0x20
mc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02
sel_enable 0x20 1000 0x0a
mc_enable 0x20
`

// write puts the configuration in place. ipmi_sim asks the hook for power, boot device and LAN parameters.
func (b ipmiSim) write() error {
	// ipmi_sim's memory of former users would win over the configuration: start with none.
	if err := os.RemoveAll(b.dir); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(b.dir, "state"), 0o700); err != nil {
		return err
	}
	hook := fmt.Sprintf("#!/bin/sh\nexec %s lab bmc-hook %s %s \"$@\"\n", shellQuote(b.exe), shellQuote(b.control), shellQuote(b.server.Name))
	for _, f := range []struct {
		name, text string
		mode       os.FileMode
	}{{"lan.conf", b.lanConf(), 0o600}, {"emulation", emulation, 0o600}, {"hook", hook, 0o700}} {
		if err := os.WriteFile(filepath.Join(b.dir, f.name), []byte(f.text), f.mode); err != nil {
			return err
		}
	}
	return nil
}

// shellQuote makes one word of any text for sh.
func shellQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// run keeps ipmi_sim running until ctx ends.
func (b ipmiSim) run(ctx context.Context) error {
	for {
		if err := b.once(ctx); ctx.Err() == nil {
			b.log.Error("ipmi_sim ended, starting it again", "bmc", b.server.Name, "error", err, "output", lastLine(b.logPath))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Second):
		}
	}
}

func (b ipmiSim) once(ctx context.Context) error {
	if err := b.write(); err != nil {
		return fmt.Errorf("configuring ipmi_sim: %w", err)
	}
	out, err := os.OpenFile(b.logPath, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = out.Close() }()
	cmd := exec.CommandContext(ctx, "ipmi_sim", "-n", "-c", "lan.conf", "-f", "emulation", "-s", "state")
	cmd.Dir, cmd.Stdout, cmd.Stderr = b.dir, out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting ipmi_sim (Debian package openipmi): %w", err)
	}
	pidFile := filepath.Join(filepath.Dir(b.dir), b.server.Name+".bmc.pid")
	if err := writePIDFile(pidFile, cmd.Process.Pid); err != nil {
		b.log.Warn("recording ipmi_sim's process", "error", err)
	}
	err = cmd.Wait()
	_ = os.Remove(pidFile)
	return err
}

// authCapabilities is "Get Channel Authentication Capabilities" in an IPMI 1.5 packet without a session (IPMI 2.0
// section 22.13): the question that every BMC answers to everybody.
var authCapabilities = []byte{
	0x06, 0x00, 0xff, 0x07, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x09,
	0x20, 0x18, 0xc8, 0x81, 0x00, 0x38, 0x8e, 0x04, 0xb5,
}

// awaitIPMI waits until a BMC answers on the network.
func awaitIPMI(ctx context.Context, addr netip.Addr) error {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "udp4", net.JoinHostPort(addr.String(), "623"))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	buf := make([]byte, 256)
	for ctx.Err() == nil {
		_ = conn.SetDeadline(time.Now().Add(300 * time.Millisecond))
		if _, err = conn.Write(authCapabilities); err == nil {
			if _, err = conn.Read(buf); err == nil {
				return nil
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(50 * time.Millisecond):
		}
	}
	return fmt.Errorf("BMC at %s does not answer: %w", addr, errors.Join(ctx.Err(), err))
}

// hook answers ipmi_sim's questions: "get PARAMETER…" and "set PARAMETER VALUE…". The answer to "get" is a line
// "parameter:value" for each.
func (v *vm) hook(ctx context.Context, args []string, rack Spec) (string, error) {
	if len(args) < 2 {
		return "", fmt.Errorf("hook: %d arguments, want at least 2", len(args))
	}
	if args[0] == "get" {
		var b strings.Builder
		for _, name := range args[1:] {
			value, err := v.hookGet(name, rack)
			if err != nil {
				return "", err
			}
			fmt.Fprintf(&b, "%s:%s\n", name, value)
		}
		return b.String(), nil
	}
	if len(args)%2 != 1 {
		return "", fmt.Errorf("hook %s: a value is missing", args[0])
	}
	for i := 1; i+1 < len(args); i += 2 {
		if err := v.hookSet(ctx, args[i], args[i+1]); err != nil {
			return "", err
		}
	}
	return "", nil
}

func (v *vm) hookGet(name string, rack Spec) (string, error) {
	switch name {
	case "power":
		if v.on() {
			return "1", nil
		}
		return "0", nil
	case "boot":
		switch d, _ := v.nextBoot(); d {
		case BootPXE:
			return "pxe", nil
		case BootDisk:
			return "default", nil // so ipmi_sim calls "force boot from default hard-drive"
		default:
			return "none", nil
		}
	case "ip_addr":
		return v.machine.Server.BMC.Address.String(), nil
	case "ip_addr_src":
		return "static", nil
	case "mac_addr":
		return v.machine.Server.BMC.MAC, nil
	case "subnet_mask":
		return "255.255.255.0", nil
	case "default_gw_ip_addr":
		return rack.ManagementHostAddr().String(), nil
	case "default_gw_mac_addr", "backup_gw_mac_addr":
		return "00:00:00:00:00:00", nil
	case "backup_gw_ip_addr":
		return "0.0.0.0", nil
	}
	return "", fmt.Errorf("hook: no parameter %q", name)
}

func (v *vm) hookSet(ctx context.Context, name, value string) error {
	const by = "ipmi"
	switch name {
	case "power":
		if on, err := strconv.Atoi(value); err != nil || on == 0 {
			return errors.Join(err, v.power(ctx, PowerOff, by))
		}
		return v.power(ctx, PowerOn, by)
	case "reset":
		return v.power(ctx, PowerReset, by)
	case "shutdown":
		return v.power(ctx, PowerSoft, by)
	case "boot":
		device := map[string]Device{"none": BootNone, "pxe": BootPXE, "default": BootDisk}[value]
		if device == "" {
			return fmt.Errorf("hook: boot device %q: this BMC knows none, pxe and disk", value)
		}
		// ipmi_sim does not pass on whether the setting shall persist: it holds once, as the default of IPMI is.
		return v.setNextBoot(ctx, device, device != BootNone, by)
	case "identify":
		v.journal.add(by, "identify "+value, v.on(), v.on(), nil)
		return nil
	}
	return fmt.Errorf("hook: %q cannot be set: it belongs to the rack's specification", name)
}
