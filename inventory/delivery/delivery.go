// Package delivery reads the lines of purchase orders: what was ordered, how much of it, and at which price.
package delivery

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"socle/inventory"
	"socle/inventory/sheet"
)

// Layout is what the lines of orders are to be like. A file may hold several orders.
func Layout() sheet.Layout {
	return sheet.Layout{
		What: "order", Rows: "lines",
		AnyOf:    []string{"quantity"},
		Optional: []string{"number", "vendor", "ordered", "expected", "line", "part_number", "model", "description", "unit_price", "currency"},
		MaxRows:  20_000,
	}
}

const (
	maxQuantity = 100_000
	day         = "2006-01-02"
)

// number is what can stand in a path, and on an order.
var number = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9 ._+#-]{0,62}[A-Za-z0-9]$|^[A-Za-z0-9]$`)

var currency = regexp.MustCompile(`^[A-Z]{3}$`)

// Number tells whether a text can be the number of an order.
func Number(text string) bool { return number.MatchString(text) }

// Day reads a date as it is written in ISO 8601, "2026-11-26".
func Day(text string) (time.Time, error) { return time.Parse(day, text) }

// Read reads orders, see sheet.ReadFrom; what the file does not say of an order, is as in defaults.
func Read(src sheet.Source, m *sheet.Mapping, defaults inventory.Delivery) ([]inventory.Delivery, error) {
	p := &parser{defaults: defaults, at: map[string]int{}}
	if err := sheet.ReadFrom(src, m, Layout(), p.line); err != nil {
		return nil, err
	}
	return p.all, nil
}

type parser struct {
	defaults inventory.Delivery
	all      []inventory.Delivery
	at       map[string]int // number in lower case → in all
}

// line reads one line of an order.
func (p *parser) line(l *sheet.Line) {
	d := p.order(l)
	o := inventory.OrderLine{
		PartNumber: l.Text("part_number"), Model: l.Text("model"), Description: short(l), Quantity: count(l, "quantity", maxQuantity), Line: count(l, "line", 1_000_000),
		Currency: strings.ToUpper(l.Get("currency")),
	}
	if l.Get("quantity") == "" {
		l.Fail("quantity", "it is empty")
	}
	if o.Currency != "" && !currency.MatchString(o.Currency) {
		l.Fail("currency", "%s is no currency: write its three letters (ISO 4217), such as EUR", sheet.Quote(o.Currency))
	}
	if v := l.Get("unit_price"); v != "" {
		var err error
		if o.UnitPrice, err = inventory.ParseAmount(v); err != nil {
			l.Fail("unit_price", "%s is no price: write it as 1234.50, with at most four decimals", sheet.Quote(v))
		} else if o.Currency == "" {
			l.Fail("currency", "it is empty, though there is a unit_price")
		}
	}
	if o.PartNumber == "" && o.Model == "" && o.Description == "" {
		l.Fail("description", "neither part_number nor model nor description say what was ordered")
	}
	if !l.OK() {
		return
	}
	p.add(l, d, o)
}

// order is what a line says of the whole order.
func (p *parser) order(l *sheet.Line) inventory.Delivery {
	d := inventory.Delivery{
		Number: cmp.Or(l.Text("number"), p.defaults.Number), Vendor: cmp.Or(l.Text("vendor"), p.defaults.Vendor),
		Ordered: date(l, "ordered", p.defaults.Ordered), Expected: date(l, "expected", p.defaults.Expected),
	}
	if !Number(d.Number) {
		l.Fail("number", "%s is no number of an order: use letters, digits and . _ + # - (64 at most), or give it beside the file", sheet.Quote(d.Number))
	}
	return d
}

// add puts a line into its order.
func (p *parser) add(l *sheet.Line, d inventory.Delivery, o inventory.OrderLine) {
	key := strings.ToLower(d.Number)
	i, known := p.at[key]
	if !known {
		i = len(p.all)
		p.at[key], p.all = i, append(p.all, d)
	}
	at := &p.all[i]
	for _, c := range []struct{ column, first, here string }{
		{"vendor", at.Vendor, d.Vendor}, {"ordered", written(at.Ordered), written(d.Ordered)}, {"expected", written(at.Expected), written(d.Expected)},
	} {
		if c.first != c.here {
			l.Fail(c.column, "order %s has %s in its first line and %s here", d.Number, sheet.Quote(c.first), sheet.Quote(c.here))
		}
	}
	if o.Line == 0 {
		for o.Line = 1; slices.ContainsFunc(at.Lines, func(x inventory.OrderLine) bool { return x.Line == o.Line }); {
			o.Line++
		}
	}
	if l.Claim("line", key+"\x00"+strconv.Itoa(o.Line), "line "+strconv.Itoa(o.Line)+" of order "+d.Number) {
		at.Lines = append(at.Lines, o)
	}
}

func written(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(day)
}

// short is a description; lists of vendors have long ones.
func short(l *sheet.Line) string {
	const most = 500
	v := l.Get("description")
	if len([]rune(v)) > most {
		l.Fail("description", "it has %d characters, at most %d are allowed", len([]rune(v)), most)
	}
	return v
}

// count is a whole number from 1; 0 for an empty field.
func count(l *sheet.Line, column string, most int) int {
	v := l.Get(column)
	if v == "" {
		return 0
	}
	n, err := strconv.Atoi(strings.TrimSuffix(v, ".0"))
	if err != nil || n < 1 || n > most {
		l.Fail(column, "%s is no number from 1 to %d", sheet.Quote(v), most)
		return 0
	}
	return n
}

func date(l *sheet.Line, column string, otherwise time.Time) time.Time {
	v := l.Get(column)
	if v == "" {
		return otherwise
	}
	t, err := Day(v)
	if err != nil {
		l.Fail(column, "%s is no date: write it as 2026-11-26", sheet.Quote(v))
	}
	return t
}
