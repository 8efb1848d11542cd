package lab

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"time"
)

// probeWait is how long the trial guest may take; on hardware that works it is there in two seconds.
const probeWait = 10 * time.Second

// trialFirmware is what the trial guest runs (Debian package ovmf): it uses paging, long mode, timer interrupts and
// a second processor, as an operating system does, and says on the serial line when it got through them.
const (
	trialFirmware = "/usr/share/ovmf/OVMF.fd"
	trialSign     = "BdsDxe"
)

// chooseAccel decides how guests run. That /dev/kvm is there and opens says little: in a virtual machine guests may
// hang on it. So a guest is tried.
func chooseAccel(ctx context.Context, want string, log *slog.Logger) string {
	if want != AccelAuto {
		return want
	}
	if err := tryGuest(ctx, AccelKVM, probeWait); err != nil {
		log.Info("guests run in emulation: no guest runs on KVM here", "error", err)
		return AccelTCG
	}
	return AccelKVM
}

// tryGuest starts a small guest and waits until its firmware has come up.
func tryGuest(ctx context.Context, accel string, within time.Duration) error {
	if accel == AccelKVM {
		f, err := os.OpenFile("/dev/kvm", os.O_RDWR, 0)
		if err != nil {
			return fmt.Errorf("opening KVM: %w", err)
		}
		_ = f.Close()
	}
	cpu := "max"
	if accel == AccelKVM {
		cpu = "host"
	}
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	cmd := exec.CommandContext(ctx, qemuProgram, "-nodefaults", "-no-user-config", "-display", "none", "-machine", "q35",
		"-accel", accel, "-cpu", cpu,
		"-smp", "2", "-m", "256", "-bios", trialFirmware, "-serial", "stdio")
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting a trial guest: %w", err)
	}
	seen := readUntil(out, trialSign)
	cancel()
	_ = cmd.Wait() // killed above
	if !seen {
		return fmt.Errorf("a trial guest did not come up within %s: %s", within, bytes.TrimSpace(complaint.Bytes()))
	}
	return nil
}

// readUntil reads until a sign has come, and tells whether it has; it keeps no more than it needs.
func readUntil(r io.Reader, sign string) bool {
	var tail []byte
	buf := make([]byte, 4096)
	for {
		n, err := r.Read(buf)
		tail = append(tail, buf[:n]...)
		if bytes.Contains(tail, []byte(sign)) {
			return true
		}
		if keep := len(sign) - 1; len(tail) > keep {
			tail = append(tail[:0], tail[len(tail)-keep:]...)
		}
		if err != nil {
			return false
		}
	}
}
