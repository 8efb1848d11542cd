package redfish

import (
	"fmt"
	"slices"
	"time"
)

// Shape is what controllers of one model have in common: names, places, hardware and habits. It is data; New may be
// given one that a test has made of another.
type Shape struct {
	Name            string // by which ShapeByName finds it
	Vendor, Product string // of the service root
	RedfishVersion  string
	ManagerMaker    string
	ManagerModel    string
	SystemMaker     string // empty: what the machine says of itself
	SystemModel     string // the same
	System          string // id of the one system
	Manager         string // id of the one manager
	Chassis         string // id of the one chassis
	LogOwner        string // "Managers" or "Systems": who has the event log
	Log             string // id of the event log
	FirstAccount    int    // number of the first account
	Policy          Policy // of passwords, until a client changes it
	Sessions        int    // how many there may be at a time
	Firmware        []Firmware
	Hardware        Hardware
	Bios            []Attribute
	Quirks          Quirks
}

// Quirks are the habits in which models differ, most of them seen in the field.
type Quirks struct {
	PatchNoContent    bool   // answers changes with 204, not with the resource
	ActionSuccessBody bool   // answers actions with 200 and a message, not with 204
	NeedsIfMatch      bool   // refuses changes without If-Match (428)
	AccountSlots      int    // accounts are places that are filled by PATCH, and POST is refused; 0: no
	BootTargetOnly    bool   // refuses a boot override that names the mode (bmclib issue 318: HPE)
	BootWhole         bool   // refuses one that does not name target, enabled and mode (the same issue: ASRockRack)
	BootInSettings    bool   // the boot override is at the system's settings resource (iDRAC-Redfish-Scripting issue 324: iDRAC 10)
	BootModeJob       bool   // an override for once that names the mode makes a BIOS job, and the server boots twice (metal-operator issue 81: iDRAC 9)
	JobQueue          bool   // the manager lists its jobs, and one that waits blocks further changes until it is deleted (quads issue 726: iDRAC 9)
	BiosNeedsJob      bool   // settings wait for nothing unless the time to apply them is said, which makes a job; then no others are taken (iDRAC-Redfish-Scripting issues 84, 249)
	BiosWhole         bool   // the settings resource shows all settings as they will be, not only those that wait (HPE)
	DrivesAtTop       bool   // takes the drives of a new volume at the top of the request, not in Links (baremetal-operator issue 2720: iDRAC)
	NoKeyDatabases    bool   // does not show the keys of Secure Boot (schema SecureBoot before 1.1)
	PowerConflict     bool   // 409 for a power change to what is so already (Launchpad 2162995: iDRAC 10)
	NoEventStream     bool   // events are posted only, and not streamed: server-sent events came in 2017 (schema EventService 1.1)
	EventKindsNeeded  bool   // a subscription has to say which kinds of events it is for, as before 2018 (schema EventDestination 1.3)
	NoInsertMedia     bool   // virtual media has no action to insert (community.general issue 3423: Supermicro)
	MediaImageOnly    bool   // refuses to be told more of a medium than its image (bmclib, redfishwrapper SetVirtualMedia: X11SDV)
	MediaAtSystem     bool   // virtual media is the system's and not the manager's (bmclib, redfishwrapper getVirtualMedia: iDRAC)
	PushFirmware      string // firmware is not fetched but pushed: "multipart" or "raw" (DSP0266); empty: fetched
}

// Policy is the account service's.
type Policy struct {
	MinLength, MaxLength int           // of passwords, in bytes
	LockThreshold        int           // wrong logins that lock an account; 0: never
	LockFor              time.Duration // 0: until an administrator unlocks it
	ResetAfter           time.Duration // wrong logins older than this count no more; 0: they always count
}

// Firmware is one entry of the firmware inventory.
type Firmware struct {
	ID, Name, Version string
	Fixed             bool // cannot be updated
}

// Ids of firmware that every shape has.
const (
	FirmwareBMC  = "BMC"
	FirmwareBIOS = "BIOS"
)

// Hardware is what the chassis is made of.
type Hardware struct {
	PowerSupplies int
	SupplyWatts   int // of each
	IdleWatts     int // drawn by the server when it is on
	Fans          int
	Temperatures  []Temperature
	Drives        []Drive
}

// Temperature is a sensor, in degrees Celsius.
type Temperature struct {
	Name           string
	Usual          float64 // when the server is on
	Caution, Fatal float64
}

// Drive is one behind the storage controller.
type Drive struct {
	ID, Model, Media, Protocol string
	Bytes                      int64
}

// Attribute is a setting of the BIOS.
type Attribute struct {
	Name    string
	Default any      // string or int
	Values  []string // allowed; none: any of the type of Default
	Least   int      // of a number
	Most    int      // of a number, or the length of a text; 0: no bound
	// ReadOnly ones tell something, and cannot be set.
	ReadOnly bool
}

// Shapes are the names of all shapes there are.
func Shapes() []string {
	var all []string
	for _, s := range shapes {
		all = append(all, s.Name)
	}
	return all
}

// ShapeByName returns a copy of a shape, for Options or to change it first.
func ShapeByName(name string) (*Shape, error) {
	i := slices.IndexFunc(shapes, func(s *Shape) bool { return s.Name == name })
	if i < 0 {
		return nil, fmt.Errorf("BMC model %q: use one of %v", name, Shapes())
	}
	c := *shapes[i]
	return &c, nil
}
