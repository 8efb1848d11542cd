package sheet

import (
	"slices"
	"strings"
)

// group collects rows that belong to one thing.
type group struct {
	lines []*Line
	by    map[string]*Line
	last  *Line
}

// take passes a line on, or adds it to the one that it belongs to.
func (g *group) take(r *reader, l *Line) {
	if r.mapping == nil || r.mapping.RowsOf == "" {
		r.each(l)
		return
	}
	key := strings.ToLower(l.Get(r.mapping.RowsOf))
	of := g.by[key]
	if key == "" {
		of = g.last
	}
	if of == nil {
		if g.by == nil {
			g.by = map[string]*Line{}
		}
		g.lines = append(g.lines, l)
		if key != "" {
			g.by[key] = l
		}
		g.last = l
		return
	}
	g.last = of
	for _, column := range sorted(l.values) {
		of.join(r, l, column)
	}
}

// join adds what another row says of the same thing.
func (l *Line) join(r *reader, other *Line, column string) {
	had, more := strings.TrimSpace(l.values[column]), strings.TrimSpace(other.values[column])
	sep, list := r.layout.Lists[column]
	switch {
	case more == "" || had == more:
	case had == "":
		l.values[column] = other.values[column]
	case list:
		all := strings.Split(had, sep)
		for _, v := range strings.Split(more, sep) {
			if v = strings.TrimSpace(v); !slices.Contains(all, v) {
				all = append(all, v)
			}
		}
		l.values[column] = strings.Join(all, sep)
	case slices.Contains(r.layout.Secret, column):
		other.Fail(column, "line %d of the same %s says something else", l.Number, r.mapping.RowsOf)
	default:
		other.Fail(column, "it is %s here, and %s in line %d of the same %s", Quote(more), Quote(had), l.Number, r.mapping.RowsOf)
	}
	l.ok = l.ok && other.ok
}

// flush passes on what was collected.
func (g *group) flush(r *reader) {
	for _, l := range g.lines {
		r.mapping.fill(l.values)
		r.each(l)
	}
	g.lines = nil
}
