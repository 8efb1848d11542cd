//go:build e2e

package dhcp6

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"socle/dhcp/dhcptest"
	"socle/dhcp/radv"
	"socle/internal/nettest"
	"socle/inventory"
	"socle/pxe"
)

// bootFiles hands out the loaders of Debian's ipxe package and a ramdisk made by the test.
type bootFiles struct{ dir string }

func (b bootFiles) Open(name string) (io.ReadSeekCloser, int64, error) {
	f, err := os.Open(filepath.Join(b.dir, name))
	if err != nil {
		f, err = os.Open(filepath.Join("/usr/lib/ipxe", name))
	}
	if err != nil {
		return nil, 0, err
	}
	st, err := f.Stat()
	if err != nil {
		return nil, 0, err
	}
	return f, st.Size(), nil
}

// plan sends every machine to the ramdisk, and shows who asked.
type plan chan pxe.Client

func (p plan) Plan(_ context.Context, c pxe.Client) (pxe.Plan, error) {
	select {
	case p <- c:
	default:
	}
	return pxe.Plan{Target: inventory.BootRamdisk, Machine: "m1", Name: "hv01",
		Params: []string{"socle.server=https://[2001:db8:1::1]:8443", "socle.token=abc_DEF-123"}}, nil
}

const bootBase = "http://[2001:db8:1::1]:8080"

// serveRack makes a bridge that has no IPv4 address at all, and everything that serves a boot on it.
func serveRack(t *testing.T, dir string, view View) (e *dhcptest.Evidence, asked plan) {
	t.Helper()
	nettest.Run(t, "ip", "link", "set", "lo", "up")
	nettest.Run(t, "ip", "link", "add", "prov0", "type", "bridge")
	t.Cleanup(func() { _ = exec.Command("ip", "link", "del", "prov0").Run() })
	nettest.Run(t, "ip", "tuntap", "add", "netboot-tap", "mode", "tap")
	t.Cleanup(func() { _ = exec.Command("ip", "link", "del", "netboot-tap").Run() })
	nettest.Run(t, "ip", "link", "set", "netboot-tap", "master", "prov0", "up")
	nettest.Run(t, "ip", "addr", "add", "2001:db8:1::1/64", "dev", "prov0", "nodad")
	nettest.Run(t, "ip", "link", "set", "prov0", "up")

	e, asked = dhcptest.NewEvidence(t), make(plan, 16)
	opt := provOptions(&dhcptest.Leases{}, e, view)
	opt.Subnets[0].Advertise = true
	server := serve(t, opt)
	nettest.Background(t, radv.New(radv.Options{Subnets: opt.Subnets, Recheck: 200 * time.Millisecond}).Serve)
	scripts := pxe.HTTPOptions{BootURL: bootBase, Planner: asked, Files: bootFiles{dir}, Recorder: e, Holder: server.Holder, RequireLease: true}
	h, err := pxe.NewHTTP(scripts)
	if err != nil {
		t.Fatal(err)
	}
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp6", "[2001:db8:1::1]:8080")
	if err != nil {
		t.Fatal(err)
	}
	web := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = web.Serve(l) }()
	t.Cleanup(func() { _ = web.Close() })
	grub, err := pxe.NewGRUB(scripts)
	if err != nil {
		t.Fatal(err)
	}
	tf, err := pxe.NewTFTP(pxe.TFTPOptions{Listen: "[2001:db8:1::1]:69", Files: bootFiles{dir}, Resolve: grub, Recorder: e, Holder: server.Holder})
	if err != nil {
		t.Fatal(err)
	}
	nettest.Background(t, tf.Serve)
	return e, asked
}

// qemu starts a UEFI guest, whose console goes to a file; the file's content is shown when the test fails.
func qemu(t *testing.T, args ...string) (console func() string) {
	t.Helper()
	return qemuOf(t, "q35", "OVMF_CODE_4M.fd", "OVMF_VARS_4M.fd", args...)
}

// qemuOf starts a guest with the machine model, the firmware and its variables.
func qemuOf(t *testing.T, model, code, vars string, args ...string) (console func() string) {
	t.Helper()
	dir := t.TempDir()
	dhcptest.Shell(t, dir, "cp /usr/share/OVMF/"+vars+" vars.fd")
	all := append([]string{"-accel", "tcg", "-M", model, "-m", "1024", "-nodefaults", "-display", "none", "-no-reboot",
		"-serial", "file:" + dir + "/console",
		"-smbios", "type=1,serial=SN1,uuid=11223344-5566-7788-99aa-bbccddeeff00",
		"-netdev", "tap,id=n0,ifname=netboot-tap,script=no,downscript=no",
		"-device", "virtio-net-pci,netdev=n0,romfile=,mac=" + macA + ",bootindex=1",
		"-drive", "if=pflash,unit=0,format=raw,readonly=on,file=/usr/share/OVMF/" + code,
		"-drive", "if=pflash,unit=1,format=raw,file=" + dir + "/vars.fd"}, args...)
	cmd := exec.Command("qemu-system-x86_64", all...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	console = func() string { b, _ := os.ReadFile(filepath.Join(dir, "console")); return string(b) }
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

// Without it OVMF asks for IPv4 first, and for a long time.
const (
	noPXEv4 = "name=opt/org.tianocore/IPv4PXESupport,string=no"
	noPXEv6 = "name=opt/org.tianocore/IPv6PXESupport,string=no"
)

// OVMF, iPXE and the kernel on a network that has IPv6 only: router advertisement, DHCPv6, TFTP or HTTP, HTTP.
func TestBootE2E(t *testing.T) {
	dir := dhcptest.Ramdisk(t)
	for _, tc := range []struct {
		name, loader string // where the firmware is sent
		by           string // how it comes from there
		qemu         []string
	}{
		{"PXE", "tftp://[2001:db8:1::1]/snponly.efi", "tftp", []string{"-fw_cfg", noPXEv4}},
		{"HTTP", bootBase + "/boot/files/snponly.efi", "http", []string{"-fw_cfg", noPXEv4, "-fw_cfg", noPXEv6}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			e, asked := serveRack(t, dir, hosts{})
			defer func() {
				if t.Failed() || testing.Verbose() {
					t.Logf("evidence:\n%s", strings.Join(e.All(), "\n"))
				}
			}()
			console := qemu(t, tc.qemu...)
			awaitText(t, console, 10*time.Minute, "RAMDISK RUNS", "BOOTIF=01-52-54-00-00-00-0a", "socle.server=https://[2001:db8:1::1]:8443")
			c := <-asked
			if c.MAC != macA || c.UUID != uuidA || c.Serial != "SN1" || c.Arch != pxe.ArchEFIX64 {
				t.Errorf("the planner was asked for %+v", c)
			}
			if !netip.MustParsePrefix("2001:db8:1::/64").Contains(c.Addr) {
				t.Errorf("the script was asked for from %s", c.Addr)
			}
			e.Await(time.Second, "dhcp", macA, "REQUEST", "REPLY "+c.Addr.String(), "url="+tc.loader)
			e.Await(time.Second, tc.by, macA, `"snponly.efi"`, "173792")
			e.Await(time.Second, "dhcp", macA, "iPXE", "REPLY "+c.Addr.String(), "url="+bootBase+"/boot/start.ipxe")
			e.Await(time.Second, "http", macA, `"ramdisk/initrd"`, "200")
		})
	}
}
