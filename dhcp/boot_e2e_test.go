//go:build e2e

package dhcp

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"socle/dhcp/dhcptest"
	"socle/internal/nettest"
	"socle/inventory"
	"socle/pxe"
)

// bootFiles hands out the loaders of Debian's ipxe package and a ramdisk made by the test.
type bootFiles struct {
	dir string

	mu   sync.Mutex
	fail map[string]int // how often a file cannot be opened at first
}

func (b *bootFiles) Open(name string) (io.ReadSeekCloser, int64, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fail[name]--; b.fail[name] >= 0 {
		return nil, 0, errors.New("disk is slow today")
	}
	path := filepath.Join(b.dir, name)
	if !strings.HasPrefix(name, "ramdisk/") {
		path = filepath.Join("/usr/lib/ipxe", name)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	st, err := f.Stat()
	if err != nil {
		return nil, 0, err
	}
	return f, st.Size(), nil
}

// plans gives its answers in turn, and the last one from then on.
type plans struct {
	left []func() (pxe.Plan, error)
	seen chan pxe.Client
}

func (p *plans) Plan(_ context.Context, c pxe.Client) (pxe.Plan, error) {
	select {
	case p.seen <- c:
	default:
	}
	now := p.left[0]
	if len(p.left) > 1 {
		p.left = p.left[1:]
	}
	return now()
}

func toRamdisk() (pxe.Plan, error) {
	return pxe.Plan{Target: inventory.BootRamdisk, Machine: "m1", Name: "hv01",
		Params: []string{"socle.server=https://198.18.0.1:8443", "socle.token=abc_DEF-123"}}, nil
}

func toDisk() (pxe.Plan, error)  { return pxe.Plan{Target: inventory.BootDisk, Name: "hv01"}, nil }
func nothing() (pxe.Plan, error) { return pxe.Plan{Name: "hv01"}, nil }
func away() (pxe.Plan, error)    { return pxe.Plan{}, errors.New("database is away") }

// rack is a bridge with everything that serves a boot on it.
type rack struct {
	*dhcptest.Evidence
	server *Server
	plans  *plans
}

const guestMAC = "52:54:00:00:00:0a"

func newRack(t *testing.T, dir string, fails int, view View, left ...func() (pxe.Plan, error)) *rack {
	t.Helper()
	return newRackOf(t, inventory.Subnet{Name: "prov", Interface: "netboot-br", Prefix: cidr("198.18.0.0/24"),
		PoolFirst: ip("198.18.0.100"), PoolLast: ip("198.18.0.200")}, dir, fails, view, left...)
}

func newRackOf(t *testing.T, subnet inventory.Subnet, dir string, fails int, view View, left ...func() (pxe.Plan, error)) *rack {
	t.Helper()
	nettest.Run(t, "ip", "link", "set", "lo", "up")
	nettest.Run(t, "ip", "link", "add", "netboot-br", "type", "bridge")
	t.Cleanup(func() { _ = exec.Command("ip", "link", "del", "netboot-br").Run() })
	nettest.Run(t, "ip", "addr", "add", "198.18.0.1/24", "dev", "netboot-br")
	nettest.Run(t, "ip", "link", "set", "netboot-br", "up")
	nettest.Run(t, "ip", "tuntap", "add", "netboot-tap", "mode", "tap")
	t.Cleanup(func() { _ = exec.Command("ip", "link", "del", "netboot-tap").Run() })
	nettest.Run(t, "ip", "link", "set", "netboot-tap", "master", "netboot-br", "up")

	r := &rack{Evidence: dhcptest.NewEvidence(t), plans: &plans{left: left, seen: make(chan pxe.Client, 16)}}
	const base = "http://198.18.0.1:8080"
	r.server = serve(t, Options{
		Subnets: []inventory.Subnet{subnet}, View: view, Leases: &dhcptest.Leases{}, Recorder: r, BootURL: base,
	})
	files := &bootFiles{dir: dir, fail: map[string]int{"ramdisk/vmlinuz": fails, "ramdisk/initrd": fails}}
	h, err := pxe.NewHTTP(pxe.HTTPOptions{BootURL: base, Planner: r.plans, Files: files, Recorder: r, Holder: r.server.Holder, RequireLease: true})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp4", "198.18.0.1:8080")
	if err != nil {
		t.Fatal(err)
	}
	web := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = web.Serve(l) }()
	t.Cleanup(func() { _ = web.Close() })
	tf, err := pxe.NewTFTP(pxe.TFTPOptions{Listen: "198.18.0.1:69", Files: files, Recorder: r, Holder: r.server.Holder})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- tf.Serve(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return r
}

// qemu starts a guest, whose console goes to a file; the file's content is shown when the test fails.
func qemu(t *testing.T, args ...string) (console func() string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "console")
	all := append([]string{"-accel", "tcg", "-m", "512", "-nodefaults", "-display", "none", "-no-reboot",
		"-serial", "file:" + path,
		"-smbios", "type=1,serial=SN \"1'&|;${x},uuid=11223344-5566-7788-99aa-bbccddeeff00",
		"-netdev", "tap,id=n0,ifname=netboot-tap,script=no,downscript=no"}, args...)
	cmd := exec.Command("qemu-system-x86_64", all...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	console = func() string { b, _ := os.ReadFile(path); return string(b) }
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() || testing.Verbose() {
			t.Logf("console:\n%s", console())
		}
	})
	return console
}

