package api

import (
	"context"
	"net/http"
)

// PathPlan asks what would become of machines.
const PathPlan = "/api/v1/plan"

// PlanRequest says which roles are wanted how often, and of which machines. Nothing moves.
type PlanRequest struct {
	// Wants is empty for the role that each machine would be given by a build-out.
	Wants    []RoleCount `json:"wants,omitempty" maxItems:"50" doc:"empty: the role that each machine would be given by a build-out"`
	Machines []string    `json:"machines,omitempty" maxItems:"10000" doc:"names, serials or IDs; empty: all"`
	Spread   []string    `json:"spread,omitempty" maxItems:"5" enum:"site,room,row,rack,feed" doc:"over what machines of a role are spread, each within the one before"`
}

// RoleCount is a role and how many.
type RoleCount struct {
	Role  string `json:"role" minLength:"1" maxLength:"64"`
	Count int    `json:"count" minimum:"1" maximum:"10000"`
}

// Plan is who would get which role.
type Plan struct {
	Chosen []PlanChoice  `json:"chosen"`
	Short  []RoleCount   `json:"short" doc:"what is missing"`
	Spare  []PlanLeft    `json:"spare" doc:"machines that could have one of the roles and are not needed"`
	Unfit  []PlanLeft    `json:"unfit" doc:"machines that can have none of them, and why"`
	Spread []PlanPlace   `json:"spread" doc:"how many of a role stand where"`
	Ranges []PlanMembers `json:"ranges" doc:"the chosen ones by role, folded"`
}

// PlanChoice is one machine that would get a role.
type PlanChoice struct {
	Machine  string `json:"machine"`
	Role     string `json:"role"`
	Place    string `json:"place,omitempty"`
	Findings int    `json:"findings,omitempty" doc:"what was found of it; it is taken because there are no others"`
}

// PlanLeft is one machine that would get none.
type PlanLeft struct {
	Machine string   `json:"machine"`
	Fits    []string `json:"fits,omitempty"`
	Why     []string `json:"why,omitempty"`
}

// PlanPlace is how many machines of a role stand in one place.
type PlanPlace struct {
	Role  string `json:"role"`
	Place string `json:"place"`
	Count int    `json:"count"`
}

// PlanMembers are the machines of one role.
type PlanMembers struct {
	Role     string `json:"role"`
	Count    int    `json:"count"`
	Machines string `json:"machines" doc:"a range of names"`
}

// Plan asks what would become of machines. Nothing moves.
func (c *Client) Plan(ctx context.Context, r PlanRequest) (Plan, error) {
	var out Plan
	return out, c.request(ctx, http.MethodPost, PathPlan, nil, r, &out)
}
