package lab

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// transports are the ways a disk can be attached.
var transports = []string{"virtio", "sata", "scsi", "nvme"}

// machine is everything that QEMU's command line is made of.
type machine struct {
	Server   Server
	Accel    string // "tcg" or "kvm"
	First    Device // what the first boot tries first
	StateDir string // holds the disks and the firmware's variables
	RunDir   string // holds the sockets
	KCSPort  int    // of ipmi_sim on 127.0.0.1; 0: no in-band BMC
	Image    string // file that the BMC has put into the CD drive; empty: the drive is
	HTTPSCA  string // file with the certificates that firmware trusts
}

// The files of one server, below its state and run directories.
func (m machine) diskFile(i int) string {
	return filepath.Join(m.StateDir, fmt.Sprintf("disk%d.raw", i))
}
func (m machine) qmpSocket() string    { return filepath.Join(m.RunDir, m.Server.Name+".qmp") }
func (m machine) serialSocket() string { return filepath.Join(m.RunDir, m.Server.Name+".serial") }

// opts joins the parts of one QEMU option; a comma inside a value is doubled.
func opts(head string, pairs ...string) string {
	var b strings.Builder
	b.WriteString(head)
	for i := 0; i+1 < len(pairs); i += 2 {
		if b.Len() > 0 {
			b.WriteByte(',')
		}
		b.WriteString(pairs[i] + "=" + strings.ReplaceAll(pairs[i+1], ",", ",,"))
	}
	return b.String()
}

// arm64 is the architecture of servers that are not amd64.
const arm64 = "arm64"

// qemu is the program that runs a server, and the Debian package that has it.
func (s Server) qemu() (program, pkg string) {
	if s.Arch == arm64 {
		return "qemu-system-aarch64", "qemu-system-arm"
	}
	return qemuProgram, "qemu-system-x86"
}

// model is QEMU's machine with its processor.
func (m machine) model() (model, accel, cpu string) {
	s := m.Server
	model, accel, cpu = "pc", "tcg,thread=multi", "max"
	switch {
	case s.Arch == arm64:
		// Pointer authentication as the architecture defines it is very slow to emulate.
		return "virt,gic-version=3", accel, "max,pauth-impdef=on"
	case s.SecureBoot:
		model = "q35,smm=on"
	case s.Firmware == UEFI:
		model = "q35"
	}
	if m.Accel == AccelKVM {
		accel, cpu = "kvm", "host"
	}
	return model, accel, cpu
}

// argv is QEMU's command line, without the program's name.
func (m machine) argv() []string {
	s := m.Server
	model, accel, cpu := m.model()
	args := []string{
		"-name", s.Name, "-nodefaults", "-no-user-config", "-display", "none", "-monitor", "none",
		// Without graphics SeaBIOS and iPXE speak on the serial line; OVMF always does.
		"-machine", model + ",graphics=off", "-accel", accel, "-cpu", cpu,
		"-smp", fmt.Sprintf("%d,sockets=1,cores=%d,threads=1", s.CPUs, s.CPUs),
		"-m", strconv.Itoa(s.MemoryMiB), "-rtc", "base=utc",
		"-uuid", s.UUID,
		// A server whose network is not there yet tries again instead of stopping (SeaBIOS only).
		"-boot", "menu=off,reboot-timeout=10000",
		"-qmp", opts("unix:"+strings.ReplaceAll(m.qmpSocket(), ",", ",,"), "server", "on", "wait", "off"),
		"-chardev", opts("socket", "id", "serial0", "path", m.serialSocket(), "server", "off", "reconnect", "1"),
		"-serial", "chardev:serial0",
		"-device", "virtio-rng-pci,id=rng0",
	}
	args = append(args, m.smbios()...)
	args = append(args, m.firmware()...)
	order := bootOrder(s, m.First)
	args = append(args, m.nics(order)...)
	args = append(args, m.disks(order)...)
	args = append(args, m.medium(order)...)
	return append(args, m.bmc()...)
}

func (m machine) smbios() []string {
	s := m.Server
	args := []string{
		"-smbios", opts("type=1", "manufacturer", s.Manufacturer, "product", s.Product, "serial", s.Serial, "uuid", s.UUID),
		"-smbios", opts("type=2", "manufacturer", s.Manufacturer, "product", s.Product+" board", "serial", s.Serial+"-B"),
		"-smbios", opts("type=3", "manufacturer", s.Manufacturer, "serial", s.Serial),
	}
	if s.FirmwareVersion != "" {
		args = append(args, "-smbios", opts("type=0", "vendor", s.Manufacturer, "version", s.FirmwareVersion))
	}
	for i := range s.DIMMs {
		args = append(args, "-smbios", opts("file="+strings.ReplaceAll(m.dimmFile(i), ",", ",,")))
	}
	if len(s.DIMMs) == 0 {
		args = append(args, "-smbios", opts("type=17", "loc_pfx", "DIMM", "manufacturer", s.Manufacturer, "serial", s.Serial+"-M", "part", "LAB-DIMM", "speed", "3200"))
	}
	return args
}

