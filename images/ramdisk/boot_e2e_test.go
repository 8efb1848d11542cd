//go:build e2e

package ramdisk

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestBootE2E boots the ramdisk in QEMU and lets it load drivers in modules.dep's order.
func TestBootE2E(t *testing.T) {
	dir := t.TempDir()
	rd, err := Build(t.Context(), Options{OutDir: dir, AgentBinary: testAgent(t, "0"), CacheDir: packageCache(t)})
	if err != nil {
		t.Fatal(err)
	}
	disk := filepath.Join(dir, "disk")
	if err := os.WriteFile(disk, make([]byte, 1<<20), 0o644); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	start := time.Now()
	out, err := exec.CommandContext(ctx, "qemu-system-x86_64", "-accel", "tcg", "-M", "q35", "-m", "512", "-nographic", "-no-reboot",
		"-kernel", rd.Kernel, "-initrd", rd.Initrd, "-append", "console=ttyS0 panic=-1",
		"-nic", "user,model=virtio-net-pci",
		"-drive", "if=none,id=a,format=raw,snapshot=on,file="+disk, "-device", "virtio-blk-pci,drive=a",
		"-drive", "if=none,id=b,format=raw,snapshot=on,file="+disk, "-device", "ide-hd,drive=b").CombinedOutput()
	console := string(out)
	if err != nil {
		t.Fatalf("qemu: %v\n%s", err, console)
	}
	t.Logf("off again after %.1f s", time.Since(start).Seconds())
	want := "RAMDISK-TEST kernel=" + rd.KernelVersion + " net=[eth0] virtio=[vda] sata=[sda]"
	if !strings.Contains(console, want) {
		t.Fatalf("console lacks %q:\n%s", want, console)
	}
	if strings.Contains(console, "junk") || strings.Contains(console, "Initramfs unpacking failed") {
		t.Errorf("the kernel complained about the initramfs:\n%s", console)
	}
	for line := range strings.SplitSeq(console, "\n") {
		if strings.Contains(line, "RAMDISK-TEST") || strings.Contains(line, "Freeing initrd") || strings.Contains(line, "Run /init") {
			t.Log(strings.TrimSpace(line))
		}
	}
}
