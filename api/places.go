package api

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"time"
)

// Paths of places: racks, and what stands in them.
const (
	PathPlaces    = "/api/v1/places"
	PathElevation = "/api/v1/places/elevation"
	PathRacking   = "/api/v1/places/racking"
)

// Places are all racks, and the devices besides servers.
type Places struct {
	Racks   []RackSummary `json:"racks"`
	Devices []Device      `json:"devices"`
}

// RackSummary is a rack in a list.
type RackSummary struct {
	Name    string `json:"name" doc:"with what it stands in: ams1/hall 2/r1"`
	Place   Place  `json:"place"`
	Height  int    `json:"height" doc:"in U"`
	Known   bool   `json:"known" doc:"a floor plan says so; else the height is a guess"`
	Feeds   []Feed `json:"feeds,omitempty"`
	Servers int    `json:"servers"`
	Faults  int    `json:"faults" doc:"servers with a fault"`
	Devices int    `json:"devices"`
	Free    int    `json:"free" doc:"units that are free at both faces"`

	FreeFront []Units `json:"free_front"`
	FreeRear  []Units `json:"free_rear"`
	FreeBoth  []Units `json:"free_both"`
}

// Feed is a power feed of a rack.
type Feed struct {
	Name    string `json:"name"`
	Amperes int    `json:"amperes,omitempty"`
	Watts   int    `json:"watts,omitempty"`
}

// Device is what stands in a rack, or on a shelf, besides servers.
type Device struct {
	Kind     string `json:"kind" enum:"switch,pdu,patch-panel,spare,other"`
	Name     string `json:"name"`
	Model    string `json:"model,omitempty"`
	Serial   string `json:"serial,omitempty"`
	AssetTag string `json:"asset_tag,omitempty"`
	Place    Place  `json:"place"`
}

// Elevation is what stands where in a rack.
type Elevation struct {
	RackSummary
	Items     []ElevationItem `json:"items" doc:"the lowest unit first"`
	Loose     []ElevationItem `json:"loose,omitempty" doc:"those without a unit"`
	Problems  []string        `json:"problems,omitempty" doc:"who stands where somebody else does, or above the top"`
	Conflicts []AisleAct      `json:"conflicts,omitempty" doc:"what was done here without a network, contradicts what is known, and waits for a decision"`
}

// ElevationItem is a server or a device in a rack.
type ElevationItem struct {
	Name     string     `json:"name"`
	Kind     string     `json:"kind" doc:"server, or what kind of device"`
	Place    Place      `json:"place"`
	Serial   string     `json:"serial,omitempty"`
	AssetTag string     `json:"asset_tag,omitempty"`
	State    string     `json:"state,omitempty"`
	Power    string     `json:"power,omitempty"`
	Trouble  string     `json:"trouble,omitempty" doc:"the fault or the hold, in words"`
	Fault    bool       `json:"fault,omitempty"`
	Held     bool       `json:"held,omitempty"`
	Racked   *time.Time `json:"racked,omitempty" doc:"when a person said that it stands there"`
	Wrong    []Wrong    `json:"wrong,omitempty" doc:"what keeps it from being done"`
}

// Wrong is one thing that is wrong with a server in a rack, and what to do about it.
type Wrong struct {
	What   string `json:"what"`
	Remedy string `json:"remedy,omitempty"`
}

// Units is a run of height units.
type Units struct {
	From int `json:"from"`
	To   int `json:"to"`
}

// RackingRequest says that a server was put into its rack.
type RackingRequest struct {
	Code string `json:"code" minLength:"1" maxLength:"200" doc:"serial number, asset tag or name, as scanned"`
	Rack string `json:"rack" minLength:"1" maxLength:"300" doc:"in which the person works: a server of another one is refused"`
	Look bool   `json:"look,omitempty" doc:"only tell where it goes"`
}

// RackingReply says where a server goes, and since when it stands there.
type RackingReply struct {
	Machine string     `json:"machine"`
	Serial  string     `json:"serial,omitempty"`
	Place   Place      `json:"place"`
	Racked  *time.Time `json:"racked,omitempty"`
	Locator string     `json:"locator,omitempty" doc:"whether its light could be switched on, in words"`
}

// Places lists racks and devices.
func (c *Client) Places(ctx context.Context) (Places, error) {
	var out Places
	return out, c.request(ctx, http.MethodGet, PathPlaces, nil, nil, &out)
}

// Elevation shows a rack, by its full name or by one that only it has.
func (c *Client) Elevation(ctx context.Context, rack string) (Elevation, error) {
	var out Elevation
	return out, c.request(ctx, http.MethodGet, PathElevation, url.Values{"rack": {rack}}, nil, &out)
}

// ImportPlaces imports a floor plan, all of it or nothing. Errors in it are the Errors of a Problem.
func (c *Client) ImportPlaces(ctx context.Context, file io.Reader, dryRun bool) (ImportReply, error) {
	var reply ImportReply
	return reply, c.send(ctx, http.MethodPost, PathPlaces, ImportOptions{DryRun: dryRun}.query(), "text/csv", file, &reply)
}

// Rack says that a server was put into its rack, or asks where it goes.
func (c *Client) Rack(ctx context.Context, r RackingRequest) (RackingReply, error) {
	var out RackingReply
	return out, c.request(ctx, http.MethodPost, PathRacking, nil, r, &out)
}
