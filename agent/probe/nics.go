package probe

import (
	"net"
	"path/filepath"
	"regexp"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"

	"socle/hardware"
)

// NICs lists the interfaces of the hardware; bridges, bonds, tunnels and the loopback are not hardware.
func (r Root) NICs() []hardware.NIC {
	var list []hardware.NIC
	for _, name := range names(r.Sys, "class/net") {
		dir := filepath.Join(r.Sys, "class/net", name)
		if !exists(dir, "device") {
			continue
		}
		nic := hardware.NIC{Name: Clean(name), Driver: linkBase(dir, "device/driver"), PCI: pciAddress(dir),
			Link: text(dir, "carrier") == "1", MAC: r.permanentMAC(name)}
		if nic.MAC == "" {
			nic.MAC = strings.ToLower(text(dir, "address"))
		}
		if speed := number(dir, "speed"); nic.Link && speed > 0 {
			nic.SpeedMbps = int(speed)
		}
		nic.Addresses = r.addresses(name)
		list = append(list, nic)
	}
	return list
}

var pciFunction = regexp.MustCompile(`^[0-9a-f]{4,}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$`)

// pciAddress is the last PCI function on the way to the device: a virtio or USB interface hangs below one.
func pciAddress(dir string) string {
	real, err := filepath.EvalSymlinks(filepath.Join(dir, "device"))
	if err != nil {
		return ""
	}
	for p := real; len(p) > 1; p = filepath.Dir(p) {
		if base := filepath.Base(p); pciFunction.MatchString(base) {
			return base
		}
	}
	return ""
}

// permanentMAC asks the driver for the address that is burnt in (ETHTOOL_GPERMADDR); it survives bonds and
// changes by software. Recorded trees have no driver to ask.
func (r Root) permanentMAC(name string) string {
	if r.Sys != Live.Sys || len(name) >= unix.IFNAMSIZ {
		return ""
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return ""
	}
	defer func() { _ = unix.Close(fd) }()
	const getPermAddr = 0x20 // linux/ethtool.h
	req := struct {
		cmd, size uint32
		data      [32]byte
	}{cmd: getPermAddr, size: 32}
	ifr := struct {
		name [unix.IFNAMSIZ]byte
		data unsafe.Pointer
		_    [16]byte
	}{data: unsafe.Pointer(&req)}
	copy(ifr.name[:], name)
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCETHTOOL, uintptr(unsafe.Pointer(&ifr))); errno != 0 {
		return ""
	}
	mac := net.HardwareAddr(req.data[:6])
	if req.size != 6 || strings.Trim(mac.String(), "0:") == "" || strings.Trim(mac.String(), "f:") == "" {
		return ""
	}
	return mac.String()
}

func (r Root) addresses(name string) []string {
	if r.Sys != Live.Sys {
		return nil
	}
	ifi, err := net.InterfaceByName(name)
	if err != nil {
		return nil
	}
	addrs, err := ifi.Addrs()
	if err != nil {
		return nil
	}
	var list []string
	for _, a := range addrs[:min(len(addrs), 16)] {
		list = append(list, a.String())
	}
	return list
}

// Carrier tells whether an interface has a link; it must be up for that.
func (r Root) Carrier(name string) bool { return text(r.Sys, "class/net", name, "carrier") == "1" }
