package images

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// makeDisk writes a disk with some data and a partition table as parted makes it, and returns its bytes.
func makeDisk(t testing.TB, path, table string) []byte {
	t.Helper()
	const size = 9 << 20
	disk := make([]byte, size)
	copy(disk[5<<20:], random(7, 1<<20))
	if err := os.WriteFile(path, disk, 0o644); err != nil {
		t.Fatal(err)
	}
	run(t, "parted", append([]string{"--script", path}, strings.Fields(table)...)...)
	disk, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return disk
}

func run(t testing.TB, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
}

const (
	gptWithESP = "mklabel gpt mkpart esp 1MiB 2MiB mkpart root 2MiB 3MiB set 1 esp on"
	mbrOnly    = "mklabel msdos mkpart primary 1MiB 2MiB set 1 boot on"
)

// TestImportForms imports one disk in every form that other tools publish it in.
func TestImportForms(t *testing.T) {
	dir := t.TempDir()
	raw := filepath.Join(dir, "disk.raw")
	want := makeDisk(t, raw, gptWithESP)
	path := func(name string) string { return filepath.Join(dir, name) }
	run(t, "qemu-img", "convert", "-O", "qcow2", raw, path("disk.qcow2"))
	run(t, "qemu-img", "convert", "-O", "qcow2", "-c", raw, path("packed.qcow2"))
	for _, name := range []string{"disk.raw", "disk.qcow2"} {
		run(t, "gzip", "-k", path(name))
		run(t, "xz", "-k", path(name))
		run(t, "zstd", "-q", "-k", path(name))
	}
	s := openStore(t)
	for _, name := range []string{
		"disk.raw", "disk.raw.gz", "disk.raw.xz", "disk.raw.zst",
		"disk.qcow2", "disk.qcow2.gz", "disk.qcow2.xz", "disk.qcow2.zst", "packed.qcow2",
	} {
		t.Run(name, func(t *testing.T) {
			digest, err := s.Import(t.Context(), ImportOptions{Name: "disk", Source: path(name), Arch: "amd64"})
			if err != nil {
				t.Fatal(err)
			}
			var back bytes.Buffer
			if _, err := s.Read(t.Context(), digest, &back); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(back.Bytes(), want) {
				t.Errorf("%d bytes differ from the disk's %d", back.Len(), len(want))
			}
			_, ix, err := s.Resolve("disk")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{"uefi"}, ix.Firmware); diff != "" {
				t.Errorf("firmware (-want +got):\n%s", diff)
			}
		})
	}
	if list, err := s.List(); err != nil || len(list) != 1 {
		t.Errorf("nine forms of one disk are %d images (%v), want 1", len(list), err)
	}
	if left := files(t, filepath.Join(s.dir, "tmp")); len(left) != 0 {
		t.Errorf("left %q", left)
	}
}

