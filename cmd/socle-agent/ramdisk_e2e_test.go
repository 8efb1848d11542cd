//go:build e2e

package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/u-root/u-root/pkg/cpio"
)

// wanted are the modules of the test's ramdisk; what they need comes with them. Package images/ramdisk makes the
// real one.
var wanted = []string{"virtio_net", "virtio_blk", "virtio_scsi", "virtio_pci", "virtio_rng", "e1000", "ahci", "ata_piix", "sd_mod", "nvme", "efivarfs",
	"ipmi_si", "ipmi_devintf", "ipmi_msghandler", "af_packet", "tpm_tis"}

// debianKernel downloads and unpacks Debian's kernel package once a user.
func debianKernel(t *testing.T) (kernel, modules string) {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(cache, "socle-e2e")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if m, _ := filepath.Glob(filepath.Join(dir, "boot/vmlinuz-*")); len(m) == 0 {
		name := strings.Fields(output(t, dir, "apt-cache", "depends", "--important", "linux-image-amd64"))
		output(t, dir, "apt-get", "download", name[len(name)-1])
		debs, _ := filepath.Glob(filepath.Join(dir, "linux-image-*.deb"))
		if len(debs) != 1 {
			t.Fatalf("downloading the kernel package gave %q", debs)
		}
		output(t, dir, "dpkg-deb", "-x", debs[0], ".")
	}
	kernels, _ := filepath.Glob(filepath.Join(dir, "boot/vmlinuz-*"))
	if len(kernels) != 1 {
		t.Fatalf("kernels in %s: %q, want one", dir, kernels)
	}
	version := strings.TrimPrefix(filepath.Base(kernels[0]), "vmlinuz-")
	output(t, dir, "/sbin/depmod", "-b", dir, version)
	return kernels[0], filepath.Join(dir, "lib/modules", version)
}

func output(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
	return string(out)
}

// ramdisk makes an initramfs of the agent and the wanted modules.
func ramdisk(t *testing.T, modules string) string {
	t.Helper()
	dir := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags", "-s -w -X main.version=e2e", "-o", filepath.Join(dir, "init"), ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the agent: %v\n%s", err, out)
	}
	records := []cpio.Record{cpio.Directory("dev", 0o755), cpio.Directory("proc", 0o755), cpio.CharDev("dev/console", 0o600, 5, 1)}
	add := func(name, from string, mode uint64) {
		b, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		made := ""
		for _, part := range strings.Split(filepath.Dir(name), "/") {
			if made = filepath.Join(made, part); made != "." {
				records = append(records, cpio.Directory(made, 0o755))
			}
		}
		records = append(records, cpio.StaticFile(name, string(b), mode))
	}
	add("init", filepath.Join(dir, "init"), 0o755)
	base := filepath.Join("lib/modules", filepath.Base(modules))
	for _, f := range append(closure(t, modules), "modules.dep", "modules.alias") {
		add(filepath.Join(base, f), filepath.Join(modules, f), 0o644)
	}
	var buf bytes.Buffer
	w := cpio.Newc.Writer(&buf)
	cpio.MakeAllReproducible(records)
	if err := cpio.WriteRecords(w, records); err != nil {
		t.Fatal(err)
	}
	if err := cpio.WriteTrailer(w); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "initrd")
	if err := os.WriteFile(path, buf.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func closure(t *testing.T, modules string) []string {
	t.Helper()
	dep, err := os.ReadFile(filepath.Join(modules, "modules.dep"))
	if err != nil {
		t.Fatal(err)
	}
	need := map[string]bool{}
	for line := range strings.Lines(string(dep)) {
		path, deps, _ := strings.Cut(strings.TrimSpace(line), ":")
		name := strings.ReplaceAll(strings.TrimSuffix(filepath.Base(path), ".ko"), "-", "_")
		for _, w := range wanted {
			if w == name {
				for _, d := range append(strings.Fields(deps), path) {
					need[d] = true
				}
			}
		}
	}
	list := make([]string, 0, len(need))
	for p := range need {
		list = append(list, p)
	}
	return list
}
