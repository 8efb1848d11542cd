package api

import (
	"context"
	"net/http"
	"time"
)

// PathBMCs lists the management controllers of all machines.
const PathBMCs = "/api/v1/bmcs"

// BMCEntry is one management controller as the database knows it: nobody is asked for it.
type BMCEntry struct {
	Machine  string     `json:"machine"`
	Protocol string     `json:"protocol,omitempty" doc:"empty: nobody said how to reach it; it was seen from inside the server"`
	Address  string     `json:"address,omitempty"`
	MAC      string     `json:"mac,omitempty"`
	Vendor   string     `json:"vendor,omitempty"`
	Model    string     `json:"model,omitempty" doc:"of the server"`
	Firmware string     `json:"firmware,omitempty" doc:"of the controller"`
	User     string     `json:"user,omitempty"`
	Origin   string     `json:"origin,omitempty" doc:"where its login comes from: manifest, person or socle"`
	Seen     *time.Time `json:"seen,omitempty" doc:"when it last answered to its login"`
	Problem  string     `json:"problem,omitempty"`
}

// BMCList is the answer of GET /api/v1/bmcs, by the names of the machines.
type BMCList struct {
	BMCs []BMCEntry `json:"bmcs"`
}

// AdoptRequest brings a BMC under control whose login is not known, or does not work. With a user and a password, these
// are tried once and kept; without, the agent makes an account from inside the server.
type AdoptRequest struct {
	User     string `json:"user,omitempty" maxLength:"256"`
	Password string `json:"password,omitempty" maxLength:"256"`
}

// AdoptReply says how a BMC is under control, or will be.
type AdoptReply struct {
	Machine string `json:"machine"`
	How     string `json:"how" enum:"works,taken,in-band" doc:"the login that was known works; the given one works and is kept; or the agent makes an account, at the server's next boot of the ramdisk if none runs"`
	User    string `json:"user"`
}

// How a BMC is under control.
const (
	AdoptWorks  = "works"
	AdoptTaken  = "taken"
	AdoptInBand = "in-band"
)

// BMCs lists the controllers of all machines, without asking any.
func (c *Client) BMCs(ctx context.Context) ([]BMCEntry, error) {
	var out BMCList
	err := c.request(ctx, http.MethodGet, PathBMCs, nil, nil, &out)
	return out.BMCs, err
}

// AdoptBMC brings a machine's BMC under control.
func (c *Client) AdoptBMC(ctx context.Context, ref string, r AdoptRequest) (AdoptReply, error) {
	var out AdoptReply
	return out, c.request(ctx, http.MethodPost, bmcPath(ref, "/adopt"), nil, r, &out)
}
