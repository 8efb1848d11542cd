package lab

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"regexp"
	"slices"

	"github.com/google/uuid"
)

// The ways to run guests.
const (
	AccelTCG  = "tcg"
	AccelKVM  = "kvm"
	AccelAuto = "auto"
)

var (
	// A network interface's name has at most 15 bytes, "socle-" is 6 of them.
	labName = regexp.MustCompile(`^[a-z][a-z0-9]{0,7}[a-z0-9]?$`)
	// A tap is called after its server, with "-0" behind.
	serverName = regexp.MustCompile(`^[a-z]([a-z0-9-]{0,10}[a-z0-9])?$`)
	// What stands in QEMU's and ipmi_sim's options unquoted must need no quoting.
	plain    = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._ -]{0,62}$`)
	diskName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,19}$`)
	password = regexp.MustCompile(`^[\x21\x23-\x5b\x5d-\x7e]{1,16}$`)
	user     = regexp.MustCompile(`^[A-Za-z0-9._-]{1,16}$`)
)

// faults collects everything that is wrong.
type faults []error

func (f *faults) add(bad bool, format string, args ...any) {
	if bad {
		*f = append(*f, fmt.Errorf(format, args...))
	}
}

// Validate finds all faults of a completed specification at once.
func (s Spec) Validate() error {
	var f faults
	f.add(!labName.MatchString(s.Name), "name %q: use 1 to 9 lower-case letters and digits, a letter first", s.Name)
	f.add(!slices.Contains([]string{AccelTCG, AccelKVM, AccelAuto}, s.Accel), "accel %q: use tcg, kvm or auto", s.Accel)
	for _, n := range []struct {
		key string
		net netip.Prefix
	}{{"provisioning", s.Provisioning}, {"management", s.Management}} {
		f.add(!n.net.IsValid() || !n.net.Addr().Is4() || n.net.Bits() != 24, "%s %s: give an IPv4 /24", n.key, n.net)
	}
	f.add(s.Provisioning.Overlaps(s.Management), "provisioning and management are the same network")
	f.add(len(s.Servers) == 0, "servers: there are none")
	f.add(len(s.Servers) > 200, "servers: %d do not fit on one management network of 200", len(s.Servers))
	seen := map[string]string{}
	for i, srv := range s.Servers {
		srv.validate(&f, fmt.Sprintf("servers[%d] (%s)", i, srv.Name), s, seen)
	}
	return errors.Join(f...)
}

// unique notes that a value belongs to somebody, and complains when it belonged to somebody else.
func unique(f *faults, seen map[string]string, at, kind, value string) {
	if value == "" {
		return
	}
	key := kind + " " + value
	other, taken := seen[key]
	f.add(taken, "%s: %s is %s's already", at, key, other)
	seen[key] = at
}

func (s Server) validate(f *faults, at string, rack Spec, seen map[string]string) {
	f.add(!serverName.MatchString(s.Name), "%s: name %q: use 1 to 12 lower-case letters, digits and hyphens, a letter first", at, s.Name)
	for _, t := range []struct{ key, value string }{
		{"serial", s.Serial}, {"manufacturer", s.Manufacturer}, {"product", s.Product},
	} {
		f.add(!plain.MatchString(t.value), "%s: %s %q: use 1 to 63 letters, digits, blanks, dots and hyphens", at, t.key, t.value)
	}
	_, err := uuid.Parse(s.UUID)
	f.add(err != nil || len(s.UUID) != 36, "%s: uuid %q: not a UUID", at, s.UUID)
	f.add(s.Firmware != BIOS && s.Firmware != UEFI, "%s: firmware %q: use bios or uefi", at, s.Firmware)
	f.add(s.SecureBoot && s.Firmware != UEFI, "%s: secure_boot needs firmware uefi", at)
	f.add(!slices.Contains([]NetBoot{NetPXE, NetPXE4, NetHTTP, NetHTTPS}, s.Boot), "%s: boot %q: use pxe, pxe4, http or https", at, s.Boot)
	f.add(s.Boot != NetPXE && s.Firmware != UEFI, "%s: boot %s needs firmware uefi", at, s.Boot)
	f.add(s.Boot == NetHTTPS && rack.HTTPSCA == "", "%s: boot https needs the rack's https_ca", at)
	f.add(s.Arch != "" && s.Arch != "amd64" && s.Arch != arm64, "%s: arch %q: use amd64 or arm64", at, s.Arch)
	f.add(s.Arch == arm64 && (s.Firmware != UEFI || s.BMC.Protocol != Redfish || s.Boot == NetHTTP || s.Boot == NetHTTPS),
		"%s: a server with arm64 has UEFI and a Redfish BMC, and boots by PXE", at)
	f.add(s.CPUs < 1 || s.CPUs > 64, "%s: cpus %d: use 1 to 64", at, s.CPUs)
	f.add(s.MemoryMiB < 256 || s.MemoryMiB > 1<<20, "%s: memory_mib %d: use 256 or more", at, s.MemoryMiB)
	f.add(s.U < 0 || s.U > 60, "%s: u %d: use 1 to 60", at, s.U)
	f.add(s.Rack != "" && !plain.MatchString(s.Rack), "%s: rack %q: use letters, digits, dots and hyphens", at, s.Rack)
	f.add(s.Medium != "" && !filepath.IsAbs(s.Medium), "%s: medium %q: give the whole path of the file", at, s.Medium)
	unique(f, seen, at, "name", s.Name)
	unique(f, seen, at, "serial", s.Serial)
	if s.Rack != "" && s.U > 0 {
		unique(f, seen, at, "rack unit", fmt.Sprintf("%s/%d", s.Rack, s.U))
	}
	s.validateParts(f, at, seen)
	s.BMC.validate(f, at, rack, seen)
}

