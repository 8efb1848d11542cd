package web

import (
	"context"
	"net/netip"
	"os"
	"regexp"
	"time"

	"socle/api"
	"socle/console"
	"socle/inventory"
)

// Actor is who stands behind a request.
type Actor struct {
	Name string // as it appears in the history, e.g. "token:admin"
}

// Authenticator knows people's and programs' tokens.
type Authenticator interface {
	// Authenticate returns who has this token. An unknown, expired or revoked one is an *api.Problem with
	// status 401; every other error means that the answer is not known.
	Authenticate(ctx context.Context, bearer string) (Actor, error)
}

// Inventory reads machines. A machine that is not there is inventory.ErrNotFound, a reference that fits several is
// inventory.ErrAmbiguous.
type Inventory interface {
	Machine(ctx context.Context, ref string) (inventory.Machine, error) // by ID, name or serial
	Machines(ctx context.Context) ([]inventory.Machine, error)          // by name
	Roster(ctx context.Context) ([]inventory.Machine, error)            // the same without facts, much faster
	Orders(ctx context.Context, machineID string) ([]inventory.Order, error)
	// OrdersInProgress is the newest unfinished order of each machine that has one, by ID, without parameters.
	OrdersInProgress(ctx context.Context) (map[string]inventory.Order, error)
}

// History reads what happened.
type History interface {
	Events(ctx context.Context, filter inventory.EventFilter) ([]inventory.Event, error)
	Evidence(ctx context.Context, machineIDorMAC string, limit int) ([]inventory.Evidence, error)
}

// Changes tells that something was committed. The channel carries coalesced ticks, never data.
type Changes interface {
	Subscribe() (changes <-chan struct{}, cancel func())
}

// Verbs is what a person can want of machines. Each returns at once; the work goes on behind it.
type Verbs interface {
	Deploy(ctx context.Context, actor, ref string, req api.DeployRequest) (inventory.Machine, error)
	Hold(ctx context.Context, actor, ref, reason string) (inventory.Machine, error)
	Release(ctx context.Context, actor, ref string) (inventory.Machine, error)
	Inspect(ctx context.Context, actor, ref string, r api.InspectRequest) (inventory.Machine, error)
	// Test inspects and then runs the tests of the machine's plan, or of another one; StopTest ends them.
	Test(ctx context.Context, actor, ref string, r api.TestRequest) (inventory.Machine, error)
	StopTest(ctx context.Context, actor, ref string) (inventory.Machine, error)
	Medium(ctx context.Context, actor, ref string, req api.MediumRequest) (api.MediumReply, error)
	Rotate(ctx context.Context, actor, ref string, req api.RotateRequest) (api.RotateReply, error)
	Adopt(ctx context.Context, actor, ref string, req api.AdoptRequest) (api.AdoptReply, error)
	BuildOut(ctx context.Context, actor string, req api.BuildOutRequest) (api.BuildOutReply, error)
}

// Power speaks to a machine's BMC and answers with what was read back. The actions are those of
// api.PowerRequest.
type Power interface {
	Power(ctx context.Context, actor, ref, action string) (inventory.Power, error)
	// SetPowerPolicy says what is done when the power is found otherwise than wanted: see api.PowerPolicyRequest.
	SetPowerPolicy(ctx context.Context, actor, ref, policy string) (inventory.Machine, error)
}

// Health knows how machines are, from looks at their BMCs. Condition is inventory.ErrNotFound of one that nobody has
// looked at.
type Health interface {
	Condition(ctx context.Context, machineID string) (inventory.Condition, error)
	Samples(ctx context.Context, machineID string, since time.Time) ([]inventory.Sample, error)
	Alarms(ctx context.Context, machineID string) ([]inventory.Alarm, error) // "": of all
}

// BMCs asks the controllers themselves, and makes them do something.
type BMCs interface {
	List(ctx context.Context) ([]api.BMCEntry, error) // of all machines, without asking any
	Identify(ctx context.Context, ref string) (api.BMCInfo, error)
	Sensors(ctx context.Context, ref string) ([]inventory.Sensor, error)
	EventLog(ctx context.Context, ref string, since inventory.LogMark) ([]inventory.LogEntry, inventory.LogMark, error)
	ClearLog(ctx context.Context, actor, ref string) error
	Firmware(ctx context.Context, ref string) ([]inventory.Component, error)
	ResetBMC(ctx context.Context, actor, ref string) error
	Locate(ctx context.Context, actor, ref string, on bool, last time.Duration) (inventory.Locator, error)
}

