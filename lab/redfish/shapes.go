package redfish

import "time"

// shapes are all shapes; nobody changes them.
var shapes = []*Shape{generic, idrac9, idrac10, ilo5, x11}

var generic = &Shape{
	Name: "generic", Vendor: "Socle", Product: "Socle virtual rack", RedfishVersion: "1.15.0",
	ManagerMaker: "Socle", ManagerModel: "Virtual BMC",
	System: "1", Manager: "1", Chassis: "1", LogOwner: "Systems", Log: "SEL", FirstAccount: 1, Sessions: 16,
	Policy:   Policy{MinLength: 8, MaxLength: 40},
	Firmware: []Firmware{{ID: FirmwareBMC, Name: "BMC", Version: "1.0.0"}, {ID: FirmwareBIOS, Name: "System firmware", Version: "1.0.0"}, {ID: "NIC1", Name: "Network card", Version: "22.31.6"}},
	Hardware: hardware(2, 800, 4), Bios: biosAttributes,
}

// idrac9 is like Dell's iDRAC 9.
var idrac9 = &Shape{
	Name: "idrac9", Vendor: "Dell", Product: "Integrated Dell Remote Access Controller", RedfishVersion: "1.11.0",
	ManagerMaker: "Dell Inc.", ManagerModel: "14G Monolithic", SystemMaker: "Dell Inc.", SystemModel: "PowerEdge R640",
	System: "System.Embedded.1", Manager: "iDRAC.Embedded.1", Chassis: "System.Embedded.1", LogOwner: "Managers", Log: "Sel", FirstAccount: 2, Sessions: 8,
	Policy:   Policy{MinLength: 1, MaxLength: 40},
	Firmware: []Firmware{{ID: FirmwareBMC, Name: "Integrated Dell Remote Access Controller", Version: "5.10.50.00"}, {ID: FirmwareBIOS, Name: "BIOS", Version: "2.14.2"}, {ID: "NIC1", Name: "Broadcom Gigabit Ethernet BCM5720", Version: "21.80.9"}, {ID: "CPLD", Name: "System CPLD", Version: "1.0.6", Fixed: true}},
	Hardware: hardware(2, 750, 8), Bios: biosAttributes,
	Quirks: Quirks{AccountSlots: 16, BootModeJob: true, JobQueue: true, BiosNeedsJob: true, PowerConflict: true},
}

// idrac10 is like Dell's iDRAC 10, which has moved the boot override.
var idrac10 = &Shape{
	Name: "idrac10", Vendor: "Dell", Product: "Integrated Dell Remote Access Controller", RedfishVersion: "1.20.1",
	ManagerMaker: "Dell Inc.", ManagerModel: "17G Monolithic", SystemMaker: "Dell Inc.", SystemModel: "PowerEdge R670",
	System: "System.Embedded.1", Manager: "iDRAC.Embedded.1", Chassis: "System.Embedded.1", LogOwner: "Managers", Log: "Sel", FirstAccount: 2, Sessions: 8,
	Policy:   Policy{MinLength: 1, MaxLength: 40},
	Firmware: []Firmware{{ID: FirmwareBMC, Name: "Integrated Dell Remote Access Controller", Version: "1.20.50.50"}, {ID: FirmwareBIOS, Name: "BIOS", Version: "1.2.6"}},
	Hardware: hardware(2, 1100, 8), Bios: biosAttributes,
	Quirks: Quirks{AccountSlots: 16, BootInSettings: true, BiosNeedsJob: true, DrivesAtTop: true, PowerConflict: true, MediaAtSystem: true},
}

