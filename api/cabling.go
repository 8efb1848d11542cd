package api

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"time"
)

// Paths of the cabling plan and of its comparison with what the switches say.
const (
	PathCabling      = "/api/v1/cabling"
	PathCablingCheck = "/api/v1/cabling/check"
)

// Cable is one line of the cabling plan.
type Cable struct {
	Server     string `json:"server"`
	Port       string `json:"port" doc:"of the server, as planned"`
	Switch     string `json:"switch"`
	SwitchPort string `json:"switch_port"`
	Group      string `json:"group,omitempty" doc:"links of a server that are to end at more than one switch"`
	Label      string `json:"label,omitempty"`
	Colour     string `json:"colour,omitempty"`
	Length     string `json:"length,omitempty"`
}

// CablePlan is the answer of GET /api/v1/cabling.
type CablePlan struct {
	Cables []Cable `json:"cables" doc:"by server and port"`
}

// CableChange is what an import does to one cable.
type CableChange struct {
	Line   int    `json:"line,omitempty" doc:"of the file; absent of a cable that is taken out"`
	Before *Cable `json:"before,omitempty" doc:"absent of one that is new"`
	After  *Cable `json:"after,omitempty" doc:"absent of one that is taken out"`
}

// CableImport is what an import did, or would do.
type CableImport struct {
	DryRun  bool          `json:"dry_run,omitempty"`
	Changes []CableChange `json:"changes"`
	Same    int           `json:"same" doc:"cables that are as before"`
}

// CableHeard is what a switch said of itself and its port.
type CableHeard struct {
	Switch   string `json:"switch"`
	Port     string `json:"port"`
	Chassis  string `json:"chassis,omitempty" doc:"as sent"`
	PortID   string `json:"port_id,omitempty" doc:"as sent"`
	PortDesc string `json:"port_desc,omitempty" doc:"as sent"`
}

// CablePort is one port of one server: what was planned beside what was heard.
type CablePort struct {
	Server string      `json:"server"`
	State  string      `json:"state" enum:"right,listening,unseen,unheard,unclear,extra,no-port,no-link,wrong-port,wrong-switch,swapped"`
	Plan   *Cable      `json:"plan,omitempty" doc:"absent: the plan has nothing there"`
	NIC    string      `json:"nic,omitempty" doc:"as the ramdisk calls it"`
	MAC    string      `json:"mac,omitempty"`
	Link   bool        `json:"link,omitempty"`
	Heard  *CableHeard `json:"heard,omitempty"`
	Since  time.Time   `json:"since,omitzero" doc:"when the server's port began to have what it has; absent where that is not known"`
	Blind  bool        `json:"blind,omitempty" doc:"the port is the BMC's own, which does not tell what it hears there: it is not checked"`
	Bad    bool        `json:"bad,omitempty" doc:"it is wrong for certain"`
	Text   string      `json:"text,omitempty" doc:"what is wrong or not known; the same for all ports of one defect"`
	Fix    string      `json:"fix,omitempty" doc:"the plugs to move, or what else to do"`
}

// Name is how the port is called on its server.
func (p CablePort) Name() string {
	if p.Plan != nil {
		return p.Plan.Port
	}
	return p.NIC
}

// CableReport is the cabling plan compared with what the switches say.
type CableReport struct {
	Ports   []CablePort `json:"ports" doc:"by server and port"`
	Unknown []string    `json:"unknown,omitempty" doc:"servers of the plan that no machine is called"`
}

// Bad tells whether something is wrong for certain.
func (r CableReport) Bad() bool {
	for _, p := range r.Ports {
		if p.Bad {
			return true
		}
	}
	return false
}

// ImportCabling imports a cabling plan (CSV or XLSX). It is all that is planned for the servers that it names; with whole,
// it is the whole plan.
func (c *Client) ImportCabling(ctx context.Context, file io.Reader, whole, dryRun bool) (CableImport, error) {
	q := url.Values{}
	if whole {
		q.Set("whole", "true")
	}
	if dryRun {
		q.Set("dry_run", "true")
	}
	var out CableImport
	return out, c.send(ctx, http.MethodPost, PathCabling, q, "text/csv", file, &out)
}

// Cabling reads the plan, as far as it concerns a range of machines; "" is the whole.
func (c *Client) Cabling(ctx context.Context, machines string) ([]Cable, error) {
	var out CablePlan
	err := c.request(ctx, http.MethodGet, PathCabling, machinesQuery(machines), nil, &out)
	return out.Cables, err
}

// CheckCabling compares the plan with what was heard, as far as it concerns a range of machines; "" is all.
func (c *Client) CheckCabling(ctx context.Context, machines string) (CableReport, error) {
	var out CableReport
	return out, c.request(ctx, http.MethodGet, PathCablingCheck, machinesQuery(machines), nil, &out)
}

func machinesQuery(machines string) url.Values {
	q := url.Values{}
	if machines != "" {
		q.Set("machines", machines)
	}
	return q
}
