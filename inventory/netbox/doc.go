// Package netbox reads and writes what NetBox knows of a data centre: the CSV files of its bulk import and the JSON of its
// REST API, as far as Socle has a use for them. What it reads becomes lines of a manifest, a floor plan and a cabling
// plan, checked by their own packages; what it writes NetBox takes in the order of the files' names.
//
// Column names are those of netbox/dcim/forms/bulk_import.py of NetBox 3.6 to 4.6, fields of JSON those of its serializers.
// It knows no database and no network, and no password ever passes through it.
package netbox

import (
	"fmt"

	"socle/inventory"
)

// Kind is a kind of NetBox's objects, by the last part of its path in the REST API.
type Kind string

// The kinds that are read and written.
const (
	Sites         Kind = "sites"
	Locations     Kind = "locations"
	Racks         Kind = "racks"
	Manufacturers Kind = "manufacturers"
	DeviceTypes   Kind = "device-types"
	DeviceRoles   Kind = "device-roles"
	Devices       Kind = "devices"
	Interfaces    Kind = "interfaces"
	MACAddresses  Kind = "mac-addresses" // since 4.2; before it, interfaces have one
	Cables        Kind = "cables"
	PowerPanels   Kind = "power-panels"
	PowerFeeds    Kind = "power-feeds"
)

// Wanted lists what is asked of a NetBox that is read live, each at /api/dcim/KIND/.
func Wanted() []Kind {
	return []Kind{Locations, Racks, PowerFeeds, DeviceTypes, Devices, Interfaces, MACAddresses, Cables}
}

// Data is what was read, by kind.
type Data struct {
	records map[Kind][]record
	// Notes say what was not used, and why, in words.
	Notes []string
}

func (d *Data) add(k Kind, all ...record) {
	if d.records == nil {
		d.records = map[Kind][]record{}
	}
	d.records[k] = append(d.records[k], all...)
}

func (d *Data) note(format string, args ...any) {
	d.Notes = append(d.Notes, fmt.Sprintf(format, args...))
}

// Count tells how many objects of a kind were read.
func (d *Data) Count(k Kind) int { return len(d.records[k]) }

// record is one object, by the names of the columns of its import form, which are also those of the REST API.
type record struct {
	where  string // "devices.csv, line 3", "devices.json, number 17 (hv01)"
	line   int    // of a CSV file; 0 of JSON
	fields map[string]string
}

func (r record) get(column string) string { return r.fields[column] }

// Problem is one thing that is wrong with what was read.
type Problem struct {
	Where   string // file, line and column
	Message string
}

// Problems is all that is wrong; nothing is imported with any.
type Problems []Problem

// Error lists them, one a line.
func (p Problems) Error() string {
	text := "reading NetBox's objects: " + inventory.Plural(len(p), "error") + ", nothing was imported"
	for _, x := range p {
		text += "\n  " + x.Where + ": " + x.Message
	}
	return text
}

// maxProblems is how many are told.
const maxProblems = 100

func (p *Problems) add(where, format string, args ...any) {
	if len(*p) < maxProblems {
		*p = append(*p, Problem{where, fmt.Sprintf(format, args...)})
	}
}
