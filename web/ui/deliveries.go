package ui

import (
	"time"

	"socle/api"
	"socle/inventory"
)

// Deliveries is the page of what was ordered and how much of it has come.
type Deliveries struct {
	NotSeen int
	Orders  []Order
}

func (Deliveries) name() string  { return "deliveries" }
func (Deliveries) title() string { return "Deliveries" }

// Order is one purchase order.
type Order struct {
	Number, Vendor, Ordered, Expected string
	Verdicts, Certificates, Claims    string // links to what is accepted of it, what was written down, and what its vendor is to replace
	NotSeen                           int
	Lines                             []inventory.LineProgress
	Other                             []inventory.OrderLine
	Extra                             []string
}

// NewDeliveries makes the page.
func NewDeliveries(all []inventory.Progress, notSeen int) Deliveries {
	p := Deliveries{NotSeen: notSeen}
	for _, d := range all {
		of := api.AcceptanceScope{Delivery: d.Number}
		p.Orders = append(p.Orders, Order{
			Number: d.Number, Vendor: d.Vendor, Ordered: day(d.Ordered), Expected: day(d.Expected), NotSeen: d.NotSeen(), Verdicts: acceptanceLink(of), Certificates: certificatesLink(of), Claims: claimsLink(ClaimsPath, api.RMAQuery{Delivery: d.Number}, ""), Lines: d.Lines, Other: d.Other, Extra: d.Extra,
		})
	}
	return p
}

func day(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.DateOnly)
}
