package ramdisk

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseModinfo(t *testing.T) {
	data := "version=1.0\x00firmware=bnx2/a.fw\x00alias=pci:v00008086d0000100Esv*sd*bc*sc*i*\x00alias=crypto-crc32c\x00" +
		"depends=libcrc32c,mdio-bitbang\x00softdep=pre: crc32c arch-one post: other\x00no value\x00license=GPL"
	want := modinfo{
		Depends:  []string{"libcrc32c", "mdio_bitbang"},
		Aliases:  []string{"pci:v00008086d0000100Esv*sd*bc*sc*i*", "crypto-crc32c"},
		SoftDeps: []string{"pre: crc32c arch-one post: other"},
		Firmware: []string{"bnx2/a.fw"},
	}
	got := parseModinfo([]byte(data))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("parseModinfo (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"crc32c", "arch_one"}, got.preSoftDeps()); diff != "" {
		t.Errorf("preSoftDeps (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(modinfo{}, parseModinfo([]byte("depends=\x00"))); diff != "" {
		t.Errorf("empty depends (-want +got):\n%s", diff)
	}
}

func TestModuleName(t *testing.T) {
	for file, want := range map[string]string{
		"kernel/arch/x86/crypto/crc32c-intel.ko": "crc32c_intel",
		"virtio_net":                             "virtio_net",
		"libcrc32c.ko":                           "libcrc32c",
	} {
		if got := moduleName(file); got != want {
			t.Errorf("moduleName(%q) = %q, want %q", file, got, want)
		}
	}
}

func FuzzReadModinfo(f *testing.F) {
	f.Add([]byte("\x7fELF"))
	f.Add([]byte("alias=a\x00depends=b,c\x00softdep=pre: x"))
	f.Fuzz(func(t *testing.T, data []byte) {
		_, _ = readModinfo(data)
		m := parseModinfo(data)
		m.preSoftDeps()
	})
}
