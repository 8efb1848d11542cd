package api

import (
	"context"
	"net/http"
	"time"
)

// PathOutliers is the comparison of machines with their peers.
const PathOutliers = "/api/v1/outliers"

// OutlierQuery says what of the comparison is wanted. All machines are compared in any case.
type OutlierQuery struct {
	Machines string // a range of names; empty: all
	Metric   string // dotted name, or the beginning of one; empty: all
}

// OutlierReport is what a comparison of machines with their peers found.
type OutlierReport struct {
	Compared int              `json:"compared" doc:"machines whose hardware is known"`
	Findings []OutlierFinding `json:"findings" doc:"by machine; what matters first"`
	Groups   []OutlierGroup   `json:"groups" doc:"what was measured, by metric; each group holds what was compared with each other"`
	Notes    []OutlierNote    `json:"notes" doc:"what could not be judged"`
}

// OutlierFinding is one part that is not as its peers' are.
type OutlierFinding struct {
	Machine string `json:"machine"`
	Kind    string `json:"kind" doc:"slow, unstable, or how its hardware differs"`
	Subject string `json:"subject"`
	Want    string `json:"want,omitempty" doc:"as peers have it"`
	Got     string `json:"got,omitempty"`
	Reason  string `json:"reason"`
	Remedy  string `json:"remedy,omitempty"`
	Part    string `json:"part,omitempty"`
	Serial  string `json:"serial,omitempty"`
	Minor   bool   `json:"minor,omitempty"`
}

// OutlierGroup is the values of one metric that were compared with each other.
type OutlierGroup struct {
	Metric        string  `json:"metric"`
	Position      string  `json:"position,omitempty" doc:"where the parts are in their machines"`
	Unit          string  `json:"unit,omitempty"`
	LowerIsBetter bool    `json:"lower_is_better,omitempty"`
	Peers         string  `json:"peers" doc:"what they have in common"`
	Count         int     `json:"count"`
	Low           float64 `json:"low"`
	Median        float64 `json:"median"`
	High          float64 `json:"high"`
	Spread        float64 `json:"spread" doc:"robust standard deviation, as a fraction of the median"`
	Limit         float64 `json:"limit" doc:"the distance from the median, as a fraction of it, that is odd here"`
	Histogram     []int   `json:"histogram" doc:"how many values lie in each of equal steps from the lowest to the highest"`
	// Values are the odd ones, or all when machines or a metric are named.
	Values []OutlierValue `json:"values" doc:"from the worst; only odd ones, but all when machines or a metric are named"`
}

// OutlierValue is what one part of one machine measured.
type OutlierValue struct {
	Machine  string           `json:"machine"`
	Subject  string           `json:"subject,omitempty"`
	Part     string           `json:"part,omitempty" doc:"serial number"`
	Value    float64          `json:"value"`
	Time     *time.Time       `json:"time,omitempty"`
	Distance float64          `json:"distance" doc:"the fraction by which it is worse than the median of its peers; negative: better"`
	Odd      bool             `json:"odd,omitempty"`
	Before   []OutlierReading `json:"before,omitempty" doc:"older runs, the oldest first"`
}

// OutlierReading is an older run.
type OutlierReading struct {
	Run   string     `json:"run"`
	Time  *time.Time `json:"time,omitempty"`
	Value float64    `json:"value"`
}

// OutlierNote is something that could not be judged.
type OutlierNote struct {
	Machines string `json:"machines" doc:"a range of names"`
	About    string `json:"about"`
	Why      string `json:"why"`
}

// Outliers compares machines with their peers.
func (c *Client) Outliers(ctx context.Context, q OutlierQuery) (OutlierReport, error) {
	values := given(map[string]string{"machines": q.Machines, "metric": q.Metric})
	var out OutlierReport
	return out, c.request(ctx, http.MethodGet, PathOutliers, values, nil, &out)
}
