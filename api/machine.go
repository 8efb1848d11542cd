package api

import (
	"encoding/json"
	"time"

	"socle/hardware"
)

// Machine is a server as the API shows it. Secrets are never part of it.
type Machine struct {
	ID       string     `json:"id"`
	Name     string     `json:"name"`
	Version  int64      `json:"version"`
	State    string     `json:"state" enum:"expected,discovered,inspecting,testing,ready,deploying,active,rescuing,erasing,retired"`
	Since    time.Time  `json:"since"`
	Target   string     `json:"target,omitempty"`
	Deadline *time.Time `json:"deadline,omitempty"`
	Step     string     `json:"step,omitempty"`
	Fault    *Fault     `json:"fault,omitempty"`
	Hold     *Hold      `json:"hold,omitempty"`
	Intent   string     `json:"intent,omitempty"`
	// WriteDisks are lost by the tests that come next, or are under way.
	WriteDisks []string        `json:"write_disks,omitempty" doc:"serial numbers of the disks that its tests may write to, as a person confirmed"`
	Boot       string          `json:"boot,omitempty"`
	Power      string          `json:"power,omitempty"`
	Wish       *PowerWish      `json:"power_wish,omitempty"`
	Serial     string          `json:"serial,omitempty"`
	UUID       string          `json:"uuid,omitempty"`
	AssetTag   string          `json:"asset_tag,omitempty"`
	NICMACs    []string        `json:"nic_macs,omitempty"`
	Place      Place           `json:"place"`
	BMC        *BMC            `json:"bmc,omitempty"`
	Address    string          `json:"address,omitempty"`
	Role       string          `json:"role,omitempty"`
	Model      string          `json:"model,omitempty" doc:"what was ordered: the model profile that it is compared with"`
	Delivery   string          `json:"delivery,omitempty" doc:"the delivery that it came, or is to come, with"`
	InPlan     bool            `json:"in_plan"`
	Lacks      []string        `json:"lacks,omitempty" doc:"what a manifest has to say yet before it can be brought to work"`
	Progress   *Progress       `json:"progress,omitempty"`
	Deployed   *Deployment     `json:"deployed,omitempty"`
	Timing     []Phase         `json:"timing,omitempty"`
	Medium     *MachineMedium  `json:"medium,omitempty"`
	Facts      *hardware.Facts `json:"facts,omitempty"`    // only when one machine is asked for
	FactsAt    *time.Time      `json:"facts_at,omitempty"` // when the agent last looked at the hardware
	SeenAt     *time.Time      `json:"seen_at,omitempty"`
}

// PowerWish is how the power of a machine is wanted, and what was found otherwise.
type PowerWish struct {
	Power  string     `json:"power" enum:"on,off,unknown" doc:"unknown: nobody has said"`
	Actor  string     `json:"actor,omitempty"`
	Since  *time.Time `json:"since,omitempty"`
	Policy string     `json:"policy" enum:"accept,restore,alarm,default" doc:"of this machine; default: its role's, else the site's"`
	Drift  string     `json:"drift,omitempty" doc:"in words, while the power is not as wanted"`
	Next   *time.Time `json:"next,omitempty" doc:"when it is set back; none: it is left so"`
}

// PowerPolicyRequest says what is done when the power of a machine is found otherwise than it was wanted last.
type PowerPolicyRequest struct {
	Policy string `json:"policy" enum:"accept,restore,alarm,default"`
}

// Fault is why a machine does not go on.
type Fault struct {
	Kind    string     `json:"kind"`
	Reason  string     `json:"reason"`
	Remedy  string     `json:"remedy"`
	Step    string     `json:"step,omitempty"`
	Since   time.Time  `json:"since"`
	Count   int        `json:"count"`
	RetryAt *time.Time `json:"retry_at,omitempty"`
}

// Hold says who wants Socle's hands off, and why.
type Hold struct {
	Reason string    `json:"reason"`
	Actor  string    `json:"actor"`
	Since  time.Time `json:"since"`
}

// Place is where a machine stands.
type Place struct {
	Site string `json:"site,omitempty"`
	Room string `json:"room,omitempty"`
	Row  string `json:"row,omitempty"`
	Rack string `json:"rack,omitempty"`
	U    int    `json:"u,omitempty" doc:"the lowest height unit, from the bottom"`
	// Height is in U, 0 counts as 1; a device of half the depth leaves the rack's other face free.
	Height    int    `json:"height,omitempty"`
	Face      string `json:"face,omitempty" enum:"front,rear,"`
	HalfDepth bool   `json:"half_depth,omitempty"`
}

// BMC is how a machine's controller is reached.
type BMC struct {
	Protocol string     `json:"protocol"`
	Address  string     `json:"address"`
	Outlets  []string   `json:"outlets,omitempty"` // of a PDU
	MAC      string     `json:"mac,omitempty"`
	User     string     `json:"user,omitempty"`
	Seen     *time.Time `json:"seen,omitempty"`
	// Origin is where the login comes from: "manifest", "person" or "socle". Rotation says how far a change of it is.
	Origin   string `json:"origin,omitempty"`
	Rotation string `json:"rotation,omitempty"`
	// Certificate is the SHA-256 of the one that it must show.
	Certificate string `json:"certificate,omitempty"`
}

