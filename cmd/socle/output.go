package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"gopkg.in/yaml.v3"
)

// output is how a command shows its result.
type output struct {
	format string
	csv    bool       // this command can write CSV, and does so itself
	folds  []*folding // of the commands that have the flag --fold
}

// addOutputFlag gives a command, and those below it, the flag -o.
func addOutputFlag(cmd *cobra.Command) *output {
	o := &output{}
	cmd.PersistentFlags().StringVarP(&o.format, "output", "o", "table", o.formats())
	return o
}

// formatCSV is for commands that call takesCSV.
const formatCSV = "csv"

// takesCSV lets a command be asked for CSV, which it writes without print.
func (o *output) takesCSV(cmd *cobra.Command) {
	o.csv = true
	cmd.PersistentFlags().Lookup("output").Usage = o.formats()
}

// formats are those that can be asked for, in words.
func (o *output) formats() string {
	if o.csv {
		return "table, csv, json or yaml"
	}
	return "table, json or yaml"
}

// print shows v as JSON or YAML, or calls table to write rows whose cells are parted by tabs.
func (o *output) print(w io.Writer, v any, table func(row func(cells ...string))) error {
	switch o.format {
	case "json":
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(v)
	case "yaml":
		return printYAML(w, v)
	case "table":
		if f := o.folding(); f != nil {
			table = f.table(table)
		}
		tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		table(func(cells ...string) {
			for i, c := range cells {
				cells[i] = printable(c)
			}
			_, _ = fmt.Fprintln(tw, strings.Join(cells, "\t")) // Flush tells
		})
		return tw.Flush()
	default:
		return usageError{fmt.Errorf("unknown output %q: use %s", o.format, o.formats())}
	}
}

// check refuses a format before anything is done.
func (o *output) check() error {
	switch o.format {
	case "table":
		return nil
	case formatCSV:
		if o.csv {
			return nil
		}
	case "json", "yaml":
		if o.folding() != nil {
			return usageError{fmt.Errorf("--fold is for tables, not for %s", o.format)}
		}
		return nil
	}
	return usageError{fmt.Errorf("unknown output %q: use %s", o.format, o.formats())}
}

// printYAML writes the same names and order as JSON has.
func printYAML(w io.Writer, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encoding the result: %w", err)
	}
	var n yaml.Node // JSON is YAML; the node keeps the order
	if err := yaml.Unmarshal(text, &n); err != nil {
		return fmt.Errorf("encoding the result: %w", err)
	}
	block(&n)
	e := yaml.NewEncoder(w)
	e.SetIndent(2)
	if err := e.Encode(&n); err != nil {
		return fmt.Errorf("encoding the result: %w", err)
	}
	return e.Close()
}

// block takes JSON's own style off a tree of nodes; a text that would read as something else is quoted again.
func block(n *yaml.Node) {
	n.Style = 0
	for _, c := range n.Content {
		block(c)
	}
}

// printable keeps what machines say of themselves from steering the terminal.
func printable(s string) string {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, string(unicode.ReplacementChar))
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			return ' '
		case !unicode.IsPrint(r):
			return unicode.ReplacementChar
		}
		return r
	}, s)
}

// dash is what an empty cell shows.
func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// since says how long ago t was.
func since(t time.Time) string {
	d := time.Since(t).Round(time.Second)
	if d > 48*time.Hour {
		return fmt.Sprintf("%dd", int(d.Hours()/24))
	}
	return d.String()
}