func (m machine) nics(order []string) []string {
	var args []string
	for i, n := range m.Server.NICs {
		id := nicID(i)
		dev := opts("virtio-net-pci", append([]string{"id", id, "netdev", "net" + strconv.Itoa(i), "mac", n.MAC}, bootable(order, id)...)...)
		if m.Server.Firmware == UEFI || m.Server.Medium != "" {
			dev += ",romfile=" // so that OVMF's own network stack boots, not iPXE's ROM; or nothing at all
		}
		args = append(args,
			"-netdev", opts("tap", "id", "net"+strconv.Itoa(i), "ifname", tapName(m.Server.Name, i), "script", "no", "downscript", "no"),
			"-device", dev)
	}
	return args
}

// nicID is what QEMU calls a card.
func nicID(nic int) string { return "nic" + strconv.Itoa(nic) }

// tapName is the interface in the rack's namespace that a server's card is plugged into.
func tapName(server string, nic int) string { return server + "-" + strconv.Itoa(nic) }

// ahciPorts is how many disks one ich9-ahci controller takes.
const ahciPorts = 6

func (m machine) disks(order []string) []string {
	var args []string
	controllers := map[string]bool{}
	sata := 0
	for i, d := range m.Server.Disks {
		id, drive := "disk"+strconv.Itoa(i), "drive"+strconv.Itoa(i)
		var dev, controller string
		switch d.Transport {
		case "sata":
			bus := fmt.Sprintf("ahci%d", sata/ahciPorts)
			controller = "ich9-ahci,id=" + bus
			dev = opts("ide-hd", "bus", fmt.Sprintf("%s.%d", bus, sata%ahciPorts), "rotation_rate", "7200")
			sata++
		case "scsi":
			controller = "virtio-scsi-pci,id=scsi0"
			dev = opts("scsi-hd", "bus", "scsi0.0")
		case "nvme":
			dev = "nvme"
		default:
			dev = "virtio-blk-pci"
		}
		if controller != "" && !controllers[controller] {
			controllers[controller] = true
			args = append(args, "-device", controller)
		}
		args = append(args,
			// The host's page cache survives the power cut of a guest, so flushes need not reach the host's disk.
			"-drive", opts("if=none", append([]string{"id", drive, "file", m.diskFile(i), "format", "raw", "cache", "unsafe", "discard", "unmap"}, d.bounds()...)...),
			"-device", opts(dev, "id", id, "drive", drive, "serial", d.Serial, "bootindex", strconv.Itoa(bootIndex(order, id))))
	}
	return args
}

// bounds are QEMU's options that make a disk no faster than it shall be.
func (d Disk) bounds() (pairs []string) {
	if d.Speed > 0 {
		pairs = append(pairs, "throttling.bps-total", strconv.Itoa(d.Speed<<20))
	}
	if d.IOPS > 0 {
		pairs = append(pairs, "throttling.iops-total", strconv.Itoa(d.IOPS))
	}
	return pairs
}

// mediumID is QEMU's name of the CD drive.
const mediumID = "cd0"

// medium is the CD drive with what lies in it.
func (m machine) medium(order []string) []string {
	file := m.Server.Medium
	if m.Server.virtualDrive() {
		file = m.Image
	} else if file == "" {
		return nil
	}
	drive := []string{"id", "medium0", "media", "cdrom"}
	if file != "" {
		drive = append(drive, "format", "raw", "readonly", "on", "file", file)
	}
	return []string{
		"-drive", opts("if=none", drive...),
		"-device", opts("ide-cd", append([]string{"id", mediumID, "drive", "medium0"}, bootable(order, mediumID)...)...),
	}
}

// bmc gives the guest its in-band interface (KCS, IPMI 2.0 section 9) to the same BMC that answers on the network.
func (m machine) bmc() []string {
	if m.KCSPort == 0 {
		return nil
	}
	return slices.Concat(
		[]string{"-chardev", fmt.Sprintf("socket,id=ipmi0,host=127.0.0.1,port=%d,server=off,reconnect=1", m.KCSPort)},
		[]string{"-device", "ipmi-bmc-extern,id=bmc0,chardev=ipmi0", "-device", "isa-ipmi-kcs,bmc=bmc0"})
}
