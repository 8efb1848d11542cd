//go:build e2e

package ramdisk

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestArm64E2E builds the ramdisk for arm64 on a host of whatever architecture. The kernel that is served unpacks to
// one with an EFI stub, which is a PE file that says that it is for arm64 (PE format section 3.3: 0xaa64).
func TestArm64E2E(t *testing.T) {
	dir := t.TempDir()
	agent := filepath.Join(dir, "agent")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-ldflags=-s -w", "-o", agent, "../../cmd/socle-agent")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOARCH=arm64")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building the agent: %v\n%s", err, out)
	}
	rd, err := Build(t.Context(), Options{OutDir: filepath.Join(dir, "out"), AgentBinary: agent, CacheDir: packageCache(t), Arch: "arm64"})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("kernel %s, %d bytes with initramfs", rd.KernelVersion, rd.Bytes)
	image, err := os.ReadFile(rd.Kernel)
	if err != nil {
		t.Fatal(err)
	}
	pe := int(image[0x3c]) | int(image[0x3d])<<8
	if string(image[:2]) != "MZ" || string(image[pe:pe+4]) != "PE\x00\x00" || image[pe+4] != 0x64 || image[pe+5] != 0xaa {
		t.Errorf("the kernel begins with % x and says % x of its machine", image[:2], image[pe:pe+6])
	}
	if _, err := Build(t.Context(), Options{OutDir: filepath.Join(dir, "other"), AgentBinary: agent, CacheDir: packageCache(t)}); err == nil {
		t.Error("an agent for arm64 was taken into a ramdisk for amd64")
	}
}
