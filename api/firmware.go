package api

import "time"

// Paths of firmware: what is asked for, and what brings machines there.
const (
	PathBaselines = "/api/v1/firmware/baselines"
	PathCampaigns = "/api/v1/firmware/campaigns"
)

// Baseline is one version of what firmware machines are to run.
type Baseline = Document

// BaselineList is the answer of GET /api/v1/firmware/baselines: by name, the newest version first.
type BaselineList struct {
	Baselines []Baseline `json:"baselines"`
}

// FirmwareFinding is one component of a machine, and what its baseline says of it.
type FirmwareFinding struct {
	ID      string `json:"id,omitempty"`
	Name    string `json:"name"`
	Version string `json:"version,omitempty" doc:"that runs"`
	Asks    string `json:"asks,omitempty" doc:">= or =, and the version that is asked for"`
	State   string `json:"state" enum:"ok,older,newer,unknown,not asked"`
	Why     string `json:"why,omitempty" doc:"why nothing can be said"`
}

// FirmwareReport is what runs on a machine beside what its baseline asks for.
type FirmwareReport struct {
	Machine  string            `json:"machine"`
	Vendor   string            `json:"vendor,omitempty"`
	Model    string            `json:"model,omitempty"`
	Baseline string            `json:"baseline"`
	Version  int               `json:"version"`
	Findings []FirmwareFinding `json:"findings"`
}

// Below tells whether something is older than what is asked for.
func (r FirmwareReport) Below() bool {
	for _, f := range r.Findings {
		if f.State == "older" {
			return true
		}
	}
	return false
}

// UpdateRequest orders a campaign: it brings machines to a baseline, wave by wave.
type UpdateRequest struct {
	Baseline string   `json:"baseline,omitempty" maxLength:"64" doc:"its newest version is used; empty: the only one there is"`
	Machines []string `json:"machines" minItems:"1" maxItems:"10000" doc:"names, serials or IDs, in the order in which they are taken"`
	Waves    string   `json:"waves,omitempty" maxLength:"200" doc:"how many machines are updated at the end of each wave: 1,10%,100%, which is the default"`
	Parallel int      `json:"parallel,omitempty" minimum:"0" maximum:"256" doc:"machines at a time; 0: 8"`
	Active   bool     `json:"active,omitempty" doc:"also machines that do their work; those that need it are rebooted"`
}

// StopRequest stops a campaign.
type StopRequest struct {
	End bool `json:"end,omitempty" doc:"it is not to go on any more, and another one can be ordered"`
}

// Campaign is how far an update of many machines is.
type Campaign struct {
	ID       string            `json:"id"`
	State    string            `json:"state" enum:"running,stopping,stopped,ended"`
	Baseline string            `json:"baseline"`
	Version  int               `json:"version"`
	Waves    []string          `json:"waves"`
	Wave     int               `json:"wave" doc:"the one that is under way, from 1"`
	Parallel int               `json:"parallel"`
	Active   bool              `json:"active,omitempty"`
	Actor    string            `json:"actor"`
	Began    time.Time         `json:"began"`
	Stopped  *time.Time        `json:"stopped,omitempty"`
	Ended    *time.Time        `json:"ended,omitempty"`
	Reason   string            `json:"reason,omitempty" doc:"why it stopped"`
	Machines []CampaignMachine `json:"machines,omitempty" doc:"not in lists"`
}

// CampaignMachine is one machine of a campaign.
type CampaignMachine struct {
	Machine string         `json:"machine"`
	State   string         `json:"state" enum:"waiting,working,done,unneeded,skipped,failed"`
	Wave    int            `json:"wave,omitempty" doc:"in which it was begun, from 1"`
	Reason  string         `json:"reason,omitempty"`
	Since   *time.Time     `json:"since,omitempty"`
	Items   []CampaignItem `json:"items,omitempty"`
}

// CampaignItem is the update of one component.
type CampaignItem struct {
	Component string `json:"component"`
	From      string `json:"from"`
	Asks      string `json:"asks"`
	Phase     string `json:"phase" enum:"waiting,order,follow,back,restart,off,on,verify,done"`
}

// CampaignList is the answer of GET /api/v1/firmware/campaigns, the newest first.
type CampaignList struct {
	Campaigns []Campaign `json:"campaigns"`
}
