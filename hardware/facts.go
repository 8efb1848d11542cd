// Package hardware describes a server as it was measured: what is in the box, and where.
// The agent fills it, the wire carries it, the inventory keeps it and matches on it. It knows nothing of
// any of them and imports the standard library only. Facts come from a machine that nobody has vouched
// for: they are data, and never reach a shell, a template that executes, or a page unescaped.
package hardware

import "time"

// Facts is everything the agent saw of one server at one time.
type Facts struct {
	System   System      `json:"system"`
	Firmware Firmware    `json:"firmware"`
	CPUs     []CPU       `json:"cpus,omitempty"`
	Memory   Memory      `json:"memory"`
	Disks    []Disk      `json:"disks,omitempty"`
	Drives   []Drive     `json:"drives,omitempty"` // behind RAID controllers; nil when there are none or nothing can be known of them
	NICs     []NIC       `json:"nics,omitempty"`
	PCI      []PCIDevice `json:"pci,omitempty"`
	PSUs     []PSU       `json:"psus,omitempty"` // as the firmware lists them, or else the BMC; nil when neither does, as with blades
	BMC      *BMC        `json:"bmc,omitempty"`  // nil when no in-band interface answered
	TPM      *TPM        `json:"tpm,omitempty"`  // nil when there is none
	Kernel   string      `json:"kernel,omitempty"`
	// Problems lists what could not be read, in plain words: a fact that is missing is not a fact that is zero.
	Problems []string `json:"problems,omitempty"`
}

// System is the identity that the firmware reports (SMBIOS types 1, 2 and 3, DSP0134).
type System struct {
	Manufacturer  string `json:"manufacturer,omitempty"`
	Product       string `json:"product,omitempty"`
	SKU           string `json:"sku,omitempty"`
	Serial        string `json:"serial,omitempty"`
	UUID          string `json:"uuid,omitempty"` // lower case, RFC 4122 text
	BoardSerial   string `json:"board_serial,omitempty"`
	ChassisSerial string `json:"chassis_serial,omitempty"`
	AssetTag      string `json:"asset_tag,omitempty"`
}

// Firmware is how the server booted and with what.
type Firmware struct {
	Mode       string `json:"mode"` // "bios" or "uefi"
	Vendor     string `json:"vendor,omitempty"`
	Version    string `json:"version,omitempty"`
	Date       string `json:"date,omitempty"`
	SecureBoot bool   `json:"secure_boot,omitempty"`
}

// CPU is one socket.
type CPU struct {
	Socket  int      `json:"socket"`
	Vendor  string   `json:"vendor,omitempty"`
	Model   string   `json:"model"`
	Cores   int      `json:"cores"`
	Threads int      `json:"threads"`
	MHz     int      `json:"mhz,omitempty"`
	Flags   []string `json:"flags,omitempty"` // as in /proc/cpuinfo; "vmx" or "svm" says it can host guests
}

// Memory is the whole and its modules.
type Memory struct {
	TotalBytes uint64 `json:"total_bytes"` // usable by the kernel
	DIMMs      []DIMM `json:"dimms,omitempty"`
}

// DIMM is one memory slot (SMBIOS type 17); SizeBytes is 0 when it is empty.
type DIMM struct {
	Locator    string `json:"locator"`
	SizeBytes  uint64 `json:"size_bytes"`
	Type       string `json:"type,omitempty"`
	SpeedMTs   int    `json:"speed_mts,omitempty"`
	Vendor     string `json:"vendor,omitempty"`
	PartNumber string `json:"part_number,omitempty"`
	Serial     string `json:"serial,omitempty"`
}

// Disk is one block device that could hold an operating system or data.
type Disk struct {
	Name       string `json:"name"` // kernel name in the ramdisk, e.g. "sda"; not stable, never used to address a disk
	Serial     string `json:"serial,omitempty"`
	WWN        string `json:"wwn,omitempty"`
	Model      string `json:"model,omitempty"`
	Vendor     string `json:"vendor,omitempty"`
	SizeBytes  uint64 `json:"size_bytes"`
	BlockSize  int    `json:"block_size,omitempty"` // logical, bytes
	Rotational bool   `json:"rotational"`
	Transport  string `json:"transport,omitempty"` // "nvme", "sata", "sas", "virtio", "usb", …
	Removable  bool   `json:"removable,omitempty"`
	ReadOnly   bool   `json:"read_only,omitempty"`
	Path       string `json:"path,omitempty"` // PCI or controller path, for people
	Firmware   string `json:"firmware,omitempty"`
	// Contents says what a probe of the disk's signatures found ("empty", "gpt", "ext4", "lvm"…).
	Contents string `json:"contents,omitempty"`
}