func awaitText(t *testing.T, console func() string, limit time.Duration, texts ...string) {
	t.Helper()
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		if dhcptest.HasAll(console(), texts) {
			return
		}
	}
	t.Fatalf("the console does not show %q after %s", texts, limit)
}

// sawMachine checks what the planner was told, hostile serial included.
func (r *rack) sawMachine(t *testing.T, arch pxe.Arch) {
	t.Helper()
	c := <-r.plans.seen
	// iPXE of 2019 also expands what stands in a setting: "${x}" is empty. It splits a line into words before,
	// so that this can change no more than the serial number itself.
	if c.MAC != guestMAC || c.UUID != "11223344-5566-7788-99aa-bbccddeeff00" || c.Serial != `SN "1'&|;` || c.Arch != arch {
		t.Errorf("the planner was asked for %+v", c)
	}
}

const cmdline = "BOOTIF=01-52-54-00-00-00-0a console=tty0 console=ttyS0,115200n8 socle.server=https://198.18.0.1:8443 socle.token=abc_DEF-123"

var bios = []string{"-M", "pc,graphics=off", "-device", "virtio-net-pci,netdev=n0,mac=" + guestMAC + ",bootindex=1"}

// OVMF's switches that keep it from PXE. By IPv6 it takes over a minute to find that nobody answers; the tests of
// dhcp6 boot by it.
const (
	noPXEv4 = "name=opt/org.tianocore/IPv4PXESupport,string=n"
	noPXEv6 = "name=opt/org.tianocore/IPv6PXESupport,string=n"
)

func uefi(t *testing.T, more ...string) []string {
	vars := filepath.Join(t.TempDir(), "vars.fd")
	dhcptest.Shell(t, ".", "cp /usr/share/OVMF/OVMF_VARS_4M.fd "+vars)
	return append(more, "-M", "q35", "-fw_cfg", noPXEv6, "-device", "virtio-net-pci,netdev=n0,romfile=,mac="+guestMAC+",bootindex=1",
		"-drive", "if=pflash,unit=0,format=raw,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.fd",
		"-drive", "if=pflash,unit=1,format=raw,file="+vars)
}

// How long a boot may take. OVMF comes to the local disk after PXE, HTTP boot by IPv4 and HTTP boot by IPv6, each of
// which has to fail first: up to 4 minutes on two busy processors.
const (
	biosLimit = 10 * time.Minute
	uefiLimit = 15 * time.Minute
)

