package api

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"time"
)

// Paths of acceptance.
const (
	PathAcceptance = "/api/v1/acceptance" // the verdicts
	PathCriteria   = "/api/v1/criteria"   // what machines have to be like
	PathWaivers    = "/api/v1/waivers"    // what people let pass
)

// AcceptanceScope is which machines are judged: those of a rack, a delivery or a site, a range of names, or all.
type AcceptanceScope struct {
	Machines string `json:"machines,omitempty" query:"machines" maxLength:"10000" doc:"a range of names, r1u[1-40]"`
	Rack     string `json:"rack,omitempty" query:"rack" maxLength:"200" doc:"name of a rack, alone or with what it stands in"`
	Delivery string `json:"delivery,omitempty" query:"delivery" maxLength:"64" doc:"number of a delivery"`
	Site     string `json:"site,omitempty" query:"site" maxLength:"64" doc:"name of a site"`
}

// AcceptanceCheck is one thing that was looked at.
type AcceptanceCheck struct {
	Name    string `json:"name"`
	Verdict string `json:"verdict" enum:"accepted,waived,open,rejected"`
	Detail  string `json:"detail" doc:"in words"`
	Finding string `json:"finding,omitempty" doc:"key of what was found, for a waiver"`
	Waiver  string `json:"waiver,omitempty" doc:"ID of the waiver that lets it pass"`
}

// AcceptanceUnit is one machine, judged.
type AcceptanceUnit struct {
	Machine  string            `json:"machine"`
	Serial   string            `json:"serial,omitempty"`
	Model    string            `json:"model,omitempty"`
	Delivery string            `json:"delivery,omitempty"`
	Site     string            `json:"site,omitempty"`
	Rack     string            `json:"rack,omitempty" doc:"with what it stands in"`
	U        int               `json:"u,omitempty"`
	State    string            `json:"state"`
	Verdict  string            `json:"verdict" enum:"accepted,waived,open,rejected"`
	Criteria string            `json:"criteria" doc:"name of the criteria that it was judged by"`
	Digest   string            `json:"criteria_sha256"`
	Checks   []AcceptanceCheck `json:"checks"`
}

// AcceptanceMissing is a part of an order of which no server has a serial number yet.
type AcceptanceMissing struct {
	Delivery string `json:"delivery"`
	Line     int    `json:"line"`
	Model    string `json:"model,omitempty"`
	Part     string `json:"part,omitempty"`
	Count    int    `json:"count"`
}

// Acceptance is the answer of GET /api/v1/acceptance: a scope with all its machines, by place and name.
type Acceptance struct {
	Scope    string              `json:"scope" enum:"machines,rack,delivery,site,all"`
	Name     string              `json:"name,omitempty"`
	At       time.Time           `json:"at"`
	Verdict  string              `json:"verdict" enum:"accepted,waived,open,rejected" doc:"the worst of all"`
	Accepted int                 `json:"accepted"`
	Waived   int                 `json:"waived"`
	Open     int                 `json:"open"`
	Rejected int                 `json:"rejected"`
	Units    []AcceptanceUnit    `json:"units"`
	Missing  []AcceptanceMissing `json:"missing,omitempty"`
}

// Good tells whether all machines are accepted or waived.
func (a Acceptance) Good() bool { return a.Verdict == "accepted" || a.Verdict == "waived" }

// WaiveRequest lets one thing that was found of a machine pass.
type WaiveRequest struct {
	Finding string    `json:"finding" minLength:"1" maxLength:"2000" doc:"key of what was found, as the machine's checks name it: source/kind/subject"`
	Reason  string    `json:"reason" minLength:"1" maxLength:"2000"`
	Until   time.Time `json:"until,omitzero" doc:"when it ends; absent: for good"`
}

// Waiver is a person's word that one thing of a machine may be as it was found.
type Waiver struct {
	ID          string    `json:"id"`
	Machine     string    `json:"machine"`
	Finding     Finding   `json:"finding" doc:"as it was when it was waived; another reading or part is not waived"`
	Reason      string    `json:"reason"`
	Actor       string    `json:"actor"`
	Time        time.Time `json:"time"`
	Until       time.Time `json:"until,omitzero"`
	WithdrawnBy string    `json:"withdrawn_by,omitempty"`
	WithdrawnAt time.Time `json:"withdrawn_at,omitzero"`
	Holds       bool      `json:"holds" doc:"it is in force"`
}

// WaiverList is the answer of GET /api/v1/waivers, the oldest first.
type WaiverList struct {
	Waivers []Waiver `json:"waivers"`
}

// CriteriaList lists all versions of criteria, by name and the newest first.
type CriteriaList struct {
	Criteria []Document `json:"criteria"`
}

// Values are the scope as it stands in an address.
func (s AcceptanceScope) Values() url.Values {
	return given(map[string]string{"machines": s.Machines, "rack": s.Rack, "delivery": s.Delivery, "site": s.Site})
}

// Acceptance judges machines.
func (c *Client) Acceptance(ctx context.Context, s AcceptanceScope) (Acceptance, error) {
	var out Acceptance
	return out, c.request(ctx, http.MethodGet, PathAcceptance, s.Values(), nil, &out)
}

// Waive lets one thing of a machine pass.
func (c *Client) Waive(ctx context.Context, machine string, r WaiveRequest) (Waiver, error) {
	var out Waiver
	return out, c.request(ctx, http.MethodPost, PathMachines+"/"+segment(machine)+"/waivers", nil, r, &out)
}

// Waivers lists all waivers, also those that ended.
func (c *Client) Waivers(ctx context.Context) ([]Waiver, error) {
	var out WaiverList
	err := c.request(ctx, http.MethodGet, PathWaivers, nil, nil, &out)
	return out.Waivers, err
}

// WithdrawWaiver ends a waiver.
func (c *Client) WithdrawWaiver(ctx context.Context, id string) (Waiver, error) {
	var out Waiver
	return out, c.request(ctx, http.MethodDelete, PathWaivers+"/"+segment(id), nil, nil, &out)
}

// PutCriteria stores a new version of criteria (YAML or JSON), or tells all that is wrong with it.
func (c *Client) PutCriteria(ctx context.Context, text io.Reader) (Document, error) {
	return c.putDocument(ctx, PathCriteria, text)
}

// Criteria reads a version, 0: the newest.
func (c *Client) Criteria(ctx context.Context, name string, version int) (Document, error) {
	return c.document(ctx, PathCriteria, name, version)
}

// AllCriteria lists all versions of all criteria.
func (c *Client) AllCriteria(ctx context.Context) ([]Document, error) {
	var out CriteriaList
	err := c.request(ctx, http.MethodGet, PathCriteria, nil, nil, &out)
	return out.Criteria, err
}
