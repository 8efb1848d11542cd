package recipe

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// kernelFile passes for a kernel.
func kernelFile(name string) archived {
	return regular(name, strings.Repeat("\x00", 0x202)+"HdrS")
}

var initLink = link(tar.TypeSymlink, "sbin/init", "/lib/systemd/systemd")

func TestBootable(t *testing.T) {
	initrd := func(v string) archived { return regular("boot/initrd.img-"+v, "initrd") }
	tests := map[string]struct {
		entries []archived
		kernel  string // where /vmlinuz leads to
		want    []string
	}{
		"links": {
			entries: []archived{kernelFile("boot/vmlinuz-6.1"), initrd("6.1"), kernelFile("boot/vmlinuz-6.2"), initrd("6.2"), initLink,
				link(tar.TypeSymlink, "vmlinuz", "boot/vmlinuz-6.1"), link(tar.TypeSymlink, "initrd.img", "boot/initrd.img-6.1")},
			kernel: "boot/vmlinuz-6.1",
		},
		"newest": {
			entries: []archived{kernelFile("boot/vmlinuz-6.1.0-9-amd64"), initrd("6.1.0-9-amd64"),
				kernelFile("boot/vmlinuz-6.1.0-10-amd64"), initrd("6.1.0-10-amd64"), kernelFile("boot/vmlinuz-6.9.0-1-amd64"), initLink},
			kernel: "boot/vmlinuz-6.1.0-10-amd64",
		},
		"absolute links": {
			entries: []archived{kernelFile("boot/vmlinuz-6.1"), initrd("6.1"), initLink,
				link(tar.TypeSymlink, "vmlinuz", "/boot/vmlinuz-6.1"), link(tar.TypeSymlink, "initrd.img", "/boot/initrd.img-6.1")},
			kernel: "boot/vmlinuz-6.1",
		},
		"links to this host": {
			entries: []archived{kernelFile("boot/vmlinuz-6.1"), initrd("6.1"), initLink,
				link(tar.TypeSymlink, "vmlinuz", "/etc/passwd"), link(tar.TypeSymlink, "initrd.img", "../../../../etc/passwd")},
			kernel: "boot/vmlinuz-6.1",
		},
		"without version": {
			entries: []archived{kernelFile("boot/vmlinuz"), regular("boot/initrd.img", "i"), initLink},
			kernel:  "boot/vmlinuz",
		},
		"a container": {
			entries: []archived{regular("etc/debian_version", "12.9")},
			want:    []string{"no kernel and no initrd", "no init", "--include=linux-image-amd64", "systemd-sysv"},
		},
		"no initrd": {
			entries: []archived{kernelFile("boot/vmlinuz-6.1"), initLink},
			want:    []string{"the kernel /boot/vmlinuz-6.1, but no initrd", "initramfs-tools"},
		},
		"empty kernel": {
			entries: []archived{regular("boot/vmlinuz-6.1", ""), initrd("6.1"), initLink},
			want:    []string{"no kernel"},
		},
		"no init": {
			entries: []archived{kernelFile("boot/vmlinuz-6.1"), initrd("6.1")},
			want:    []string{"it has no init (/sbin/init)"},
		},
		"other architecture": {
			entries: []archived{regular("boot/vmlinuz-6.1", strings.Repeat("arm64", 200)), initrd("6.1"), initLink},
			want:    []string{"no kernel for amd64"},
		},
		"boot elsewhere": {
			entries: []archived{link(tar.TypeSymlink, "boot", "/boot"), initLink},
			want:    []string{"no kernel and no initrd"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			root, err := unpacked(t, t.TempDir(), archive(t, tt.entries...), 1<<20)
			if err != nil {
				t.Fatal(err)
			}
			err = bootable(root)
			for _, want := range tt.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("error %v, want %q", err, want)
				}
			}
			if len(tt.want) > 0 {
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if to, err := root.Readlink("vmlinuz"); err != nil || to != tt.kernel {
				t.Errorf("/vmlinuz leads to %q (%v), want %q", to, err, tt.kernel)
			}
			if to, _ := root.Readlink("initrd.img"); !isFile(root, "initrd.img") {
				t.Errorf("/initrd.img leads to %q", to)
			}
		})
	}
}

// TestTreeIsNotWrittenThrough has links where files are written into the tree after it was unpacked.
func TestTreeIsNotWrittenThrough(t *testing.T) {
	dir := t.TempDir()
	outside := filepath.Join(dir, "outside")
	if err := os.WriteFile(outside, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	root, err := unpacked(t, dir, archive(t, regular(".dockerenv", ""),
		kernelFile("boot/vmlinuz-6.1"), regular("boot/initrd.img-6.1", "i"), initLink,
		link(tar.TypeSymlink, "etc/fstab", outside), link(tar.TypeSymlink, "etc/machine-id", "../../outside"),
		link(tar.TypeSymlink, "boot/grub/grub.cfg", outside), link(tar.TypeSymlink, "run", dir)), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	if err := impersonal(root); err == nil || !strings.Contains(err.Error(), "escapes") {
		t.Errorf("a /run that leads out of the tree: %v", err)
	}
	if err := errors.Join(root.Remove("run"), impersonal(root), bootable(root)); err != nil {
		t.Fatal(err)
	}
	if err := (&build{root: root.Name()}).bootFiles(); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(outside); err != nil || string(text) != "mine" {
		t.Errorf("the file outside is %q (%v)", text, err)
	}
	for name, want := range map[string]string{"etc/fstab": " / ext4 ", "boot/grub/grub.cfg": "menuentry", "etc/machine-id": ""} {
		info, statErr := root.Lstat(name)
		text, err := root.ReadFile(name)
		if err != nil || statErr != nil || !info.Mode().IsRegular() || !strings.Contains(string(text), want) {
			t.Errorf("%s is %v with %q (%v, %v)", name, info, text, err, statErr)
		}
	}
	if _, err := root.Lstat(".dockerenv"); err == nil {
		t.Error("/.dockerenv is left: systemd would take the server for a container")
	}
}

// TestFromTarLeavesNothing has archives refused, and a build cancelled.
func TestFromTarLeavesNothing(t *testing.T) {
	out := t.TempDir()
	o := TarOptions{OutDir: out, Log: slog.New(slog.DiscardHandler)}
	_, err := FromTar(t.Context(), archive(t, regular("etc/debian_version", "12.9")), o)
	if err == nil || !strings.Contains(err.Error(), "no kernel") {
		t.Errorf("a container's tree: %v", err)
	}
	stop := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(stop)
	if _, err := FromTar(ctx, archive(t, kernelFile("vmlinuz")), o); !errors.Is(err, stop) {
		t.Errorf("cancelled: %v", err)
	}
	if left, err := os.ReadDir(out); err != nil || len(left) > 0 {
		t.Errorf("%v are left (%v)", left, err)
	}
}

// TestFromTarOfSmallFiles needs more inodes than a file system of this size has by default.
func TestFromTarOfSmallFiles(t *testing.T) {
	entries := []archived{kernelFile("boot/vmlinuz-6.1"), regular("boot/initrd.img-6.1", "initrd"), initLink}
	for i := range 20_000 {
		entries = append(entries, regular(fmt.Sprintf("srv/%d/%d", i%100, i), ""))
	}
	res, err := FromTar(t.Context(), archive(t, entries...), TarOptions{OutDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	checkGPT(t, res.Raw, res.Size)
}