func TestBootE2E(t *testing.T) {
	dir := dhcptest.Ramdisk(t)
	t.Run("BIOS iPXE in the ROM", func(t *testing.T) {
		r := newRack(t, dir, 1, hosts{}, away, toRamdisk)
		console := qemu(t, bios...)
		awaitText(t, console, biosLimit, "cannot say now what this machine boots",
			"the kernel could not be fetched (attempt 1 of 10)", "the ramdisk could not be fetched (attempt 1 of 10)", "RAMDISK RUNS", cmdline)
		r.sawMachine(t, pxe.ArchBIOS)
		r.Await(time.Second, "dhcp", guestMAC, "ACK 198.18.0.", "file=http://198.18.0.1:8080/boot/start.ipxe")
		r.Await(time.Second, "http", guestMAC, `"ramdisk/initrd"`, "200")
	})
	t.Run("BIOS undionly by TFTP", func(t *testing.T) {
		r := newRack(t, dir, 0, hosts{}, toRamdisk)
		// QEMU's ROM is iPXE itself; treat it as the firmware of a board until it has loaded ours.
		r.server.mu.Lock()
		r.server.h.decide = func(c pxe.Client, w pxe.Wanted) pxe.Decision {
			c.IPXE = c.IPXE && strings.Contains(strings.Join(r.All(), "\n"), "undionly.kpxe\" from")
			return pxe.Decide(c, w)
		}
		r.server.mu.Unlock()
		console := qemu(t, bios...)
		awaitText(t, console, biosLimit, "RAMDISK RUNS", cmdline)
		r.sawMachine(t, pxe.ArchBIOS)
		r.Await(time.Second, "tftp", guestMAC, "undionly.kpxe", " bytes")
	})
	t.Run("UEFI snponly by TFTP", func(t *testing.T) {
		r := newRack(t, dir, 0, hosts{}, toRamdisk)
		console := qemu(t, uefi(t)...)
		awaitText(t, console, uefiLimit, "RAMDISK RUNS", "initrd=initrd "+cmdline)
		r.sawMachine(t, pxe.ArchEFIX64)
		r.Await(time.Second, "tftp", guestMAC, "snponly.efi", " bytes")
	})
	t.Run("BIOS local disk", func(t *testing.T) {
		r := newRack(t, dir, 0, hosts{guestMAC: {Boot: inventory.BootDisk}}, nothing, toDisk)
		disk := filepath.Join(t.TempDir(), "disk")
		if err := os.WriteFile(disk, bootSector("THE DISK BOOTS"), 0o600); err != nil {
			t.Fatal(err)
		}
		console := qemu(t, append(bios, "-drive", "if=none,id=d0,format=raw,file="+disk, "-device", "virtio-blk-pci,drive=d0,bootindex=2")...)
		awaitText(t, console, biosLimit, "There is nothing to boot for this machine now", "this is hv01, booting from the local disk", "THE DISK BOOTS")
		r.sawMachine(t, pxe.ArchBIOS)
	})
	t.Run("UEFI local disk", func(t *testing.T) {
		// The firmware tries PXE, then HTTP boot, then its disk, and each time goes on only because the script
		// ends with an error. The disk carries an iPXE, which asks a third time.
		r := newRack(t, dir, 0, hosts{}, toDisk, toDisk, toRamdisk)
		esp := t.TempDir()
		dhcptest.Shell(t, esp, "mkdir -p EFI/BOOT && cp /usr/lib/ipxe/ipxe.efi EFI/BOOT/BOOTX64.EFI")
		console := qemu(t, append(uefi(t), "-drive", "if=none,id=d0,format=raw,file=fat:rw:"+esp, "-device", "virtio-blk-pci,drive=d0,bootindex=2")...)
		awaitText(t, console, uefiLimit, "this is hv01, booting from the local disk", "RAMDISK RUNS")
		r.Await(time.Second, "http", `"snponly.efi"`, "200")
		full := 0
		for _, l := range r.All() {
			if strings.HasPrefix(l, "tftp") && !strings.Contains(l, "asked for the size") {
				full++
			}
		}
		if full != 1 {
			t.Errorf("the firmware came to PXE %d times, and not once:\n%s", full, strings.Join(r.All(), "\n"))
		}
	})
	t.Run("UEFI known for its disk gets no file", func(t *testing.T) {
		r := newRack(t, dir, 0, hosts{guestMAC: {Boot: inventory.BootDisk}}, toRamdisk)
		esp := t.TempDir()
		dhcptest.Shell(t, esp, "mkdir -p EFI/BOOT && cp /usr/lib/ipxe/ipxe.efi EFI/BOOT/BOOTX64.EFI")
		console := qemu(t, append(uefi(t), "-drive", "if=none,id=d0,format=raw,file=fat:rw:"+esp, "-device", "virtio-blk-pci,drive=d0,bootindex=2")...)
		awaitText(t, console, uefiLimit, "RAMDISK RUNS")
		r.Await(time.Second, "dhcp", "no boot file (boots its own disk)")
		if strings.Contains(strings.Join(r.All(), "\n"), "tftp") {
			t.Error("the firmware loaded something")
		}
	})
}

// bootSector is a disk whose boot sector writes a text on the BIOS's console and halts.
func bootSector(text string) []byte {
	disk := make([]byte, 1<<20)
	n := copy(disk, []byte{
		0x31, 0xc0, // xor ax, ax
		0x8e, 0xd8, // mov ds, ax
		0xbe, 0x15, 0x7c, // mov si, text
		0xac,       // lodsb
		0x84, 0xc0, // test al, al
		0x74, 0x06, // jz halt
		0xb4, 0x0e, // mov ah, 0x0e: teletype output
		0xcd, 0x10, // int 0x10
		0xeb, 0xf5, // jmp lodsb
		0xf4,       // halt: hlt
		0xeb, 0xfd, // jmp halt
	})
	copy(disk[n:], text)
	disk[510], disk[511] = 0x55, 0xaa
	return disk
}
