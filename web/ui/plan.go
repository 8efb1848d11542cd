package ui

import (
	"net/url"

	"socle/api"
)

// PlanPath is the page of the planner.
const PlanPath = "/plan"

// PlanPage is what would become of machines if somebody asked for roles; nothing moves.
type PlanPage struct {
	From    string // a search; empty: all machines
	Roles   []PlanWish
	Levels  []PlanLevel
	Saved   []PlanSaved
	Problem string // why there is no plan
	Asked   bool   // with wishes: without, it is what a build-out would do
	Of      int    // how many machines were looked at
	Plan    *api.Plan
}

// PlanWish is how many of a role are wanted.
type PlanWish struct {
	Role  string
	Count string // as it was typed
}

// Field is the name of its field in the form.
func (w PlanWish) Field() string { return WantField(w.Role) }

// WantField is the name of the field for a role.
func WantField(role string) string { return "want." + role }

// PlanSaved is a search that can be asked by its name.
type PlanSaved struct{ Name, Query, Actor string }

// Link plans with what it finds.
func (s PlanSaved) Link() string { return PlanPath + "?from=" + url.QueryEscape("@"+s.Name) }

// PlanLevel is something to spread over.
type PlanLevel struct {
	Name string
	On   bool
}

// Link is the page of a machine.
func (PlanPage) Link(machine string) string { return "/machines/" + url.PathEscape(machine) }

func (PlanPage) name() string  { return "plan" }
func (PlanPage) title() string { return "Planner" }

// Clean takes from all texts what a browser should not get.
func (p PlanPage) Clean() PlanPage { return scrub(p) }
