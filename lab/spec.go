package lab

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"

	"gopkg.in/yaml.v3"

	"socle/internal/secret"
)

// Spec describes a whole rack. It is loaded from YAML by Load; Default is the rack of the demonstration.
type Spec struct {
	// Name tells racks on one host apart: it is part of the names of the namespace and of the host's interface.
	Name string `yaml:"name"`
	// Provisioning is the network on which the servers boot, an IPv4 /24; the host has its first address.
	Provisioning netip.Prefix `yaml:"provisioning"`
	// Management is the network of the BMCs, an IPv4 /24; the host has its first address.
	Management netip.Prefix `yaml:"management"`
	// Accel is "tcg" (default), "kvm", or "auto": KVM if a trial guest really runs on it.
	Accel string `yaml:"accel,omitempty"`
	// HTTPSCA is a file with the certificates, in PEM, that servers with "boot: https" trust; it is read at each power-on.
	HTTPSCA string `yaml:"https_ca,omitempty"`
	// Servers of the rack.
	Servers []Server `yaml:"servers"`
}

// Server is one machine of the rack.
type Server struct {
	Name         string `yaml:"name"`
	Serial       string `yaml:"serial"`
	UUID         string `yaml:"uuid,omitempty"` // made from the names when absent
	Manufacturer string `yaml:"manufacturer,omitempty"`
	Product      string `yaml:"product,omitempty"`
	// Arch is "amd64" (also when absent), or "arm64": UEFI and Redfish only, always emulated.
	Arch       string   `yaml:"arch,omitempty"`
	Firmware   Firmware `yaml:"firmware"`
	SecureBoot bool     `yaml:"secure_boot,omitempty"` // the firmware runs only what Microsoft or Debian signed
	Boot       NetBoot  `yaml:"boot,omitempty"`        // from the network: "pxe" (default), "pxe4", "http" or "https"
	CPUs       int      `yaml:"cpus"`
	MemoryMiB  int      `yaml:"memory_mib"` // may be left out with dimms, whose sum it is
	DIMMs      []DIMM   `yaml:"dimms,omitempty"`
	// FirmwareVersion is what the firmware says of itself; empty: what it says by itself.
	FirmwareVersion string `yaml:"firmware_version,omitempty"`
	Disks           []Disk `yaml:"disks"`
	NICs            []NIC  `yaml:"nics"`
	BMC             BMC    `yaml:"bmc"`
	// Medium is the file of a CD image that lies in the drive; it may be written after the rack is up. Such a server
	// boots from it where others boot from the network, and never from the network.
	Medium string `yaml:"medium,omitempty"`
	Rack   string `yaml:"rack,omitempty"`
	U      int    `yaml:"u,omitempty"` // from the bottom
	// Stray keeps the server out of the manifest: nobody has announced it.
	Stray bool `yaml:"stray,omitempty"`
}

// Firmware is what the server boots with.
type Firmware string

// The firmwares.
const (
	BIOS Firmware = "bios" // SeaBIOS, with iPXE in the network card's ROM
	UEFI Firmware = "uefi" // OVMF, with its own network stack
)

// Disk is one drive; its file is made once and sparse.
type Disk struct {
	Serial    string `yaml:"serial"`
	SizeMiB   int64  `yaml:"size_mib"`
	Transport string `yaml:"transport,omitempty"` // "virtio" (default), "sata", "scsi" or "nvme"
	// Speed in MiB/s and requests a second in IOPS bound the disk, so that those of one kind are alike; 0: no bound.
	Speed int `yaml:"speed_mib_s,omitempty"`
	IOPS  int `yaml:"iops,omitempty"`
}

// NIC is one network card and the switch port that it is plugged into.
type NIC struct {
	MAC    string `yaml:"mac,omitempty"`    // made from the names when absent
	Switch string `yaml:"switch,omitempty"` // system name that LLDP tells; empty: the port is silent
	Port   string `yaml:"port,omitempty"`   // port id that LLDP tells, e.g. "swp1"
}

// BMC is the server's management controller.
type BMC struct {
	Protocol Protocol   `yaml:"protocol"`
	Address  netip.Addr `yaml:"address"`
	User     string     `yaml:"user"`
	Password Password   `yaml:"password"`
	MAC      string     `yaml:"mac,omitempty"` // made from the names when absent
	// Switch and Port are what the controller's own port hears by LLDP, and tells by Redfish; empty: nothing.
	Switch string `yaml:"switch,omitempty"`
	Port   string `yaml:"port,omitempty"`
}

// Protocol is what a BMC speaks.
type Protocol string

// The protocols.
const (
	IPMI    Protocol = "ipmi"    // UDP port 623, by ipmi_sim
	Redfish Protocol = "redfish" // HTTPS port 443, by package lab/redfish
)

// Password is a secret that can be read from YAML and never shows itself.
type Password struct{ secret.Secret }

// UnmarshalYAML implements yaml.Unmarshaler.
func (p *Password) UnmarshalYAML(node *yaml.Node) error {
	var text string
	if err := node.Decode(&text); err != nil {
		return err
	}
	p.Secret = secret.New(text)
	return nil
}

// maxSpecBytes bounds a specification file.
const maxSpecBytes = 1 << 20

