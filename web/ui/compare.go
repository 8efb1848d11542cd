package ui

import (
	"cmp"
	"net/url"
	"slices"

	"socle/api"
)

// Where the page of comparisons is, and the same as CSV; the query chooses: machines, rack, delivery, and all for what is right, too.
const (
	ComparePath     = "/compare"
	CompareFilePath = "/compare/file"
)

// Compared is the page of what was ordered, racked and detected.
type Compared struct {
	api.Comparison
	Query   api.CompareQuery
	Servers []ComparedServer
	Hidden  int    // servers that do not fit on the page
	AllLink string // the same with what is right
	CSV     string // link to the whole of it as a file
}

// ComparedServer is one server of the page.
type ComparedServer struct {
	api.ComparedServer
	Link string
	Rows []ComparedRow
}

// ComparedRow is one line; its class is that of the verdict.
type ComparedRow struct {
	api.ComparedRow
	Class string
}

// maxCompared bounds the servers on the page.
const maxCompared = 200

func (Compared) name() string  { return "compare" }
func (Compared) title() string { return "Ordered, racked, detected" }

// known sorts servers of which something is wrong before those of which something is open.
func known(s api.ComparedServer) int {
	if slices.ContainsFunc(s.Rows, func(r api.ComparedRow) bool { return r.Verdict != "right" && r.Verdict != "open" }) {
		return 0
	}
	return 1
}

// Open counts the servers of which something is not known yet, and nothing is wrong.
func (c Compared) Open() int { return c.Compared - c.Right - c.Wrong }

// NewCompared makes the page.
func NewCompared(r api.Comparison, q api.CompareQuery) Compared {
	p := Compared{Comparison: scrub(r), Query: scrub(q), Hidden: max(0, len(r.Servers)-maxCompared)}
	slices.SortStableFunc(p.Comparison.Servers, func(a, b api.ComparedServer) int { return cmp.Compare(known(a), known(b)) })
	for _, s := range p.Comparison.Servers[:min(len(r.Servers), maxCompared)] {
		one := ComparedServer{ComparedServer: s, Link: "/machines/" + url.PathEscape(s.Machine)}
		for _, row := range s.Rows {
			class := "critical"
			if i := slices.Index([]string{"right", "open"}, row.Verdict); i >= 0 {
				class = []string{"ok", "unknown"}[i]
			}
			one.Rows = append(one.Rows, ComparedRow{row, class})
		}
		p.Servers = append(p.Servers, one)
	}
	p.CSV = compareLink(CompareFilePath, q)
	q.All = true
	p.AllLink = compareLink(ComparePath, q)
	return p
}

// compareLink leads to the page, or to the file.
func compareLink(path string, q api.CompareQuery) string {
	v := url.Values{}
	for name, value := range map[string]string{"machines": q.Machines, "rack": q.Rack, "delivery": q.Delivery} {
		if value != "" {
			v.Set(name, value)
		}
	}
	if q.All {
		v.Set("all", "yes")
	}
	if len(v) == 0 {
		return path
	}
	return path + "?" + v.Encode()
}
