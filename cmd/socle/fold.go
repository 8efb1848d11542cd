package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"socle/inventory"
)

// folding is how a table of machines is folded: rows of which the same is to be said become one, with the names in the way
// that ranges are written.
type folding struct {
	on    bool
	name  string   // head of the column with a machine's name
	alone []string // heads of columns that are of each machine alone, and are left out
}

// addFoldFlag gives a command that lists machines the flag --fold.
func addFoldFlag(cmd *cobra.Command, o *output, name string, alone ...string) {
	f := &folding{name: name, alone: alone}
	usage := "show machines of which the same is to be said in one row"
	if len(alone) > 0 {
		usage += ", without " + strings.ToLower(strings.Join(alone, ", "))
	}
	cmd.Flags().BoolVar(&f.on, "fold", false, usage)
	o.folds = append(o.folds, f)
}

// folding is the one that was asked for, nil: none.
func (o *output) folding() *folding {
	for _, f := range o.folds {
		if f.on {
			return f
		}
	}
	return nil
}

// table folds what table writes, up to the first row that has another number of cells than the head.
func (f *folding) table(table func(row func(cells ...string))) func(row func(cells ...string)) {
	return func(row func(cells ...string)) {
		t := foldedTable{folding: f, row: row, names: map[string][]string{}}
		table(t.take)
		t.end()
	}
}

// foldedTable is a table that is being written.
type foldedTable struct {
	*folding
	row   func(cells ...string)
	head  []string
	at    int                 // column of the name
	order [][]string          // of rows, the first of each
	names map[string][]string // by all that is the same
	over  bool
}

func (t *foldedTable) take(cells ...string) {
	switch {
	case t.head == nil && slices.Contains(cells, t.name):
		t.head, t.at = slices.Clone(cells), slices.Index(cells, t.name)
		t.row(t.same(cells)...)
	case t.head == nil || t.over || len(cells) != len(t.head):
		t.end()
		t.row(cells...)
	default:
		same := t.same(cells)
		name := same[t.place()]
		same[t.place()] = ""
		key := strings.Join(same, "\x00")
		if _, known := t.names[key]; !known {
			t.order = append(t.order, same)
		}
		t.names[key] = append(t.names[key], name)
	}
}

// same are the cells that are not of a machine alone.
func (t *foldedTable) same(cells []string) (out []string) {
	for i, c := range cells {
		if !slices.Contains(t.alone, t.head[i]) {
			out = append(out, c)
		}
	}
	return out
}

// place is the column of the name among those that are shown.
func (t *foldedTable) place() int { return len(t.same(t.head[:t.at+1])) - 1 }

// end writes the rows that were collected.
func (t *foldedTable) end() {
	t.over = t.head != nil
	for _, same := range t.order {
		names := t.names[strings.Join(same, "\x00")]
		same[t.place()] = inventory.FoldNames(names)
		t.row(same...)
	}
	t.order = nil
}
