package webtest

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"time"

	"socle/api"
	"socle/hardware"
	"socle/inventory"
)

// Roles are those of the demo.
func Roles() []inventory.Role {
	yes := true
	return []inventory.Role{
		{Name: "hypervisor", Image: "hypervisor", Priority: 10, Verify: "libvirt", Match: inventory.Conditions{MinDisks: 1, MaxDisks: 2}, SystemDisk: inventory.DiskRule{MinBytes: 4 << 30}},
		{Name: "storage", Image: "storage", Priority: 20, Verify: "swift", Match: inventory.Conditions{MinDisks: 4}, SystemDisk: inventory.DiskRule{MinBytes: 4 << 30}, DataDisks: &inventory.DiskRule{MinCount: 2, Label: "d", Rotational: &yes}},
	}
}

// Subnets are those of the demo.
func Subnets() []inventory.Subnet {
	return []inventory.Subnet{{
		Name: "provisioning", Interface: "socle-demo", Prefix: netip.MustParsePrefix("198.18.0.0/24"), Gateway: netip.MustParseAddr("198.18.0.1"),
		PoolFirst: netip.MustParseAddr("198.18.0.100"), PoolLast: netip.MustParseAddr("198.18.0.199"), LeaseTime: time.Hour,
	}}
}

// Facts are those of a server in the middle of its life.
func Facts(serial, product string, disks int, mac string) *hardware.Facts {
	f := &hardware.Facts{
		System:   hardware.System{Manufacturer: "Supermicro", Product: product, Serial: serial, UUID: "0c6b1f2e-7c11-4e0c-9d2b-6d3a5ac3f001"},
		Firmware: hardware.Firmware{Mode: "uefi", Vendor: "American Megatrends", Version: "3.4", Date: "2026-04-02", SecureBoot: true},
		CPUs: []hardware.CPU{
			{Socket: 0, Vendor: "GenuineIntel", Model: "Xeon Gold 6430", Cores: 32, Threads: 64, MHz: 2100, Flags: []string{"vmx", "aes"}},
			{Socket: 1, Vendor: "GenuineIntel", Model: "Xeon Gold 6430", Cores: 32, Threads: 64, MHz: 2100, Flags: []string{"vmx", "aes"}},
		},
		Memory: hardware.Memory{TotalBytes: 512 << 30, DIMMs: []hardware.DIMM{
			{Locator: "P1-DIMMA1", SizeBytes: 64 << 30, Type: "DDR5", SpeedMTs: 4800, Vendor: "Micron", PartNumber: "MTC40F2046", Serial: "3A91C0DE"},
			{Locator: "P1-DIMMA2"},
		}},
		NICs: []hardware.NIC{
			{Name: "eno1", MAC: mac, Driver: "ixgbe", PCI: "0000:01:00.0", Link: true, SpeedMbps: 10000, Boot: true, Addresses: []string{"198.18.0.101/24"},
				LLDP: []hardware.Neighbor{{ChassisID: "44:38:39:00:00:01", PortID: "swp7", PortDesc: "rack r1 u7 eno1", SystemName: "leaf01", TTL: 120}}},
			{Name: "eno2", MAC: "52:54:00:aa:00:99", Driver: "ixgbe", PCI: "0000:01:00.1"},
		},
		PCI:    []hardware.PCIDevice{{Address: "0000:01:00.0", Class: "020000", Vendor: "8086", Device: "1563", Driver: "ixgbe"}},
		BMC:    &hardware.BMC{Address: "198.18.1.11", MAC: "52:54:00:bb:00:01", Vendor: "Supermicro", Version: "1.02"},
		TPM:    &hardware.TPM{Version: "2.0"},
		Kernel: "6.1.0-31-amd64",
	}
	f.Disks = append(f.Disks, hardware.Disk{Name: "nvme0n1", Serial: "S64GNE0R" + serial, Model: "MZ7L3480", Vendor: "Samsung", SizeBytes: 480 << 30, Transport: "nvme", Contents: "gpt"})
	for i := range disks - 1 {
		f.Disks = append(f.Disks, hardware.Disk{Name: fmt.Sprintf("sd%c", 'a'+i), Serial: fmt.Sprintf("ZL2%s%d", serial, i), Model: "ST18000NM", Vendor: "Seagate", SizeBytes: 18 << 40, Rotational: true, Transport: "sas", Contents: "empty"})
	}
	return f
}

