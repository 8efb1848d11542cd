//go:build e2e

package why

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"socle/inventory"
	"socle/pxe"
)

// patience is for firmware under emulation on a busy host.
const patience = 6 * time.Minute

// qemu starts a machine on the network: real firmware, real network boot. Its console goes to a file that is
// shown when the test fails.
func (r *room) qemu(args ...string) (off func()) {
	r.t.Helper()
	dir := r.t.TempDir()
	tap := "qemu0"
	sh(r.t, "ip tuntap add "+tap+" mode tap; ip link set "+tap+" master sw0 up")
	all := append([]string{"-accel", "tcg", "-m", "512", "-nodefaults", "-display", "none", "-serial", "file:" + filepath.Join(dir, "console.log"),
		"-netdev", "tap,id=n0,ifname=" + tap + ",script=no,downscript=no"}, args...)
	cmd := exec.Command("qemu-system-x86_64", all...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	cmd.Stderr = os.Stderr
	r.must(cmd.Start())
	off = sync.OnceFunc(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		_ = exec.Command("ip", "link", "del", tap).Run()
		if r.t.Failed() {
			b, _ := os.ReadFile(filepath.Join(dir, "console.log"))
			r.t.Logf("console:\n%s", b)
		}
	})
	r.t.Cleanup(off)
	return off
}

// bios boots QEMU's own ROM, which is iPXE.
func (r *room) bios() {
	r.qemu("-M", "pc,graphics=off", "-device", "virtio-net-pci,netdev=n0,mac="+nic+",bootindex=1")
}

// uefi boots OVMF; code and vars are the variants of Debian's package.
func (r *room) uefi(code, vars string, more ...string) {
	path := filepath.Join(r.t.TempDir(), "vars.fd")
	sh(r.t, "cp /usr/share/OVMF/"+vars+" '"+path+"'")
	path = strings.ReplaceAll(path, ",", ",,") // one comma begins QEMU's next option, and the path holds the test's name
	r.qemu(append([]string{"-M", "q35,smm=on", "-global", "driver=cfi.pflash01,property=secure,value=on",
		"-device", "virtio-net-pci,netdev=n0,romfile=,mac=" + nic + ",bootindex=1",
		"-drive", "if=pflash,unit=0,format=raw,readonly=on,file=/usr/share/OVMF/" + code,
		"-drive", "if=pflash,unit=1,format=raw,file=" + path}, more...)...)
}

func TestFirmwareE2E(t *testing.T) {
	t.Run("BIOS: the port of boot HTTP is blocked", func(t *testing.T) {
		r := all(t)
		r.must(r.web.Close())
		r.power()
		r.bios()
		r.wantVerdict(patience, "no-script", "start.ipxe")
	})
	t.Run("BIOS: the database is away", func(t *testing.T) {
		r := all(t)
		r.plan = func() (pxe.Plan, error) { return pxe.Plan{}, errors.New("database is away") }
		r.power()
		r.bios()
		r.wantVerdict(patience, "script-unavailable")
	})
	t.Run("BIOS: there is no kernel", func(t *testing.T) {
		r := all(t)
		r.power()
		r.bios()
		r.wantVerdict(patience, "no-such-file", `"ramdisk/vmlinuz" by HTTP`)
	})
	t.Run("BIOS: iPXE gives up the kernel that is not there, and says so", func(t *testing.T) {
		r := all(t)
		r.power()
		r.bios()
		r.wantVerdict(patience, "script-gave-up", "iPXE gave up after 10 tries on ramdisk/vmlinuz", "error 2d0c613b", "no such file")
	})
	t.Run("BIOS: iPXE gives up a kernel that is none, and says so", func(t *testing.T) {
		r := all(t)
		r.put("vmlinuz", 1_000_000) // a small one of zeros it takes for a PXE program, and runs it
		r.put("initrd", 1000)
		r.power()
		r.bios()
		r.wantVerdict(patience, "script-gave-up", "iPXE gave up after 10 tries on ramdisk/vmlinuz", "is none that it can start", "error 2e008001")
	})
	t.Run("BIOS: the kernel is none", func(t *testing.T) {
		r := all(t)
		r.put("vmlinuz", 1000)
		r.put("initrd", 1000)
		r.power()
		r.bios()
		r.wantVerdict(patience, "kernel-only")
	})
	t.Run("BIOS: no address is free", func(t *testing.T) {
		r := newRoom(t, "198.18.0.100", "198.18.0.100")
		r.plug(other).dhcp(asPlain)
		r.power()
		r.bios()
		r.wantVerdict(patience, "no-address")
	})
	t.Run("UEFI: Secure Boot refuses the loader", func(t *testing.T) {
		r := all(t)
		r.power()
		r.uefi("OVMF_CODE_4M.ms.fd", "OVMF_VARS_4M.ms.fd")
		r.wantVerdict(patience, "secure-boot", "snponly.efi", "refused the file")
	})
	t.Run("UEFI: no boot file is named, for the disk to boot", func(t *testing.T) {
		r := all(t)
		r.wants = inventory.BootDisk
		r.power()
		r.uefi("OVMF_CODE_4M.ms.fd", "OVMF_VARS_4M.ms.fd")
		r.wantVerdict(patience, "told-disk")
	})
}
