package api

import (
	"context"
	"net/http"
	"time"
)

// PathParts is where parts sat, and when.
const PathParts = "/api/v1/parts"

// PartStay is the time of one part in one slot of one machine.
type PartStay struct {
	Machine   string     `json:"machine" doc:"name; empty when there is no such machine any more"`
	Kind      string     `json:"kind" enum:"cpu,dimm,disk,drive,nic"`
	Slot      string     `json:"slot,omitempty" doc:"empty of disks, whose names say nothing of the bay"`
	Serial    string     `json:"serial" doc:"of a network interface its MAC address"`
	Number    string     `json:"number,omitempty" doc:"part number or model"`
	Vendor    string     `json:"vendor,omitempty"`
	Bytes     uint64     `json:"bytes,omitempty"`
	FirstSeen time.Time  `json:"first_seen"`
	LastSeen  time.Time  `json:"last_seen"`
	Gone      *time.Time `json:"gone,omitempty" doc:"when an inspection saw that it is not there any more"`
}

// PartHistory is the answer of GET /api/v1/parts: the newest first, a thousand at most.
type PartHistory struct {
	Stays []PartStay `json:"stays"`
}

// PartQuery chooses; what is empty chooses all.
type PartQuery struct {
	Machine, Serial string
	There           bool // only parts that are where they were seen
}

// Parts tells where parts sat, and when.
func (c *Client) Parts(ctx context.Context, q PartQuery) (PartHistory, error) {
	v := given(map[string]string{"machine": q.Machine, "serial": q.Serial})
	if q.There {
		v.Set("there", "true")
	}
	var out PartHistory
	return out, c.request(ctx, http.MethodGet, PathParts, v, nil, &out)
}