func TestImportChecksum(t *testing.T) {
	path := filepath.Join(t.TempDir(), "disk")
	sum := fmt.Sprintf("%x", sum256(makeDisk(t, path, mbrOnly)))
	s := openStore(t)
	for _, good := range []string{sum, strings.ToUpper(sum), "sha256:" + sum} {
		if _, err := s.Import(t.Context(), ImportOptions{Name: "a", Source: path, SHA256: good}); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	if _, err := s.Import(t.Context(), ImportOptions{Name: "b", Source: path, SHA256: strings.Repeat("0", 64)}); !errors.Is(err, ErrChecksum) {
		t.Errorf("wrong checksum: %v", err)
	}
	if _, err := s.Import(t.Context(), ImportOptions{Name: "b", Source: path, SHA256: "abc"}); err == nil || !strings.Contains(err.Error(), "64 hexadecimal") {
		t.Errorf("no checksum: %v", err)
	}
	if _, _, err := s.Resolve("b"); !errors.Is(err, ErrNotFound) {
		t.Errorf("an image with a wrong checksum is there: %v", err)
	}
}

func TestImportRefuses(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, data []byte) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	disk := filepath.Join(dir, "disk.raw")
	makeDisk(t, disk, mbrOnly)
	run(t, "tar", "-C", dir, "-cf", filepath.Join(dir, "rootfs.tar"), "disk.raw")
	run(t, "xz", "-k", filepath.Join(dir, "rootfs.tar"))
	run(t, "qemu-img", "convert", "-O", "vmdk", disk, filepath.Join(dir, "disk.vmdk"))
	run(t, "qemu-img", "convert", "-O", "qcow2", disk, filepath.Join(dir, "disk.qcow2"))
	run(t, "qemu-img", "create", "-q", "-f", "qcow2", "-b", disk, "-F", "raw", filepath.Join(dir, "backed.qcow2"))
	packed, err := os.ReadFile(filepath.Join(dir, "rootfs.tar.xz"))
	if err != nil {
		t.Fatal(err)
	}
	iso := make([]byte, 40<<10)
	copy(iso[0x8001:], "CD001")
	s := openStore(t)
	tests := map[string]struct {
		source, format, name, want string
	}{
		"tar":            {source: filepath.Join(dir, "rootfs.tar"), want: "no boot loader"},
		"tar.xz":         {source: filepath.Join(dir, "rootfs.tar.xz"), want: "no boot loader"},
		"asked for tar":  {source: filepath.Join(dir, "rootfs.tar"), format: "tar", want: "no boot loader"},
		"iso":            {source: write("a.iso", iso), want: "installation medium"},
		"vmdk":           {source: filepath.Join(dir, "disk.vmdk"), want: "VMDK"},
		"web page":       {source: write("page", []byte("<html>404 not found</html>")), want: "partition table"},
		"empty":          {source: write("empty", nil), want: "empty"},
		"cut xz":         {source: write("cut.xz", packed[:len(packed)/2]), format: "raw", want: "truncated"},
		"not an xz":      {source: write("bad.xz", []byte("\xfd7zXZ\x00 and then something else")), want: "xz"},
		"qcow2 as raw":   {source: filepath.Join(dir, "disk.qcow2"), format: "raw", want: "not raw"},
		"raw as qcow2":   {source: disk, format: "qcow2", want: "qcow2 header"},
		"backing file":   {source: filepath.Join(dir, "backed.qcow2"), want: "backing file"},
		"unknown format": {source: disk, format: "vhd", want: "raw, qcow2 or tar"},
		"no such file":   {source: filepath.Join(dir, "none"), want: "no such file"},
		"a folder":       {source: dir, want: "not a regular file"},
		"bad name":       {source: disk, name: "A B", want: "image name"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if tt.name == "" {
				tt.name = "a"
			}
			_, err := s.Import(t.Context(), ImportOptions{Name: tt.name, Source: tt.source, Format: tt.format})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
	for _, f := range files(t, s.dir) {
		if filepath.Base(f) != "lock" {
			t.Errorf("a refused import left %s", f)
		}
	}
	// What is no disk by its looks is taken when it is said to be one.
	if _, err := s.Import(t.Context(), ImportOptions{Name: "a", Source: filepath.Join(dir, "page"), Format: "raw"}); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Import(ctx, ImportOptions{Name: "a", Source: disk}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled import: %v", err)
	}
}

func TestReadLayout(t *testing.T) {
	path := filepath.Join(t.TempDir(), "disk")
	withCode := makeDisk(t, path, mbrOnly) // parted puts some there
	without := bytes.Clone(withCode)
	clear(without[:440])
	hybrid := makeDisk(t, path, gptWithESP)
	copy(hybrid, "boot code")
	for name, tt := range map[string]struct {
		disk []byte
		want []string
	}{
		"MBR without code": {without, nil},
		"MBR":              {withCode, []string{"bios"}},
		"ESP in MBR":       {makeDisk(t, path, "mklabel msdos mkpart primary fat32 1MiB 2MiB set 1 esp on"), []string{"bios", "uefi"}},
		"GPT":              {makeDisk(t, path, gptWithESP), []string{"uefi"}},
		"both":             {hybrid, []string{"bios", "uefi"}},
		"nothing":          {make([]byte, 4096), nil},
		"short":            {[]byte{1}, nil},
	} {
		if diff := cmp.Diff(tt.want, readLayout(tt.disk[:min(len(tt.disk), layoutBytes)]).firmware()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func FuzzReadLayout(f *testing.F) {
	f.Add(makeDisk(f, filepath.Join(f.TempDir(), "disk"), gptWithESP)[:layoutBytes])
	f.Fuzz(func(_ *testing.T, b []byte) {
		readLayout(b)
		_, _ = decideFormat("", b)
	})
}