func (s Server) validateParts(f *faults, at string, seen map[string]string) {
	f.add(len(s.Disks) > 16, "%s: %d disks: at most 16", at, len(s.Disks))
	for i, d := range s.Disks {
		f.add(!diskName.MatchString(d.Serial), "%s: disks[%d]: serial %q: use 1 to 20 letters, digits, dots and hyphens", at, i, d.Serial)
		f.add(d.SizeMiB < 1 || d.SizeMiB > 16<<20, "%s: disks[%d]: size_mib %d: use 1 to 16777216", at, i, d.SizeMiB)
		f.add(d.Speed < 0 || d.Speed > 1<<20 || d.IOPS < 0, "%s: disks[%d]: speed_mib_s %d, iops %d: use 1 or more, 0 for no bound", at, i, d.Speed, d.IOPS)
		f.add(!slices.Contains(transports, d.Transport), "%s: disks[%d]: transport %q: use one of %v", at, i, d.Transport, transports)
		unique(f, seen, at, "disk serial", d.Serial)
	}
	f.add(len(s.DIMMs) > 64, "%s: %d dimms: at most 64", at, len(s.DIMMs))
	f.add(len(s.DIMMs) > 0 && s.installed() != s.MemoryMiB, "%s: memory_mib %d: the dimms have %d", at, s.MemoryMiB, s.installed())
	for i, d := range s.DIMMs {
		for _, t := range []struct{ key, value string }{{"slot", d.Slot}, {"part", d.Part}, {"serial", d.Serial}} {
			f.add((t.value != "" || t.key == "slot") && !plain.MatchString(t.value), "%s: dimms[%d]: %s %q: use 1 to 63 letters, digits, blanks, dots and hyphens", at, i, t.key, t.value)
		}
		f.add(d.SizeMiB < 0 || d.SizeMiB > 1<<20, "%s: dimms[%d]: size_mib %d: use 1 or more, 0 for an empty slot", at, i, d.SizeMiB)
		unique(f, seen, at, "slot of "+s.Name, d.Slot)
		unique(f, seen, at, "dimm serial", d.Serial)
	}
	f.add(s.FirmwareVersion != "" && !plain.MatchString(s.FirmwareVersion), "%s: firmware_version %q: use letters, digits, dots and hyphens", at, s.FirmwareVersion)
	f.add(len(s.NICs) > 8, "%s: %d nics: at most 8", at, len(s.NICs))
	for i, n := range s.NICs {
		mac, err := net.ParseMAC(n.MAC)
		f.add(err != nil || len(mac) != 6 || mac[0]&1 != 0, "%s: nics[%d]: mac %q: not an address of one card", at, i, n.MAC)
		f.add(len(n.Switch) > 255 || len(n.Port) > 255, "%s: nics[%d]: switch and port have at most 255 bytes", at, i)
		f.add(n.Switch != "" && n.Port == "", "%s: nics[%d]: port of switch %s is missing", at, i, n.Switch)
		unique(f, seen, at, "mac", n.MAC)
	}
}

func (b BMC) validate(f *faults, at string, rack Spec, seen map[string]string) {
	f.add(b.Protocol != IPMI && b.Protocol != Redfish, "%s: bmc: protocol %q: use ipmi or redfish", at, b.Protocol)
	f.add(!rack.Management.Contains(b.Address), "%s: bmc: address %s is not in management %s", at, b.Address, rack.Management)
	f.add(b.Address == rack.ManagementHostAddr(), "%s: bmc: address %s is the host's", at, b.Address)
	f.add(!user.MatchString(b.User), "%s: bmc: user %q: use 1 to 16 letters, digits, dots and hyphens", at, b.User)
	f.add(!password.MatchString(b.Password.Reveal()), "%s: bmc: password: use 1 to 16 printable characters without blank, quote and backslash", at)
	mac, err := net.ParseMAC(b.MAC)
	f.add(err != nil || len(mac) != 6, "%s: bmc: mac %q: not an address", at, b.MAC)
	f.add(len(b.Switch) > 255 || len(b.Port) > 255, "%s: bmc: switch and port have at most 255 bytes", at)
	f.add((b.Switch == "") != (b.Port == ""), "%s: bmc: switch %q, port %q: give both or none", at, b.Switch, b.Port)
	f.add(b.Switch != "" && b.Protocol != Redfish, "%s: bmc: switch %s: only a BMC with redfish tells what it hears", at, b.Switch)
	unique(f, seen, at, "bmc address", b.Address.String())
	unique(f, seen, at, "mac", b.MAC)
}