// Writable tells whether this is a disk of the server itself that can be written to and known again.
func (d *Disk) Writable() bool {
	return d.Serial != "" && !d.Removable && !d.ReadOnly && d.SizeBytes > 0
}

// Drive is one physical drive behind a RAID controller: the kernel sees only volumes on it.
type Drive struct {
	Controller string `json:"controller,omitempty"` // as its maker counts: "slot 0"
	Bay        string `json:"bay"`                  // "1I:1:2"
	Transport  string `json:"transport,omitempty"`  // "sas", "sata", "nvme"
	Vendor     string `json:"vendor,omitempty"`
	Model      string `json:"model,omitempty"`
	Serial     string `json:"serial,omitempty"`
	Firmware   string `json:"firmware,omitempty"`
	SizeBytes  uint64 `json:"size_bytes"`
}

// NIC is one network interface of the hardware.
type NIC struct {
	Name      string     `json:"name"`
	MAC       string     `json:"mac"` // permanent address, lower case with colons
	Driver    string     `json:"driver,omitempty"`
	PCI       string     `json:"pci,omitempty"`
	Link      bool       `json:"link"`
	SpeedMbps int        `json:"speed_mbps,omitempty"`
	Boot      bool       `json:"boot,omitempty"` // this one got the ramdisk its address
	Addresses []string   `json:"addresses,omitempty"`
	LLDP      []Neighbor `json:"lldp,omitempty"`
	// Listened is for how long LLDP has been listened for since the link came up, in seconds; 0 when it is not known.
	Listened int `json:"listened_s,omitempty"`
	// HeardAt is since when Link and LLDP are so, by the server's clock; zero when it is not known.
	HeardAt time.Time `json:"heard_at,omitzero"`
}

// Neighbor is what a switch says of itself and of the port (IEEE 802.1AB).
type Neighbor struct {
	ChassisID  string `json:"chassis_id"`
	PortID     string `json:"port_id"`
	PortDesc   string `json:"port_desc,omitempty"`
	SystemName string `json:"system_name,omitempty"`
	TTL        int    `json:"ttl_s,omitempty"` // seconds
}

// PCIDevice is one function on the bus; identifiers are lower-case hexadecimal without 0x.
type PCIDevice struct {
	Address   string `json:"address"`
	Class     string `json:"class"`
	Vendor    string `json:"vendor"`
	Device    string `json:"device"`
	SubVendor string `json:"sub_vendor,omitempty"`
	SubDevice string `json:"sub_device,omitempty"`
	Driver    string `json:"driver,omitempty"`
}

// BMC is the management controller as it is seen from inside the server.
type BMC struct {
	Address  string       `json:"address,omitempty"`
	MAC      string       `json:"mac,omitempty"`
	Source   string       `json:"source,omitempty"`  // of the address: "static", "dhcp", "bios", "other"
	VLAN     int          `json:"vlan,omitempty"`    // 0: none
	Channel  int          `json:"channel,omitempty"` // of the network, as IPMI numbers them; 0: none was found
	GUID     string       `json:"guid,omitempty"`    // hexadecimal, in the order in which it was sent: makers differ in it
	Vendor   string       `json:"vendor,omitempty"`
	Version  string       `json:"version,omitempty"`
	Accounts []BMCAccount `json:"accounts,omitempty"`
}

// BMCAccount is a user of the management controller, as far as the network's channel is concerned.
type BMCAccount struct {
	ID      int    `json:"id"`
	Name    string `json:"name"`
	Admin   bool   `json:"admin,omitempty"`
	Enabled bool   `json:"enabled,omitempty"`
}

// TPM is the trusted platform module's family, "1.2" or "2.0".
type TPM struct {
	Version string `json:"version"`
}

// MACs lists the permanent addresses of all interfaces.
func (f Facts) MACs() []string {
	macs := make([]string, 0, len(f.NICs))
	for _, n := range f.NICs {
		if n.MAC != "" {
			macs = append(macs, n.MAC)
		}
	}
	return macs
}