// Progress is the order in progress.
type Progress struct {
	Order string `json:"order"` // kind
	Done  int64  `json:"done"`  // bytes
	Total int64  `json:"total"`
	Wire  int64  `json:"wire"` // bytes over the network
	Text  string `json:"text,omitempty"`
}

// Deployment is what was put on a machine.
type Deployment struct {
	Image      string     `json:"image,omitempty"`
	Disk       string     `json:"disk,omitempty"`
	DataDisks  []DataDisk `json:"data_disks,omitempty"`
	Written    *time.Time `json:"written,omitempty"`
	PhonedHome *time.Time `json:"phoned_home,omitempty"`
	Verified   *time.Time `json:"verified,omitempty"`
	Evidence   []string   `json:"evidence,omitempty"`
}

// DataDisk is one data disk of a storage node.
type DataDisk struct {
	Serial    string `json:"serial"`
	Label     string `json:"label"`
	SizeBytes uint64 `json:"size_bytes"`
}

// Phase is how long a part of the road took: a state, with the bytes that moved in it.
type Phase struct {
	Name    string  `json:"name"`
	Seconds float64 `json:"seconds"`
	Wire    int64   `json:"wire,omitempty"`
}

// MachineList is the answer of GET /api/v1/machines.
type MachineList struct {
	Machines []Machine `json:"machines"`
}

// Event is one line of the history.
type Event struct {
	Seq     int64           `json:"seq"`
	Time    time.Time       `json:"time"`
	Machine string          `json:"machine,omitempty"` // name
	ID      string          `json:"machine_id,omitempty"`
	Actor   string          `json:"actor"`
	Kind    string          `json:"kind"`
	Reason  string          `json:"reason"`
	Before  json.RawMessage `json:"before,omitempty"`
	After   json.RawMessage `json:"after,omitempty"`
}

// EventList is the answer of GET /api/v1/events; Next is the Seq to ask from for what follows.
type EventList struct {
	Events []Event `json:"events"`
	Next   int64   `json:"next"`
}

// HoldRequest puts a machine on hold.
type HoldRequest struct {
	Reason string `json:"reason" minLength:"1" maxLength:"500"`
}

// DeployRequest orders a deployment. It destroys what is on the machine's disks, so it names the serial.
type DeployRequest struct {
	Role   string `json:"role,omitempty"` // empty: the matched one
	Serial string `json:"serial"`         // of the machine, as confirmation
}

// InspectRequest says by which way the ramdisk is booted, now and from then on.
type InspectRequest struct {
	Media   bool   `json:"media,omitempty" doc:"by virtual media of the BMC, without network boot"`
	Address string `json:"address,omitempty" doc:"of the ramdisk on such a medium, such as 198.18.0.50/24; empty: by DHCP"`
	Gateway string `json:"gateway,omitempty" doc:"within the address's network"`
	MAC     string `json:"mac,omitempty" doc:"of the interface to use; empty: any with a link"`
}

// MachineMedium is how a machine boots by virtual media.
type MachineMedium struct {
	Wanted  bool       `json:"wanted" doc:"its ramdisk is booted this way"`
	Address string     `json:"address,omitempty"`
	In      *time.Time `json:"in,omitempty" doc:"since when a medium may lie in the drive"`
	Stuck   string     `json:"stuck,omitempty" doc:"why it could not be ejected"`
}

// MediumRequest asks for a medium that boots one machine without network boot.
type MediumRequest struct {
	Address  string `json:"address,omitempty"`   // "198.18.0.50/24" of the ramdisk; empty: by DHCP
	Gateway  string `json:"gateway,omitempty"`   // within the address's network
	MAC      string `json:"mac,omitempty"`       // of the interface to use; empty: any with a link
	ValidFor string `json:"valid_for,omitempty"` // "24h" when empty, at most "168h"
}

// MediumReply is what goes onto the medium. The parameters hold a token: treat them as a secret.
type MediumReply struct {
	Machine string    `json:"machine"`
	Params  []string  `json:"params"` // of the kernel
	Expires time.Time `json:"expires"`
}

// PowerRequest changes the power.
type PowerRequest struct {
	Action string `json:"action" enum:"on,off,cycle,reset,soft,nmi,status"`
}

// PowerReply is what the BMC said after the change.
type PowerReply struct {
	Power string `json:"power"`
}

// BuildOutRequest tells Socle to bring machines to work: found, inspected, matched, deployed, verified.
type BuildOutRequest struct {
	Machines []string `json:"machines,omitempty"` // names; empty: all of the plan that are not active
}

// BuildOutReply names the machines that are now on their way.
type BuildOutReply struct {
	Started []string `json:"started"`
	Skipped []string `json:"skipped,omitempty"` // with the reason after a colon
}

// RotateRequest changes the login of a machine's BMC to a new account, whose password nobody has seen.
type RotateRequest struct {
	RemoveOld bool `json:"remove_old,omitempty" doc:"take the old account away also when Socle did not make it"`
	Abort     bool `json:"abort,omitempty" doc:"give up a change that is not in force yet"`
}

// RotateReply says by which account the BMC will be used. The change goes on by itself; the machine's events tell of it.
type RotateReply struct {
	Machine string `json:"machine"`
	User    string `json:"user"`
}