// Fill puts a rack of servers into the world, each at another place of the road, with a history.
func (w *World) Fill() {
	now := w.Now()
	ago := func(s int) time.Time { return now.Add(-time.Duration(s) * time.Second) }
	machine := func(name, serial string, u int, state inventory.State, since int) inventory.Machine {
		return inventory.Machine{
			ID: "id-" + name, Name: name, Version: 7, State: state, Since: ago(since), InPlan: true, Power: inventory.PowerOn,
			Identity:  inventory.Identity{Serial: serial, UUID: "0c6b1f2e-7c11-4e0c-9d2b-6d3a5ac3f001", NICMACs: []string{fmt.Sprintf("52:54:00:aa:00:%02x", u)}},
			Place:     inventory.Place{Site: "ams1", Room: "hall 2", Rack: "r1", U: u},
			BMC:       inventory.BMC{Protocol: inventory.Redfish, Address: fmt.Sprintf("198.18.1.%d", 10+u), User: "socle", Seen: ago(40)},
			Address:   netip.AddrFrom4([4]byte{198, 18, 0, byte(100 + u)}),
			CreatedAt: ago(900), SeenAt: ago(2), Boot: inventory.BootRamdisk,
		}
	}
	hv1 := machine("hv01", "SMC-2041-0007", 1, inventory.Active, 200)
	hv1.Role, hv1.Boot, hv1.Facts, hv1.FactsAt = "hypervisor", inventory.BootDisk, Facts("SMC-2041-0007", "SYS-121H-TNR", 2, "52:54:00:aa:00:01"), ago(580)
	hv1.Deployed = inventory.Deployment{
		Image: "sha256:5be1c6b1f80ad5c3f2a6f3f6a1fd4e0f2d75a1f9b7c0a8d2e6b13c9f7a5d4e21", Disk: "S64GNE0RSMC-2041-0007", Written: ago(320), PhonedHome: ago(260), Verified: ago(200),
		Evidence: []string{"libvirt 9.0.0 answered over TLS with QEMU/KVM capabilities", "the test guest printed “socle-guest-ok” on its console after 14.2 s"},
	}
	hv2 := machine("hv02", "SMC-2041-0008", 2, inventory.Deploying, 130)
	hv2.Role, hv2.Step, hv2.Target, hv2.Deadline = "hypervisor", "write-image", inventory.Active, now.Add(80*time.Minute)
	hv2.Facts, hv2.FactsAt = Facts("SMC-2041-0008", "SYS-121H-TNR", 2, "52:54:00:aa:00:02"), ago(160)
	hv3 := machine("hv03", "SMC-2041-0009", 3, inventory.Inspecting, 21)
	hv3.Step, hv3.Target = "boot-ramdisk", inventory.Ready
	hv4 := machine("hv04", "SMC-2041-0010", 4, inventory.Discovered, 300)
	hv4.Fault = &inventory.Fault{Kind: inventory.FaultBMCAuth, Reason: "the BMC at 198.18.1.14 answers and refuses the password of user socle", Remedy: "correct the password in the manifest and import it again, or reset it on the BMC", Since: ago(280), Count: 3, RetryAt: now.Add(4 * time.Minute)}
	hv4.Power, hv4.Address = inventory.PowerUnknown, netip.Addr{}
	st1 := machine("st01", "SMC-6029-0101", 7, inventory.Deploying, 95)
	st1.Role, st1.Step, st1.Target = "storage", "verify", inventory.Active
	st1.Facts, st1.FactsAt = Facts("SMC-6029-0101", "SSG-640SP", 5, "52:54:00:aa:00:07"), ago(400)
	st2 := machine("st02", "SMC-6029-0102", 9, inventory.Ready, 12)
	st2.Role, st2.Facts = "storage", Facts("SMC-6029-0102", "SSG-640SP", 5, "52:54:00:aa:00:09")
	st3 := machine("st03", "SMC-6029-0103", 11, inventory.Expected, 900)
	st3.Power, st3.Address, st3.SeenAt = inventory.PowerOff, netip.Addr{}, time.Time{}
	stray := machine("stray-9f31", "QX-77-9F31", 0, inventory.Discovered, 44)
	stray.InPlan, stray.Place, stray.BMC = false, inventory.Place{}, inventory.BMC{}
	stray.Hold = &inventory.Hold{Reason: "is in no manifest: nothing is done with it until it is in one or somebody releases it", Actor: "provision", Since: ago(44)}
	for _, m := range []inventory.Machine{hv1, hv2, hv3, hv4, st1, st2, st3, stray} {
		w.Put(m)
	}
	w.road(hv1, ago)
	w.road(hv2, ago)
	for _, e := range []inventory.Event{
		{Machine: hv4.ID, Name: "hv04", Actor: "provision", Kind: "fault", Reason: hv4.Fault.Reason, Time: ago(280)},
		{Machine: stray.ID, Name: stray.Name, Actor: "dhcp", Kind: "state", Reason: "seen by DHCP from 52:54:00:0d:9f:31", Time: ago(44), After: json.RawMessage(`{"state":"discovered"}`)},
		{Machine: stray.ID, Name: stray.Name, Actor: "provision", Kind: "hold", Reason: "is in no manifest", Time: ago(44)},
		{Machine: hv3.ID, Name: "hv03", Actor: "provision", Kind: "power", Reason: "powered on through its BMC", Time: ago(20), Before: json.RawMessage(`{"power":"off"}`), After: json.RawMessage(`{"power":"on"}`)},
		{Machine: st2.ID, Name: "st02", Actor: "agent", Kind: "state", Reason: "facts are in and accepted", Time: ago(12), Before: json.RawMessage(`{"state":"inspecting"}`), After: json.RawMessage(`{"state":"ready","role":"storage"}`)},
	} {
		w.Append(e)
	}
	w.fillOrders(hv1, hv2, ago)
	w.AddIndex([]byte(`{"name":"hypervisor"}`), api.Image{Name: "hypervisor", Kind: "disk", Arch: "amd64", Size: 3 << 30, Stored: 312 << 20, Firmware: []string{"bios", "uefi"}})
}

