package api

import (
	"context"
	"net/http"
)

// PathFindings is what comparisons and tests found of machines.
const PathFindings = "/api/v1/findings"

// Finding is one thing of a machine that is not as it should be.
type Finding struct {
	Machine string `json:"machine"`
	Rack    string `json:"rack,omitempty" doc:"with what it stands in: ams1/hall 2/r1"`
	U       int    `json:"u,omitempty"`
	Source  string `json:"source" enum:"parts,cabling,burn-in,outlier,firmware"`
	Kind    string `json:"kind"`
	Subject string `json:"subject" doc:"the part or port that it is about"`
	Want    string `json:"want,omitempty" doc:"as ordered, planned or usual"`
	Got     string `json:"got,omitempty"`
	Reason  string `json:"reason" doc:"one sentence"`
	Remedy  string `json:"remedy,omitempty"`
	Part    string `json:"part,omitempty" doc:"part number"`
	Serial  string `json:"serial,omitempty" doc:"of the part"`
	Minor   bool   `json:"minor,omitempty" doc:"it does not stand against acceptance"`
}

// Look says of how many machines a source knows anything, be it that all is well.
type Look struct {
	Source   string `json:"source"`
	Machines int    `json:"machines"`
}

// FindingList is the answer of GET /api/v1/findings: by machine, what matters first.
type FindingList struct {
	Findings []Finding `json:"findings"`
	Looked   []Look    `json:"looked" doc:"who looked at all, and at how many machines"`
}

// Stands tells whether anything stands against acceptance.
func (l FindingList) Stands() bool {
	for _, f := range l.Findings {
		if !f.Minor {
			return true
		}
	}
	return false
}

// FindingQuery chooses findings; what is empty chooses all.
type FindingQuery struct {
	Machines, Source, Kind, Rack string // Machines is a range of names
}

// Findings lists what was found of machines.
func (c *Client) Findings(ctx context.Context, q FindingQuery) (FindingList, error) {
	values := given(map[string]string{"machines": q.Machines, "source": q.Source, "kind": q.Kind, "rack": q.Rack})
	var out FindingList
	return out, c.request(ctx, http.MethodGet, PathFindings, values, nil, &out)
}

// MachineFindings lists what was found of one machine, by its name, serial or ID.
func (c *Client) MachineFindings(ctx context.Context, ref string) (FindingList, error) {
	var out FindingList
	return out, c.request(ctx, http.MethodGet, PathMachines+"/"+segment(ref)+"/findings", nil, nil, &out)
}
