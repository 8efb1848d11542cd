package verify

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// TestBootSectorRuns boots the sector in an emulated PC, the way a hypervisor will.
func TestBootSectorRuns(t *testing.T) {
	disk := filepath.Join(t.TempDir(), "boot.img")
	const want = "SOCLE GUEST OK 0123456789abcdef"
	if err := os.WriteFile(disk, bootSector(want), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c := &console{want: want + "\r\n" + want, seen: make(chan struct{})} // twice: it goes on saying it
	cmd := exec.CommandContext(ctx, "qemu-system-x86_64", "-accel", "tcg", "-m", "16", "-display", "none", "-monitor", "none",
		"-nodefaults", "-serial", "stdio", "-drive", "if=virtio,format=raw,file="+disk)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = c, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	select {
	case <-c.seen:
	case <-ctx.Done():
		t.Fatalf("the console said %s; qemu said %s", c.quote(), said.String())
	}
}
