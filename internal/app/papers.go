package app

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode"

	"socle/api"
	"socle/inventory"
	"socle/inventory/cabling"
	"socle/inventory/label"
	"socle/inventory/rma"
	"socle/inventory/store"
	"socle/paper"
)

// The defaults of labels: a sheet that every shop has, and a roll for label printers of the least resolution.
const (
	sheetLayout = "a4-3x7"
	rollLayout  = "roll-50x25"
	rollDPI     = 203
)

// papers makes what is printed and sent out of what the store knows.
type papers struct {
	store *store.Store
	now   func() time.Time
}

// Labels implements web.Papers.
func (p papers) Labels(ctx context.Context, q api.LabelQuery) (api.File, error) {
	zpl := q.Format == "zpl"
	name := sheetLayout
	if zpl {
		name = rollLayout
	}
	layout, err := paper.FindLayout(cmp.Or(q.Layout, name))
	if err != nil {
		return api.File{}, refusedPaper(err)
	}
	machines, err := p.chosen(ctx, q.Machines, q.Rack, p.store.Roster)
	if err != nil {
		return api.File{}, err
	}
	plan, err := p.store.Cables(ctx)
	if err != nil {
		return api.File{}, err
	}
	made := label.Servers(machines, plan)
	if q.Cables {
		if made = label.Cables(cablesOf(machines, plan)); len(made) == 0 {
			return api.File{}, api.NewProblem(http.StatusNotFound, api.ErrNotFound, "the cabling plan has no cables of these machines")
		}
	}
	labels := make([]paper.Label, 0, len(made))
	for _, l := range made {
		labels = append(labels, paper.Label{Code: l.Code, Title: l.Title, Lines: l.Lines})
	}
	var out io.WriterTo
	file := api.File{Name: "labels.pdf", ContentType: "application/pdf"}
	if zpl {
		out, file = paper.Roll{Layout: layout, Labels: labels, DPI: cmp.Or(q.DPI, rollDPI)}, api.File{Name: "labels.zpl", ContentType: "application/octet-stream"}
	} else {
		out = paper.Sheet{Info: paper.Info{Title: "Labels", Created: p.now()}, Layout: layout, Labels: labels, Skip: max(q.Start-1, 0), Outline: q.Outline}
	}
	return written(file, out)
}

// cablesOf are the cables of some machines, in the plan's order.
func cablesOf(machines []inventory.Machine, plan []cabling.Cable) []cabling.Cable {
	names := map[string]bool{}
	for _, m := range machines {
		names[strings.ToLower(m.Name)] = true
	}
	return slices.DeleteFunc(plan, func(c cabling.Cable) bool { return !names[strings.ToLower(c.Server)] })
}

// chosen are the machines of a range and a rack, those of a rack from below.
func (p papers) chosen(ctx context.Context, names, rack string, read func(context.Context) ([]inventory.Machine, error)) ([]inventory.Machine, error) {
	wanted, err := named(names)
	if err != nil {
		return nil, err
	}
	all, err := read(ctx)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(m inventory.Machine) bool {
		return !wanted(m.Name) || rack != "" && !m.Place.InRack(rack)
	})
	if len(all) == 0 {
		return nil, api.NewProblem(http.StatusNotFound, api.ErrNotFound, "no machine fits")
	}
	slices.SortStableFunc(all, func(a, b inventory.Machine) int {
		return cmp.Or(cmp.Compare(a.Place.RackName(), b.Place.RackName()), cmp.Compare(a.Place.U, b.Place.U))
	})
	return all, nil
}

// written is a file with what writes itself; what it refuses is what was asked for.
func written(f api.File, w io.WriterTo) (api.File, error) {
	var b bytes.Buffer
	if _, err := w.WriteTo(&b); err != nil {
		return api.File{}, refusedPaper(err)
	}
	f.Body = b.Bytes()
	return f, nil
}

func refusedPaper(err error) error {
	return api.NewProblem(http.StatusUnprocessableEntity, api.ErrInvalid, err.Error())
}

