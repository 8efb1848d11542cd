package inventory

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"socle/hardware"
)

// Machine is one server, from the line of a manifest to its retirement.
type Machine struct {
	ID      string // UUID, made by the store, never reused
	Name    string // unique, e.g. "hv01"; of a stray machine made from its serial or MAC
	Version int64  // counts changes; a change is stored only if nobody else made one meanwhile

	State    State
	Since    time.Time // when State was entered
	Target   State     // of a transient state: the stable state it works towards; else empty
	Deadline time.Time // of a transient state; else zero
	Step     string    // of a transient state: the step in progress, e.g. "write-image"; else empty
	Op       *Op       // the power change that is under way or done, of a transient state or for Tuning; else nil
	Medium   *Medium   // the way to the ramdisk by virtual media; nil: by the network
	Fault    *Fault    // nil when all is well
	Hold     *Hold     // nil when Socle may act
	Tuning   *Tuning   // settings of the firmware that wait for a boot; else nil

	// Intent is the stable state that a person wants; Socle works towards it. Empty: stay.
	Intent Intent

	Boot    Boot  // what the next boot shall be
	Power   Power // observed
	PowerAt time.Time
	Wish    PowerWish // how the power is wanted

	Identity Identity
	Place    Place
	BMC      BMC
	Address  netip.Addr // on the provisioning network; zero while unknown

	Role      string // the role that was matched or ordered; empty while unknown
	Deployed  Deployment
	Model     string // what was ordered: the name of the model profile that it is compared with; empty while unknown
	Delivery  string // the delivery that it came, or is to come, with; empty for none
	InPlan    bool   // announced by a manifest; a machine that is not is held
	Facts     *hardware.Facts
	FactsAt   time.Time
	SeenAt    time.Time // last sign of life of any kind
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Intent is what a person wants of a machine.
type Intent struct {
	State State  `json:"state,omitempty"` // Ready, Active or Retired; empty for none
	Role  string `json:"role,omitempty"`  // for Active: this role instead of the matched one
	Actor string `json:"actor,omitempty"`
	Plan  string `json:"plan,omitempty"` // name of the plan by which it is tested on the way; empty: that of its model
	// Serial must equal the machine's serial for the destructive intents; it is what the person confirmed.
	Serial string `json:"serial,omitempty"`
	// Disks are the serial numbers of those that its tests may write to, confirmed together with Serial: for one run, as it ends
	// with the state that it is tested in.
	Disks []string `json:"disks,omitempty"`
}

// Protocol is how a BMC is spoken to.
type Protocol string

// The protocols of BMCs.
const (
	IPMI    Protocol = "ipmi"
	Redfish Protocol = "redfish"
	// PDU and Webhook switch the power of servers that have no BMC, and can do nothing else.
	PDU     Protocol = "pdu"     // outlets of a power distribution unit, over SNMP
	Webhook Protocol = "webhook" // whatever answers at a URL
)

// Protocols lists them.
func Protocols() []Protocol { return []Protocol{IPMI, Redfish, PDU, Webhook} }

// PowerOnly tells whether there is no BMC: only the power can be switched.
func (p Protocol) PowerOnly() bool { return p == PDU || p == Webhook }

// BMC is how to reach a machine's management controller. The password is not here: it is sealed in the
// store, see store.Login.
type BMC struct {
	Protocol Protocol `json:"protocol,omitempty"`
	Address  string   `json:"address,omitempty"` // host or host:port; of a webhook its URL
	// Outlets of a PDU feed the machine: numbers or names.
	Outlets []string `json:"outlets,omitempty"`
	MAC     string   `json:"mac,omitempty"`
	User    string   `json:"user,omitempty"`
	Origin  Origin   `json:"origin,omitempty"` // of the login
	// Rotation is a change of the login that is under way; nil for none.
	Rotation *Rotation `json:"rotation,omitempty"`
	// Trust is by what it is known again.
	Trust Trust `json:"trust,omitzero"`
	// Seen is when the BMC last answered with a valid login, and the rest what it said of its server and itself then.
	Seen     time.Time `json:"seen,omitzero"`
	Vendor   string    `json:"vendor,omitempty"`
	Model    string    `json:"model,omitempty"`
	Firmware string    `json:"firmware,omitempty"` // version of the controller's own
	// PSUs are what it told last of the power supplies of its server.
	PSUs []Supply `json:"psus,omitempty"`
	// Heard is what it hears at its own network port by LLDP, and HeardAt since when; empty: it does not tell.
	Heard   []Uplink  `json:"heard,omitempty"`
	HeardAt time.Time `json:"heard_at,omitzero"`
}

// Neighbors are what it hears, in the words of the agent.
func (b BMC) Neighbors() []hardware.Neighbor {
	var all []hardware.Neighbor
	for _, u := range b.Heard {
		all = append(all, u.Neighbor())
	}
	return all
}

// Known tells whether the BMC can be spoken to at all.
func (b BMC) Known() bool { return b.Address != "" && b.Protocol != "" }

// Claims are what no other machine can have, in words: a BMC is of one server, while a PDU or a webhook is of many.
func (b BMC) Claims() (all []string) {
	at := strings.ToLower(b.Address)
	switch {
	case b.Protocol == PDU:
		for _, o := range b.Outlets {
			all = append(all, fmt.Sprintf("outlet %s of the PDU %s", o, at))
		}
	case at != "" && b.Protocol != Webhook:
		all = append(all, "BMC address "+at)
	case at != "" && !strings.Contains(at, "{machine}"):
		all = append(all, "webhook "+b.Address)
	}
	return all
}

// Deployment is what was last put on the machine, and how far it came.
type Deployment struct {
	Image      string    `json:"image,omitempty"` // digest
	Disk       string    `json:"disk,omitempty"`  // serial of the system disk
	DataDisks  []Data    `json:"data_disks,omitempty"`
	Written    time.Time `json:"written,omitzero"`
	PhonedHome time.Time `json:"phoned_home,omitzero"`
	SetupError string    `json:"setup_error,omitempty"` // why the deployed system could not set up its role; its own words
	Rebooted   time.Time `json:"rebooted,omitzero"`     // by the BMC, as part of the verification
	Verified   time.Time `json:"verified,omitzero"`
	// Evidence is what the verification saw, in words.
	Evidence []string `json:"evidence,omitempty"`
}

// Op is a boot into something else by way of the power: off, then on. Each half is written down before and
// after it is done, and each can be seen from outside, so a crash between them repeats neither.
type Op struct {
	Boot Boot      `json:"boot"`         // BootNothing: what it boots anyway
	At   time.Time `json:"at"`           // intent
	Off  time.Time `json:"off,omitzero"` // seen off
	In   time.Time `json:"in,omitzero"`  // the boot medium seen in the drive; zero of boots without one
	On   time.Time `json:"on,omitzero"`  // seen on
	// Make is of the controller that was told to boot the network; Always, that it was told so for every boot; Judged, that
	// it is counted whether it did.
	Make   Make `json:"make,omitzero"`
	Always bool `json:"always,omitempty"`
	Judged bool `json:"judged,omitempty"`
}

// Data is one data disk of a storage node.
type Data struct {
	Serial    string `json:"serial"`
	Label     string `json:"label"` // file system label and mount point name, e.g. "d1"
	SizeBytes uint64 `json:"size_bytes"`
}

// Held tells whether Socle must keep its hands off.
func (m *Machine) Held() bool { return m.Hold != nil }

// Serial is the machine's serial number, by which destructive orders are bound.
func (m *Machine) Serial() string { return m.Identity.Serial }