// Drives are the virtual drives of machines, and what they boot from. A change answers with what was read back.
type Drives interface {
	Media(ctx context.Context, ref string) ([]api.MediaSlot, error)
	InsertMedia(ctx context.Context, actor, ref, url string) ([]api.MediaSlot, error)
	EjectMedia(ctx context.Context, actor, ref string) ([]api.MediaSlot, error)
	BootOverride(ctx context.Context, ref string) (api.BootOverride, error)
	SetBootOverride(ctx context.Context, actor, ref string, r api.BootRequest) (api.BootOverride, error)
}

// Finder looks for controllers on a network. Bad input is an *api.Problem at once; run does the work, and tells how many
// addresses were looked at.
type Finder interface {
	Scan(ctx context.Context, actor string, r api.ScanRequest) (run func(ctx context.Context, each func(api.Controller)) (int, error), err error)
}

// Baselines keeps what firmware machines are to run, and compares. Of a baseline that is not there the error is
// inventory.ErrNotFound; the name may be empty when there is one only, else it is inventory.ErrWhich.
type Baselines interface {
	// PutBaseline stores a new version. Its errors, all of them at once, are an *api.Problem.
	PutBaseline(ctx context.Context, actor string, text []byte) (inventory.Baseline, error)
	Baseline(ctx context.Context, name string, version int) (inventory.Baseline, error) // 0: the newest
	Baselines(ctx context.Context) ([]inventory.Baseline, error)
	FirmwareReport(ctx context.Context, ref, baseline string) (api.FirmwareReport, error)
}

// Campaigns updates firmware, wave by wave. Of an empty id, it is the newest.
type Campaigns interface {
	UpdateFirmware(ctx context.Context, actor string, r api.UpdateRequest) (inventory.Campaign, error)
	Campaign(ctx context.Context, id string) (inventory.Campaign, error)
	Campaigns(ctx context.Context) ([]inventory.Campaign, error)
	StopCampaign(ctx context.Context, actor, id string, end bool) (inventory.Campaign, error)
	ResumeCampaign(ctx context.Context, actor, id string) (inventory.Campaign, error)
}

// Importer takes in a delivery manifest. Its errors, all of them at once, are an *api.Problem.
type Importer interface {
	Import(ctx context.Context, actor string, file []byte, o api.ImportOptions) (api.ImportReply, error)
}

// Agents serves the ramdisk's agent.
type Agents interface {
	OpenSession(ctx context.Context, req api.SessionRequest, remote netip.Addr) (api.SessionReply, error)
	// Session returns the live session that has this bearer token; none is an *api.Problem, status 401.
	Session(ctx context.Context, bearer string) (inventory.Session, error)
	PostFacts(ctx context.Context, session inventory.Session, facts api.FactsPost) error
	PostLinks(ctx context.Context, session inventory.Session, links api.LinksPost) error
	// NextOrder waits for an order at most as long as wait; nil means that none came.
	NextOrder(ctx context.Context, session inventory.Session, wait time.Duration) (*api.Order, error)
	Report(ctx context.Context, session inventory.Session, orderID string, report api.Report) error
	// Partner waits for another server to test the network with, at most as long as wait; nil means that none came.
	Partner(ctx context.Context, session inventory.Session, orderID string, req api.PartnerRequest, remote netip.Addr, wait time.Duration) (*api.Partner, error)
}

// PhoneHome hears from a deployed system that it is up.
type PhoneHome interface {
	PhoneHome(ctx context.Context, token string, call api.PhoneHome, remote netip.Addr) error
}

// Images serves the content-addressed store. What is not there is an error for which
// errors.Is(err, fs.ErrNotExist) holds, or an *api.Problem.
type Images interface {
	IndexBytes(digest string) ([]byte, error)
	OpenChunk(sha256 string) (*os.File, error)
}

// Catalogue lists the images that can be deployed.
type Catalogue interface {
	Images(ctx context.Context) ([]api.Image, error)
}

// Guests are those who may open the console of one machine and nothing else.
type Guests interface {
	// Guest returns who has this token, and the ID of the machine; none is an *api.Problem with status 401.
	Guest(ctx context.Context, bearer string) (name, machineID string, err error)
	Grant(ctx context.Context, actor, ref, name string, ttl time.Duration) (api.GuestReply, error)
	Revoke(ctx context.Context, actor, ref string) error
}

// Consoles are the serial consoles of the machines. Replay opens a recording, an empty id the newest one.
type Consoles interface {
	Join(ctx context.Context, actor, ref string, want console.Want) (*console.Seat, error)
	// Recordings returns who sits at the console, nil when it is not open.
	Recordings(ctx context.Context, ref string) (*console.Status, []console.Recording, error)
	Search(ctx context.Context, actor, ref string, pattern *regexp.Regexp, limit int) ([]console.Hit, error)
	Replay(ctx context.Context, actor, ref, id string) (*console.Reader, error)
}
