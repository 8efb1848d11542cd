package api

import (
	"context"
	"net/http"
)

// PathCompare is what was ordered, racked and detected, beside each other.
const PathCompare = "/api/v1/compare"

// CompareQuery says of which servers; what is empty chooses all.
type CompareQuery struct {
	Machines string `query:"machines" maxLength:"10000" doc:"a range of names, r1u[1-40]; empty: all"`
	Rack     string `query:"rack" maxLength:"300" doc:"only those planned in this rack, named alone or with what it stands in"`
	Delivery string `query:"delivery" maxLength:"64" doc:"only those of this delivery"`
	All      bool   `query:"all" doc:"also what is right"`
}

// Comparison is what was ordered, racked and detected of servers and of their parts.
type Comparison struct {
	Compared int              `json:"compared" doc:"servers that were asked for"`
	Right    int              `json:"right" doc:"those of which everything is known and agrees"`
	Wrong    int              `json:"wrong" doc:"those with which somebody has to do something"`
	Servers  []ComparedServer `json:"servers" doc:"by name; without all, those that are not right"`
	Orders   []ComparedOrder  `json:"orders" doc:"lines of deliveries; without all, those of which not all servers were detected. None when machines or a rack are named"`
}

// ComparedServer is one server.
type ComparedServer struct {
	Machine  string        `json:"machine"`
	Model    string        `json:"model,omitempty" doc:"as ordered"`
	Delivery string        `json:"delivery,omitempty"`
	Rows     []ComparedRow `json:"rows" doc:"the server itself, its place, and its parts; without all, what is not right"`
}

// ComparedRow is a server, its place or one of its parts, three ways.
type ComparedRow struct {
	Subject  string `json:"subject"`
	Ordered  string `json:"ordered,omitempty"`
	Racked   string `json:"racked,omitempty" doc:"where a person racked it; of the server: yes"`
	Detected string `json:"detected,omitempty"`
	Serial   string `json:"serial,omitempty" doc:"as detected, of a part or of the server"`
	Verdict  string `json:"verdict" doc:"right; open: something is not known yet; else what is wrong: missing, extra, wrong-place, wrong-part, wrong-slot, firmware"`
	Reason   string `json:"reason,omitempty"`
}

// ComparedOrder is a line of a delivery.
type ComparedOrder struct {
	Delivery  string `json:"delivery"`
	Line      int    `json:"line"`
	Model     string `json:"model"`
	Ordered   int    `json:"ordered"`
	Announced int    `json:"announced" doc:"with a serial number"`
	Racked    int    `json:"racked" doc:"with a place"`
	Detected  int    `json:"detected"`
}

// Table is the comparison as one row for each row of a server, for spreadsheets; deliveries are not in it.
func (c Comparison) Table() (header []string, rows [][]string) {
	header = []string{"machine", "delivery", "model", "verdict", "subject", "ordered", "racked", "detected", "serial", "reason"}
	for _, s := range c.Servers {
		for _, r := range s.Rows {
			rows = append(rows, []string{s.Machine, s.Delivery, s.Model, r.Verdict, r.Subject, r.Ordered, r.Racked, r.Detected, r.Serial, r.Reason})
		}
	}
	return header, rows
}

// Compare puts beside each other what was ordered, racked and detected.
func (c *Client) Compare(ctx context.Context, q CompareQuery) (Comparison, error) {
	v := given(map[string]string{"machines": q.Machines, "rack": q.Rack, "delivery": q.Delivery})
	if q.All {
		v.Set("all", "true")
	}
	var out Comparison
	return out, c.request(ctx, http.MethodGet, PathCompare, v, nil, &out)
}