// ilo5 is like HPE's iLO 5.
var ilo5 = &Shape{
	Name: "ilo5", Vendor: "HPE", Product: "ProLiant DL360 Gen10", RedfishVersion: "1.6.0",
	ManagerMaker: "HPE", ManagerModel: "iLO 5", SystemMaker: "HPE", SystemModel: "ProLiant DL360 Gen10",
	System: "1", Manager: "1", Chassis: "1", LogOwner: "Systems", Log: "IML", FirstAccount: 1, Sessions: 12,
	Policy:   Policy{MinLength: 8, MaxLength: 39},
	Firmware: []Firmware{{ID: FirmwareBMC, Name: "iLO 5", Version: "2.44"}, {ID: FirmwareBIOS, Name: "System ROM", Version: "U32 v2.42"}, {ID: "SPS", Name: "Server Platform Services (SPS) Firmware", Version: "4.1.4.339", Fixed: true}},
	Hardware: hardware(2, 500, 7), Bios: biosAttributes,
	Quirks: Quirks{BootTargetOnly: true, BiosWhole: true, ActionSuccessBody: true, NoEventStream: true},
}

// x11 is like the controllers of Supermicro's X11 boards.
var x11 = &Shape{
	Name: "x11", Vendor: "Supermicro", Product: "", RedfishVersion: "1.0.1",
	ManagerMaker: "Supermicro", ManagerModel: "ASPEED", SystemMaker: "Supermicro", SystemModel: "SYS-1029P",
	System: "1", Manager: "1", Chassis: "1", LogOwner: "Managers", Log: "Log1", FirstAccount: 2, Sessions: 16,
	Policy:   Policy{MinLength: 8, MaxLength: 20, LockThreshold: 3, LockFor: time.Minute, ResetAfter: time.Minute},
	Firmware: []Firmware{{ID: FirmwareBMC, Name: "BMC", Version: "1.73.06"}, {ID: FirmwareBIOS, Name: "BIOS", Version: "3.4"}},
	Hardware: hardware(2, 750, 6), Bios: biosAttributes,
	Quirks: Quirks{ActionSuccessBody: true, NoInsertMedia: true, MediaImageOnly: true, BootWhole: true, NoEventStream: true, EventKindsNeeded: true, NoKeyDatabases: true},
}

// hardware is that of a usual server of one rack unit.
func hardware(supplies, watts, fans int) Hardware {
	return Hardware{
		PowerSupplies: supplies, SupplyWatts: watts, IdleWatts: 140, Fans: fans,
		Temperatures: []Temperature{{"Inlet", 23, 42, 47}, {"CPU1", 48, 90, 100}, {"CPU2", 46, 90, 100}, {"Exhaust", 34, 70, 75}},
		Drives: []Drive{
			{"Disk0", "SOCLE-SSD", "SSD", "SATA", 480_103_981_056}, {"Disk1", "SOCLE-SSD", "SSD", "SATA", 480_103_981_056},
			{"Disk2", "SOCLE-HDD", "HDD", "SAS", 1_200_243_695_616}, {"Disk3", "SOCLE-HDD", "HDD", "SAS", 1_200_243_695_616},
		},
	}
}

// biosAttributes are settings that roles of servers care for.
var biosAttributes = []Attribute{
	{Name: "BootMode", Default: "Uefi", Values: []string{"Uefi", "Bios"}},
	{Name: "LogicalProc", Default: "Enabled", Values: []string{"Enabled", "Disabled"}},
	{Name: "ProcVirtualization", Default: "Disabled", Values: []string{"Enabled", "Disabled"}},
	{Name: "SriovGlobalEnable", Default: "Disabled", Values: []string{"Enabled", "Disabled"}},
	{Name: "SysProfile", Default: "PerfPerWattOptimizedDapc", Values: []string{"PerfPerWattOptimizedDapc", "PerfOptimized", "Custom"}},
	{Name: "AcPwrRcvry", Default: "Last", Values: []string{"Last", "On", "Off"}},
	{Name: "SerialComm", Default: "OnConRedir", Values: []string{"OnConRedir", "OnNoConRedir", "Off"}},
	{Name: "AssetTag", Default: "", Most: 63},
	{Name: "AcPwrRcvryDelay", Default: 60, Least: 60, Most: 240},
	{Name: "SystemMemoryModel", Default: "DDR4", ReadOnly: true},
}
