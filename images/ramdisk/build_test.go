package ramdisk

import (
	"bytes"
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
	"github.com/u-root/u-root/pkg/cpio"
)

// packageCache is kept between runs, for the 70 MB of the kernel package.
func packageCache(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("SOCLE_TEST_CACHE")
	if dir == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			t.Fatal(err)
		}
		dir = filepath.Join(user, "socle", "packages")
	}
	return dir
}

// testAgent builds the stand-in of the agent.
func testAgent(t *testing.T, cgo string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "init")
	cmd := exec.Command("go", "build", "-trimpath", "-o", out, "./testdata/init")
	cmd.Env = append(os.Environ(), "CGO_ENABLED="+cgo)
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, text)
	}
	return out
}

func TestBuild(t *testing.T) {
	agent := testAgent(t, "0")
	opts := Options{OutDir: t.TempDir(), AgentBinary: agent, CacheDir: packageCache(t)}
	first, err := Build(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("kernel %s, %d bytes, %s", first.KernelVersion, first.Bytes, first.Digest)
	if first.Bytes > MaxBytes {
		t.Errorf("%d bytes, more than %d", first.Bytes, MaxBytes)
	}

	// What is there and right is not built again; what is damaged is.
	again, err := Build(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(first, again); diff != "" {
		t.Errorf("unchanged inputs (-first +again):\n%s", diff)
	}
	if err := os.WriteFile(first.Initrd, []byte("damaged"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(opts.OutDir); err == nil {
		t.Error("Open accepted a damaged initrd")
	}

	// The same inputs in another folder give the same bytes.
	opts.OutDir = t.TempDir()
	second, err := Build(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	if first.Digest != second.Digest {
		t.Errorf("two builds differ: %s, %s", first.Digest, second.Digest)
	}
	opened, err := Open(opts.OutDir)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(second, opened); diff != "" {
		t.Errorf("Open (-built +opened):\n%s", diff)
	}
	checkArchive(t, second, agent)
	_, m, err := open(opts.OutDir)
	if err != nil {
		t.Fatal(err)
	}
	if m.ModuleCount < 100 || len(m.FirmwareAbsent["bnx2x"]) == 0 || m.FirmwareAbsent["virtio_net"] != nil {
		t.Errorf("manifest: %d modules, firmware %v", m.ModuleCount, m.FirmwareAbsent)
	}
}

// checkArchive unpacks the initramfs with a reader that did not write it.
func checkArchive(t *testing.T, rd Ramdisk, agent string) {
	t.Helper()
	packed, err := os.ReadFile(rd.Initrd)
	if err != nil {
		t.Fatal(err)
	}
	z, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	raw, err := z.DecodeAll(packed, nil)
	if err != nil {
		t.Fatal(err)
	}
	records, err := cpio.ReadAllRecords(cpio.Newc.Reader(bytes.NewReader(raw)))
	if err != nil {
		t.Fatal(err)
	}
	byName := map[string]cpio.Record{}
	for _, r := range records {
		byName[r.Name] = r
		if r.MTime != 0 || r.UID != 0 || r.GID != 0 {
			t.Errorf("%s carries a time or an owner", r.Name)
		}
	}
	want, err := os.ReadFile(agent)
	if err != nil {
		t.Fatal(err)
	}
	init := byName["init"]
	if init.Mode != cpio.S_IFREG|0o755 || init.FileSize != uint64(len(want)) {
		t.Errorf("init has mode %o and %d bytes, the agent %d", init.Mode, init.FileSize, len(want))
	}
	if c := byName["dev/console"]; c.Mode != cpio.S_IFCHR|0o600 || c.Rmajor != 5 || c.Rminor != 1 {
		t.Errorf("dev/console is %v", c)
	}
	base := "lib/modules/" + rd.KernelVersion + "/"
	for _, m := range []string{
		"modules.dep", "modules.alias", "modules.softdep", "modules.builtin",
		"kernel/drivers/net/virtio_net.ko", "kernel/drivers/net/ethernet/intel/e1000e/e1000e.ko",
		"kernel/drivers/nvme/host/nvme.ko", "kernel/drivers/scsi/megaraid/megaraid_sas.ko", "kernel/fs/efivarfs/efivarfs.ko",
	} {
		if _, ok := byName[base+m]; !ok {
			t.Errorf("%s is missing", m)
		}
	}
	if _, ok := byName[base+"kernel/sound/core/snd.ko"]; ok {
		t.Error("a server does not need sound")
	}
}

func TestReadAgent(t *testing.T) {
	text := filepath.Join(t.TempDir(), "agent")
	if err := os.WriteFile(text, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		text:             "is not an executable",
		shell:            "linked dynamically",
		text + "-absent": "no such file",
	} {
		if _, err := readAgent(path, elf.EM_X86_64); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", path, err, want)
		}
	}
}
