package demo

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// build makes what is put on servers, unless it is there already.
func (d *demo) build(ctx context.Context) error {
	d.say("building the ramdisk and the images that are not there yet (the first time this takes minutes)")
	start := time.Now()
	cmd := exec.CommandContext(ctx, d.Program, "image", "build", "--data-dir", filepath.Join(d.StateDir, "data"),
		"ramdisk", "boot-files", "controller", "storage", "hypervisor")
	cmd.Stdout, cmd.Stderr = d.Out, d.Out
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 20 * time.Second
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("building images: %w", err)
	}
	d.say("images are ready after %s", time.Since(start).Round(time.Second))
	return nil
}
