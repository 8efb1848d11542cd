// Package rma lists, for each vendor, the parts that are to be replaced or delivered, out of what comparisons and tests found.
package rma

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"socle/inventory"
	"socle/inventory/bom"
	"socle/inventory/sheet"
)

// NoVendor is in place of a vendor that nobody said.
const NoVendor = "unknown vendor"

// Claim is one part that a vendor is asked to replace or to deliver.
type Claim struct {
	Vendor, Order                string // of the delivery; else the maker of the server
	Server, ServerSerial         string
	Model, Place                 string
	Part, PartNumber, PartSerial string
	Problem                      string // missing, wrong-part, failed, slow or unstable
	Ordered, Found, Reason       string
}

// Filter chooses claims; what is empty chooses all.
type Filter struct{ Vendor, Delivery string }

// List makes the claims of machines out of what was found of them, by vendor, order, server and part. What several tests
// found of one part is one claim with all reasons. What is minor, what a person puts right in the aisle (slots, cables, extra
// parts) and firmware are none.
func List(machines []inventory.Machine, findings []inventory.Findings, deliveries []inventory.Delivery, f Filter) []Claim {
	vendors := map[string]string{}
	for _, d := range deliveries {
		vendors[strings.ToLower(d.Number)] = d.Vendor
	}
	of := map[string][]inventory.Finding{}
	for _, list := range findings {
		of[list.Machine] = append(of[list.Machine], list.List...)
	}
	var all []Claim
	for i := range machines {
		m := &machines[i]
		head := header(m, vendors[strings.ToLower(m.Delivery)])
		if f.Vendor != "" && !strings.EqualFold(f.Vendor, head.Vendor) || f.Delivery != "" && !strings.EqualFold(f.Delivery, m.Delivery) {
			continue
		}
		all = append(all, claims(m, head, of[m.ID])...)
	}
	slices.SortStableFunc(all, func(a, b Claim) int {
		return cmp.Or(cmp.Compare(a.Vendor, b.Vendor), cmp.Compare(a.Order, b.Order), cmp.Compare(a.Server, b.Server), cmp.Compare(a.Part, b.Part))
	})
	return all
}

// header is what all claims of a machine have in common.
func header(m *inventory.Machine, vendor string) Claim {
	c := Claim{Vendor: vendor, Order: m.Delivery, Server: m.Name, ServerSerial: m.Serial(), Model: m.Model, Place: m.Place.Spot()}
	if m.Facts != nil {
		c.ServerSerial = cmp.Or(c.ServerSerial, m.Facts.System.Serial)
		c.Model = cmp.Or(m.Facts.System.Product, m.Model)
		c.Vendor = cmp.Or(c.Vendor, m.Facts.System.Manufacturer)
	}
	c.Vendor = cmp.Or(strings.TrimSpace(c.Vendor), NoVendor)
	return c
}

// claims are those of one machine.
func claims(m *inventory.Machine, head Claim, found []inventory.Finding) (all []Claim) {
	found = slices.Clone(found)
	inventory.SortFindings(found)
	var parts []bom.Part
	if m.Facts != nil {
		parts = bom.Parts(*m.Facts)
	}
	at := map[string]int{}
	for _, f := range found {
		if !claimed(f) {
			continue
		}
		c := head
		c.Part, c.PartNumber, c.PartSerial, c.Problem = f.Subject, f.Part, f.Serial, string(f.Kind)
		c.Ordered, c.Found, c.Reason = f.Want, f.Got, f.Reason
		if i := slices.IndexFunc(parts, func(p bom.Part) bool { return f.Serial != "" && p.Serial == bom.Plain(f.Serial) }); i >= 0 {
			c.PartNumber = cmp.Or(c.PartNumber, parts[i].Number)
		}
		key := cmp.Or(bom.Plain(c.PartSerial), c.Part)
		i, known := at[key]
		if !known {
			at[key] = len(all)
			all = append(all, c)
			continue
		}
		if !strings.Contains(all[i].Reason, c.Reason) {
			all[i].Reason += "; " + c.Reason
		}
		all[i].PartNumber = cmp.Or(all[i].PartNumber, c.PartNumber)
	}
	return all
}

// claimed tells whether a vendor has to do with a finding.
func claimed(f inventory.Finding) bool {
	if f.Minor || !slices.Contains([]inventory.FindingSource{inventory.FromParts, inventory.FromBurnIn, inventory.FromOutlier}, f.Source) {
		return false
	}
	switch f.Kind {
	case inventory.FindMissing, inventory.FindWrongPart, inventory.FindFailed:
		return true
	case inventory.FindSlow, inventory.FindUnstable:
		return f.Part != "" || f.Serial != "" // else it may be a cable, or a setting
	default:
		return false
	}
}

// Vendors are those of some claims, each once, in their order.
func Vendors(all []Claim) (names []string) {
	for _, c := range all {
		if !slices.Contains(names, c.Vendor) {
			names = append(names, c.Vendor)
		}
	}
	return names
}

// Write writes claims as CSV.
func Write(w io.Writer, all []Claim) error {
	rows := make([][]string, 0, len(all))
	for _, c := range all {
		rows = append(rows, []string{c.Vendor, c.Order, c.Server, c.ServerSerial, c.Model, c.Place, c.Part, c.PartNumber, c.PartSerial, c.Problem, c.Ordered, c.Found, c.Reason})
	}
	header := []string{"vendor", "order", "server", "server_serial", "model", "place", "part", "part_number", "part_serial", "problem", "ordered", "found", "reason"}
	if err := sheet.Write(w, header, rows); err != nil {
		return fmt.Errorf("writing the list of parts to send back: %w", err)
	}
	return nil
}