// Load reads a specification from a YAML file; unknown keys are errors, and all faults are told at once.
func Load(path string) (Spec, error) {
	f, err := os.Open(path)
	if err != nil {
		return Spec{}, fmt.Errorf("opening rack specification: %w", err)
	}
	defer func() { _ = f.Close() }()
	spec, err := Parse(f)
	if err != nil {
		return Spec{}, fmt.Errorf("reading rack specification %s: %w", path, err)
	}
	return spec, nil
}

// Parse reads a specification in YAML, completes and validates it.
func Parse(r io.Reader) (Spec, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxSpecBytes+1))
	if err != nil {
		return Spec{}, err
	}
	if len(text) > maxSpecBytes {
		return Spec{}, fmt.Errorf("larger than %d bytes", maxSpecBytes)
	}
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	var s Spec
	if err := dec.Decode(&s); err != nil {
		if errors.Is(err, io.EOF) {
			return Spec{}, errors.New("it is empty")
		}
		return Spec{}, err
	}
	s = s.Complete()
	return s, s.Validate()
}

// Default is the rack of the demonstration: a hypervisor with BIOS and IPMI, a storage node with UEFI and Redfish,
// and a server that nobody announced.
func Default() Spec {
	return Spec{
		Name:         "demo",
		Provisioning: netip.MustParsePrefix("198.18.0.0/24"),
		Management:   netip.MustParsePrefix("198.18.1.0/24"),
		Servers: []Server{
			{
				Name: "hv01", Serial: "SCL-HV-0001", Product: "Lab H1", Firmware: BIOS, CPUs: 2, MemoryMiB: 3072,
				Rack: "r01", U: 10,
				Disks: []Disk{{Serial: "HV01-SYS", SizeMiB: 12 << 10}},
				NICs:  []NIC{{Switch: "leaf-a", Port: "swp1"}},
				BMC:   BMC{Protocol: IPMI, User: "admin", Password: Password{secret.New("hv01-lab-secret")}},
			},
			{
				Name: "st01", Serial: "SCL-ST-0001", Product: "Lab S1", Firmware: UEFI, CPUs: 2, MemoryMiB: 2048,
				Rack: "r01", U: 12,
				Disks: []Disk{
					{Serial: "ST01-SYS", SizeMiB: 8 << 10},
					{Serial: "ST01-D1", SizeMiB: 2 << 10, Transport: "sata"},
					{Serial: "ST01-D2", SizeMiB: 2 << 10, Transport: "sata"},
					{Serial: "ST01-D3", SizeMiB: 2 << 10, Transport: "sata"},
					{Serial: "ST01-D4", SizeMiB: 2 << 10, Transport: "sata"},
				},
				NICs: []NIC{{Switch: "leaf-b", Port: "swp1"}},
				BMC:  BMC{Protocol: Redfish, User: "root", Password: Password{secret.New("st01-lab-secret")}},
			},
			{
				Name: "stray", Serial: "SCL-XX-0042", Product: "Lab X1", Firmware: UEFI, CPUs: 1, MemoryMiB: 1024,
				Rack: "r01", U: 20, Stray: true,
				Disks: []Disk{{Serial: "STRAY-1", SizeMiB: 4 << 10}},
				NICs:  []NIC{{Switch: "leaf-b", Port: "swp9"}},
				BMC:   BMC{Protocol: Redfish, User: "root", Password: Password{secret.New("stray-lab-secret")}},
			},
		},
	}.Complete()
}

// Move puts the rack on another pair of networks: prefix for provisioning and the /24 behind it for management;
// BMCs keep their last byte.
func (s Spec) Move(prefix netip.Prefix) (Spec, error) {
	if !prefix.Addr().Is4() || prefix.Bits() != 24 {
		return s, fmt.Errorf("subnet %s: give an IPv4 /24, for example 198.18.2.0/24", prefix)
	}
	base := prefix.Masked().Addr().As4()
	if base[2] == 255 {
		return s, fmt.Errorf("subnet %s: the /24 behind it, for the BMCs, would leave the range", prefix)
	}
	s.Provisioning = prefix.Masked()
	base[2]++
	s.Management = netip.PrefixFrom(netip.AddrFrom4(base), 24)
	s.Servers = append([]Server(nil), s.Servers...)
	for i, srv := range s.Servers {
		if srv.BMC.Address.Is4() {
			base[3] = srv.BMC.Address.As4()[3]
			s.Servers[i].BMC.Address = netip.AddrFrom4(base)
		}
	}
	return s, nil
}

// Rename gives the rack another name. Identities that were made from the old name stay.
func (s Spec) Rename(name string) Spec {
	s.Name = name
	return s
}

// Server finds a server by its name.
func (s Spec) Server(name string) (Server, bool) {
	for _, srv := range s.Servers {
		if srv.Name == name {
			return srv, true
		}
	}
	return Server{}, false
}

// HostAddr is the host's address on the provisioning network.
func (s Spec) HostAddr() netip.Addr { return s.Provisioning.Masked().Addr().Next() }

// ManagementHostAddr is the host's address on the BMCs' network.
func (s Spec) ManagementHostAddr() netip.Addr { return s.Management.Masked().Addr().Next() }

// Interface is the name of the host's interface to the rack; the namespace has the same name.
func (s Spec) Interface() string { return InterfaceName(s.Name) }

// InterfaceName is the name of the namespace and of the host's interface of a rack.
func InterfaceName(lab string) string { return "socle-" + lab }