// road is the history of a machine that came from the plan to where it is.
func (w *World) road(m inventory.Machine, ago func(int) time.Time) {
	steps := []struct {
		state  inventory.State
		at     int
		actor  string
		reason string
	}{
		{inventory.Expected, 900, "token:admin", "announced by the manifest, line 2"},
		{inventory.Discovered, 660, "provision", "its BMC answered"},
		{inventory.Inspecting, 655, "provision", "inspect"},
		{inventory.Ready, 580, "agent", "facts are in and accepted"},
		{inventory.Deploying, 579, "provision", "deploy the role hypervisor"},
		{inventory.Active, 200, "provision", "phoned home and role verified"},
	}
	before := ""
	for _, s := range steps {
		at := s.at
		if m.State == inventory.Deploying {
			at = s.at - 449
		}
		w.Append(inventory.Event{
			Machine: m.ID, Name: m.Name, Actor: s.actor, Kind: "state", Reason: s.reason, Time: ago(at),
			Before: json.RawMessage(fmt.Sprintf(`{"state":%q}`, before)), After: json.RawMessage(fmt.Sprintf(`{"state":%q,"version":2}`, s.state)),
		})
		before = string(s.state)
		if s.state == m.State {
			break
		}
	}
}

func (w *World) fillOrders(hv1, hv2 inventory.Machine, ago func(int) time.Time) {
	const total = 3 << 30
	for _, o := range []inventory.Order{
		{ID: "o1", Machine: hv1.ID, Session: "s1", Kind: api.OrderInspect, State: inventory.OrderDone, IssuedAt: ago(600), TakenAt: ago(599), EndedAt: ago(581), Message: "8 of 8 probes answered"},
		{ID: "o2", Machine: hv1.ID, Session: "s1", Kind: api.OrderWriteImage, State: inventory.OrderDone, IssuedAt: ago(560), TakenAt: ago(559), EndedAt: ago(420), Done: total, Total: total, Wire: 312 << 20, Message: "written and read back"},
		{ID: "o3", Machine: hv1.ID, Session: "s1", Kind: api.OrderSeed, State: inventory.OrderDone, IssuedAt: ago(420), TakenAt: ago(419), EndedAt: ago(418)},
		{ID: "o4", Machine: hv1.ID, Session: "s1", Kind: api.OrderReboot, State: inventory.OrderDone, IssuedAt: ago(400), TakenAt: ago(400), EndedAt: ago(399)},
		{ID: "o5", Machine: hv2.ID, Session: "s2", Kind: api.OrderWriteImage, State: inventory.OrderTaken, IssuedAt: ago(52), TakenAt: ago(51), Done: total / 100 * 62, Total: total, Wire: 188 << 20, Message: "chunk 476 of 768"},
	} {
		w.PutOrder(o)
	}
	for i, e := range []inventory.Evidence{
		{Source: "dhcp", Asked: "DISCOVER arch=0 class=PXEClient", Reply: "OFFER 198.18.0.101 file=undionly.kpxe",
			Kind: inventory.SawDiscover, Outcome: inventory.OutOffered, Client: inventory.StageFirmware, Arch: "0", File: "undionly.kpxe"},
		{Source: "tftp", Asked: "RRQ undionly.kpxe blksize=1468", Reply: "sent", Bytes: 72_000,
			Kind: inventory.SawTFTP, Outcome: inventory.OutComplete, File: "undionly.kpxe", Total: 72_000},
		{Source: "http", Asked: "GET /boot/script.ipxe", Reply: "200 ramdisk", Bytes: 812,
			Kind: inventory.SawScript, Outcome: inventory.OutServed, Client: inventory.StageLoader, File: "ramdisk"},
		{Source: "http", Asked: "GET /boot/files/ramdisk/initrd", Reply: "200", Bytes: 21 << 20,
			Kind: inventory.SawFile, Outcome: inventory.OutComplete, File: "ramdisk/initrd", Total: 21 << 20},
		{Source: "agent", Asked: "session", Reply: "hv01", Kind: inventory.SawSession, Outcome: inventory.OutDone, Client: inventory.StageAgent},
	} {
		e.Time, e.Machine, e.MAC = ago(640-6*i), hv1.ID, "52:54:00:aa:00:01"
		w.See(e)
	}
}
