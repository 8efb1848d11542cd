package kmod

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// kernel is a folder of modules and a loader that notes what it would load.
func kernel(t *testing.T, fails map[string]error) (*Loader, *[]string) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"modules.dep": "kernel/net/virtio_net.ko: kernel/net/net-failover.ko kernel/core/failover.ko\nkernel/net/net-failover.ko: kernel/core/failover.ko\n" +
			"kernel/core/failover.ko:\nkernel/ata/ahci.ko.xz: kernel/ata/libahci.ko.xz\nkernel/ata/libahci.ko.xz:\nkernel/scsi/sd_mod.ko:\nkernel/x/gone.ko:\nkernel/x/broken.ko:\n",
		"modules.alias": "# comment\nalias virtio:d00000001v* virtio_net\nalias pci:v*d*sv*sd*bc01sc06i01* ahci\nalias scsi:t-0x00* sd-mod\n" +
			"alias acpi*:PNP0[CD]01:* gone\nalias pci:v00001AF4d* broken\n",
		"modules.softdep": "# comment\nsoftdep failover pre: sd-mod gone post: broken\nsoftdep sd_mod pre: failover\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	l, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	var loaded []string
	l.insert = func(path string) error {
		base := filepath.Base(path)
		if err := fails[base]; err != nil {
			return fmt.Errorf("inserting: %w", err)
		}
		loaded = append(loaded, base)
		return nil
	}
	return l, &loaded
}

func device(t *testing.T, sys, path, alias string) {
	t.Helper()
	dir := filepath.Join(sys, "devices", path)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "modalias"), []byte(alias+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestColdplug has a controller show a disk once it is driven; sd_mod and failover wish for each other.
func TestColdplug(t *testing.T) {
	l, loaded := kernel(t, nil)
	sys := t.TempDir()
	device(t, sys, "pci/0", "pci:v00008086d00002922sv00001AF4sd00001100bc01sc06i01")
	insert := l.insert
	l.insert = func(path string) error {
		if filepath.Base(path) == "ahci.ko.xz" {
			device(t, sys, "pci/0/ata1/disk", "scsi:t-0x00")
		}
		return insert(path)
	}
	if errs := l.Coldplug(sys); len(errs) > 0 {
		t.Error(errs)
	}
	if err := l.Load("virtio-net"); err != nil {
		t.Error(err)
	}
	want := []string{"libahci.ko.xz", "ahci.ko.xz", "gone.ko", "failover.ko", "sd_mod.ko", "net-failover.ko", "virtio_net.ko"}
	if diff := cmp.Diff(want, *loaded); diff != "" {
		t.Errorf("loaded (-want +got):\n%s", diff)
	}
}

// TestFailures: what is left out of the ramdisk, has no device, or is loaded already is no error; the rest is
// said once.
func TestFailures(t *testing.T) {
	l, loaded := kernel(t, map[string]error{"gone.ko": fs.ErrNotExist, "broken.ko": unix.ENOEXEC, "failover.ko": unix.EEXIST, "libahci.ko.xz": unix.ENODEV})
	sys := t.TempDir()
	device(t, sys, "a", "acpi*:PNP0C01:")
	device(t, sys, "b", "acpi:PNP0D01:PNP0C01:")
	device(t, sys, "c", "pci:v00001AF4d00001000sv0")
	device(t, sys, "d", "virtio:d00000001v00001AF4")
	device(t, sys, "e", "pci:v00008086d00002922sv00001AF4sd00001100bc01sc06i01")
	errs := append(l.Coldplug(sys), l.Coldplug(sys)...)
	if len(errs) != 1 || !errors.Is(errs[0], unix.ENOEXEC) {
		t.Errorf("errors %v, want one about broken", errs)
	}
	if diff := cmp.Diff([]string{"sd_mod.ko", "net-failover.ko", "virtio_net.ko"}, *loaded); diff != "" {
		t.Errorf("loaded (-want +got):\n%s", diff)
	}
	if err := l.Load("built_in"); err != nil {
		t.Error(err)
	}
}

func TestMatch(t *testing.T) {
	for _, tc := range []struct {
		pattern, s string
		want       bool
	}{
		{"a*c", "abbc", true}, {"a*c", "abb", false}, {"*", "", true}, {"a?c", "abc", true}, {"a?c", "ac", false},
		{"x[0-9A]y", "x7y", true}, {"x[0-9A]y", "xAy", true}, {"x[0-9A]y", "xBy", false}, {"x[", "x[", false}, {"", "", true}, {"", "a", false},
		{"acpi*:PNP0[CD]01:*", "acpi:PNP0C01:", true},
	} {
		if got := match(tc.pattern, tc.s); got != tc.want {
			t.Errorf("match(%q, %q) = %v", tc.pattern, tc.s, got)
		}
	}
}

// TestBus: an "acpi*:" pattern and an "acpi:" device must meet.
func TestBus(t *testing.T) {
	if bus("acpi*:PNP0C01:*") != bus("acpi:PNP0C01:") {
		t.Error("pattern and device fall into different buckets")
	}
}
