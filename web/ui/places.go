package ui

import (
	"fmt"
	"html/template"
	"net/url"
	"slices"
	"strings"

	"socle/api"
	"socle/inventory"
)

// RackPath is where the page of a rack is; the query "rack" names it.
const RackPath = "/places/rack"

// LabelsPath makes the labels of a rack's servers; the query "rack" names it, "format" is pdf or zpl.
const LabelsPath = "/places/labels"

// PhotoPath takes a picture of a label; the query "rack" names the rack, as that of RackPath does.
const PhotoPath = "/places/photo"

// Places is the page of all racks.
type Places struct{ Racks []PlacedRack }

func (Places) name() string  { return "places" }
func (Places) title() string { return "Racks" }

// PlacedRack is one line of it.
type PlacedRack struct {
	api.RackSummary
	Link string
}

// NewPlaces makes the page.
func NewPlaces(all api.Places) Places {
	var p Places
	for _, r := range all.Racks {
		p.Racks = append(p.Racks, PlacedRack{r, rackLink(r.Name)})
	}
	return p
}

// maxRackName bounds a name in a link; longer ones are none that a plan can give.
const maxRackName = 300

func rackLink(name string) string {
	if len(name) > maxRackName {
		return RackPath
	}
	return RackPath + "?" + url.Values{"rack": {name}}.Encode()
}

// RackPage is what stands in a rack, and what is still wrong there.
type RackPage struct {
	api.Elevation
	Link, Photo     string
	Labels          string // where its labels are made
	Cables          string // link to the page of the rack's cables
	Verdicts        string // link to what is accepted of it
	Certificates    string // link to what was written down of it
	Claims          string // link to what vendors are to replace in it
	Drawing         template.HTML
	Next            *api.ElevationItem // the next server to rack; nil: all are
	Left            int                // how many are still to be racked
	Undone          []UndoneItem
	Racked, Refused string // what became of the last code that was scanned
}

func (RackPage) name() string    { return "rack" }
func (p RackPage) title() string { return "Rack " + p.Name }

// UndoneItem is one thing that is wrong.
type UndoneItem struct{ Where, Machine, Link, What, Remedy string }

// Fill says what is known of the rack. The drawing is SVG in which all texts are escaped.
func (p *RackPage) Fill(e api.Elevation, drawing string) {
	p.Elevation, p.Link = e, rackLink(e.Name)
	p.Photo = strings.Replace(p.Link, RackPath, PhotoPath, 1)
	p.Labels = strings.Replace(p.Link, RackPath, LabelsPath, 1)
	p.Cables, p.Claims = Cabling{}.Link(e.Name), claimsLink(ClaimsPath, api.RMAQuery{Rack: e.Name}, "")
	p.Verdicts, p.Certificates = acceptanceLink(api.AcceptanceScope{Rack: e.Name}), certificatesLink(api.AcceptanceScope{Rack: e.Name})
	p.Drawing = template.HTML(drawing) //nolint:gosec // elevation escapes what it draws, see its tests
	for _, problem := range e.Problems {
		p.Undone = append(p.Undone, UndoneItem{What: problem, Remedy: "correct the plan, or move one of them"})
	}
	for _, c := range e.Conflicts {
		p.Undone = append(p.Undone, UndoneItem{Machine: c.Machine, Link: ConflictsPath, What: "done in the aisle, and known otherwise: " + strings.Join(c.Why, "; "), Remedy: "look where it stands, and decide"})
	}
	for _, i := range slices.Concat(e.Items, e.Loose) {
		server := i.Kind == "server"
		if server && i.Racked == nil && i.State == string(inventory.Expected) {
			if p.Left++; p.Next == nil {
				p.Next = &i
			}
			continue // that it is not there yet is no fault
		}
		for _, w := range i.Wrong {
			u := UndoneItem{Machine: i.Name, What: w.What, Remedy: w.Remedy}
			if i.Place.U > 0 {
				u.Where = fmt.Sprintf("U %d", i.Place.U)
			}
			if server {
				u.Link = "/machines/" + url.PathEscape(i.Name)
			}
			p.Undone = append(p.Undone, u)
		}
	}
}

// Spot says where the next server goes.
func (p RackPage) Spot() string {
	at := inventory.Place(p.Next.Place)
	if at.Face == inventory.Rear {
		return at.Units() + " at the rear"
	}
	return at.Units()
}

// Clear are the free units for servers of full depth, in words.
func (p RackPage) Clear() string {
	var runs []string
	for _, s := range p.FreeBoth {
		run := fmt.Sprint(s.From)
		if s.To > s.From {
			run = fmt.Sprintf("%d–%d", s.From, s.To)
		}
		runs = append(runs, run)
	}
	return strings.Join(runs, ", ")
}