// RMA implements web.Papers.
func (p papers) RMA(ctx context.Context, q api.RMAQuery) (api.ClaimList, error) {
	out := api.ClaimList{Vendors: []string{}, Claims: []api.Claim{}}
	all, err := p.claims(ctx, q)
	for _, c := range all {
		out.Claims = append(out.Claims, api.Claim(c))
	}
	out.Vendors = append(out.Vendors, rma.Vendors(all)...)
	return out, err
}

func (p papers) claims(ctx context.Context, q api.RMAQuery) ([]rma.Claim, error) {
	machines, err := p.chosen(ctx, q.Machines, q.Rack, p.store.Machines)
	if err != nil {
		return nil, err
	}
	findings, err := p.store.Findings(ctx, "")
	if err != nil {
		return nil, err
	}
	deliveries, err := p.store.Deliveries(ctx)
	if err != nil {
		return nil, err
	}
	return rma.List(machines, findings, deliveries, rma.Filter{Vendor: q.Vendor, Delivery: q.Delivery}), nil
}

// RMAFile implements web.Papers. A file is for one vendor.
func (p papers) RMAFile(ctx context.Context, q api.RMAQuery, format string) (api.File, error) {
	all, err := p.claims(ctx, q)
	if err != nil {
		return api.File{}, err
	}
	vendors := rma.Vendors(all)
	switch len(vendors) {
	case 0:
		return api.File{}, api.NewProblem(http.StatusNotFound, api.ErrNotFound, "nothing is to be replaced or delivered")
	case 1:
	default:
		return api.File{}, refusedPaper(fmt.Errorf("a file is for one vendor: say which, of %s", strings.Join(vendors, ", ")))
	}
	name := "rma-" + fileWord(vendors[0])
	if format == "pdf" {
		return written(api.File{Name: name + ".pdf", ContentType: "application/pdf"}, p.letter(vendors[0], all))
	}
	var b bytes.Buffer
	if err := rma.Write(&b, all); err != nil {
		return api.File{}, err
	}
	return api.File{Name: name + ".csv", ContentType: "text/csv; charset=utf-8", Body: b.Bytes()}, nil
}

// fileWord is a name with nothing in it that means something in a path.
func fileWord(name string) string {
	return strings.Join(strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }), "-")
}

// letter is the list for people, in the order of its claims.
func (p papers) letter(vendor string, all []rma.Claim) *paper.Document {
	servers, orders := map[string]bool{}, []string{}
	for _, c := range all {
		servers[c.Server] = true
		if c.Order != "" && !slices.Contains(orders, c.Order) {
			orders = append(orders, c.Order)
		}
	}
	now := p.now()
	d := paper.New(paper.Info{Title: "Parts to replace or to deliver", Subtitle: vendor, Author: "socle", Footer: "socle, " + now.UTC().Format("2 Jan 2006"), Created: now, Landscape: true})
	d.Facts(paper.Pair{Name: "Orders", Value: strings.Join(orders, ", ")}, paper.Pair{Name: "Parts", Value: fmt.Sprint(len(all))}, paper.Pair{Name: "Servers", Value: fmt.Sprint(len(servers))})
	t := paper.Table{Columns: []paper.Column{{Title: "Order", Width: 2}, {Title: "Server", Width: 2}, {Title: "Server serial", Width: 2.4, Mono: true}, {Title: "Place", Width: 2.2}, {Title: "Part", Width: 2.4},
		{Title: "Part number", Width: 3, Mono: true}, {Title: "Part serial", Width: 3, Mono: true}, {Title: "Problem", Width: 1.8}, {Title: "Reason", Width: 6}}}
	for _, c := range all {
		t.Rows = append(t.Rows, []string{c.Order, c.Server, c.ServerSerial, c.Place, c.Part, c.PartNumber, c.PartSerial, c.Problem, c.Reason})
	}
	d.Table(t)
	return d
}
