package web

import (
	"context"
	"net/http"

	"socle/api"
	"socle/inventory"
)

// nobody is every need of the server; to call anything of it is a nil dereference.
type nobody struct {
	settingsNeed
	Disks
	Inventory
	History
	Changes
	Verbs
	Importer
	Catalogue
	Health
	BMCs
	Drives
	trustNeed
	Finder
}

// An embedded field may not have the name of the method that it brings.
type (
	settingsNeed interface{ Settings }
	trustNeed    interface{ Trust }
	ringNeed     interface{ Keyring }
	powerNeed    interface{ Power }
	homeNeed     interface{ PhoneHome }
	baselineNeed interface{ Baselines }
	campaignNeed interface{ Campaigns }
	outlierNeed  interface{ Outliers }
	mappingNeed  interface{ Mappings }
	deliverNeed  interface{ Deliveries }
	findingNeed  interface{ Findings }
	cableNeed    interface{ Cabling }
	placeNeed    interface{ Places }
	modelNeed    interface{ Models }
	netboxNeed   interface{ NetBox }
	paperNeed    interface{ Papers }
	partNeed     interface{ Parts }
	compareNeed  interface{ Compared }
	aisleNeed    interface{ Aisle }
	acceptNeed   interface{ Acceptance }
	certifyNeed  interface{ Certificates }
)

// noPower, noImages and noAgents stand apart because their methods' names are those of others.
type (
	noPower  struct{ powerNeed }
	noHome   struct{ homeNeed }
	noImages struct{ Images }
	noRing   struct{ ringNeed }
	noAgents struct{ Agents }
	noTests  struct {
		Measured
		outlierNeed
		Searches
		Planner
	}
	noFindings struct{ findingNeed }
	noCables   struct{ cableNeed }
	noPlaces   struct{ placeNeed }
	noModels   struct{ modelNeed }
	noNetBox   struct{ netboxNeed }
	noPapers   struct{ paperNeed }
	noParts    struct{ partNeed }
	noCompare  struct{ compareNeed }
	noAisle    struct{ aisleNeed }
	noVerdicts struct{ acceptNeed }
	noSeals    struct{ certifyNeed }
	noLists    struct {
		mappingNeed
		deliverNeed
	}
	noFlash struct {
		baselineNeed
		campaignNeed
	}
)

// doorkeeper knows one token.
type doorkeeper struct{}

func (doorkeeper) Authenticate(_ context.Context, bearer string) (Actor, error) {
	if bearer != "admin" {
		return Actor{}, api.NewProblem(http.StatusUnauthorized, api.ErrUnauthorized, "unknown token")
	}
	return Actor{Name: "token:admin"}, nil
}

func (noAgents) Session(_ context.Context, bearer string) (inventory.Session, error) {
	if bearer != "agent" {
		return inventory.Session{}, api.NewProblem(http.StatusUnauthorized, api.ErrUnauthorized, "unknown token")
	}
	return inventory.Session{ID: "s"}, nil
}
