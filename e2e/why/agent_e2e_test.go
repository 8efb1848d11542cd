//go:build e2e

package why

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// TestAgentE2E boots the real kernel and the real agent three times with what the machine's own boot script says: first
// with another authority than the server's, then rightly, then once more with a token that is used.
func TestAgentE2E(t *testing.T) {
	files := filepath.Join(artefacts(), "boot")
	h := newHouse(t, files)
	c := h.plug(nic)
	c.dhcp(asIPXE)
	c.get("/boot/start.ipxe")
	c.get(script + "&serial=SN-1")
	text, err := os.ReadFile(filepath.Join(c.dir, "got"))
	h.must(err)
	line := regexp.MustCompile(`(?m)^kernel --name vmlinuz \S+ (.*?) \|\|`).FindStringSubmatch(string(text))
	if line == nil {
		t.Fatalf("the script boots no kernel:\n%s", text)
	}
	c.get(kernel)
	c.get(initrd)
	c.unplug()
	params := line[1] + " console=ttyS0"
	boot := func(params string) (off func()) {
		return h.qemu("-M", "q35", "-cpu", "max", "-smbios", "type=1,serial=SN-1", "-device", "virtio-net-pci,netdev=n0,romfile=,mac="+nic,
			"-kernel", filepath.Join(files, "ramdisk", "vmlinuz"), "-initrd", filepath.Join(files, "ramdisk", "initrd"), "-append", params)
	}
	other := regexp.MustCompile(`socle\.ca=[0-9a-f]{8}`).ReplaceAllString(params, "socle.ca=00000000")
	if other == params {
		t.Fatalf("the script names no authority: %s", params)
	}
	off := boot(other)
	h.wantVerdict("hv01", "agent-distrusts", patience, "bad certificate")
	off()
	off = boot(params)
	h.wantVerdict("hv01", "agent-speaks", patience)
	off()
	boot(params)
	h.wantVerdict("hv01", "agent-refused", patience, "token")
}
