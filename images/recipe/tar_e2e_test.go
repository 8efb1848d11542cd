//go:build e2e

package recipe

import (
	"context"
	"flag"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"socle/images"
)

var flagArchive = flag.String("archive", "", "a root file system for TestTarE2E; default: mmdebstrap makes one")

// TestTarE2E imports what mmdebstrap writes, packed, and boots the stored disk by both firmwares.
func TestTarE2E(t *testing.T) {
	dir := t.TempDir()
	source := *flagArchive
	if source == "" {
		source = filepath.Join(dir, "rootfs.tar.zst")
		debootstrap(t, source)
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	store, err := images.Open(filepath.Join(dir, "store"))
	if err != nil {
		t.Fatal(err)
	}
	build := filepath.Join(dir, "build")
	digest, err := store.Import(t.Context(), images.ImportOptions{
		Name: "mine", Source: source, Arch: "amd64", Log: log,
		FromTar: func(ctx context.Context, archive io.Reader) (images.Built, error) {
			r, err := FromTar(ctx, archive, TarOptions{OutDir: build, Log: log})
			if err == nil {
				checkGPT(t, r.Raw, r.Size)
			}
			return images.Built{Raw: r.Raw, Arch: "amd64", Firmware: r.Firmware, Loader: r.Loader}, err
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(build); err != nil || len(left) > 0 {
		t.Errorf("%v are left (%v)", left, err)
	}
	disk := filepath.Join(dir, "disk.raw")
	f, err := os.Create(disk)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Read(t.Context(), digest, f); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	t.Run("bios", func(t *testing.T) { boots(t, disk, "-M", "pc") })
	t.Run("uefi", func(t *testing.T) {
		vars := filepath.Join(t.TempDir(), "vars.fd")
		tool(t, "cp", "/usr/share/OVMF/OVMF_VARS_4M.fd", vars)
		boots(t, disk, "-M", "q35", "-drive", "if=pflash,format=raw,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.fd",
			"-drive", "if=pflash,format=raw,file="+vars)
	})
}

// debootstrap writes an archive as docs and error texts tell users to, less cloud-init for the time.
func debootstrap(t *testing.T, path string) {
	t.Helper()
	sources := hostSources("/etc/apt")
	args := []string{
		"--mount", "--propagation", "private", "mmdebstrap", "--mode=root", "--variant=minbase", "--architectures=amd64",
		"--include=linux-image-amd64,initramfs-tools,zstd,systemd-sysv", `--aptopt=Apt::Install-Recommends "false"`,
		"--setup-hook=" + hookSetup, "--customize-hook=" + hookSave, "--skip=essential/unlink,download/empty", release, path,
	}
	if sources != "" {
		args = append(args, "-")
	}
	if _, err := command(t.Context(), strings.NewReader(sources), []string{"SOCLE_CACHE=" + *flagCache}, "unshare", args...); err != nil {
		t.Fatal(err)
	}
}

func tool(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v: %s", name, args, err, out)
	}
}

// boots waits until somebody could log in at the serial console.
func boots(t *testing.T, disk string, machine ...string) {
	t.Helper()
	dir := t.TempDir()
	system, console := filepath.Join(dir, "system.qcow2"), filepath.Join(dir, "console.log")
	tool(t, "qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", disk, system, "4G")
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	defer cancel()
	began := time.Now()
	cmd := exec.CommandContext(ctx, "qemu-system-x86_64", append([]string{
		"-accel", "tcg,thread=multi", "-m", "768", "-smp", "2", "-display", "none", "-monitor", "none", "-nic", "none",
		"-no-user-config", "-nodefaults", "-chardev", "file,id=console,path=" + console, "-serial", "chardev:console",
		"-drive", "if=virtio,format=qcow2,file=" + system,
	}, machine...)...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		cancel()
		_ = cmd.Wait()
	}()
	var said []byte
	for ctx.Err() == nil {
		said, _ = os.ReadFile(console) // an error means that QEMU has not made it yet
		if strings.Contains(string(said), " login:") {
			t.Logf("login after %s", time.Since(began).Round(time.Second))
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
	t.Fatalf("it did not boot; the console's end:\n%s", said[max(0, len(said)-3000):])
}
