package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"socle/api"
	"socle/inventory"
	"socle/inventory/search"
)

// newSearchCmd is "socle search": which machines fit?
func newSearchCmd() *cobra.Command {
	var save, forget string
	var names, fieldList, saved bool
	cmd := &cobra.Command{
		Use: "search QUERY...", Short: "Find machines by what is known of them",
		Long: `A query is made of words and conditions that all have to hold: model:R650 disk.size>3TB rack:r12 -state:active.
"or" and brackets make alternatives, - or "not" says that something must not hold, and "words in quotes" are looked for
in all texts. field:value asks for whole words, = for all of the text, ~ for a part of it; a star stands for anything, and
field:* asks whether there is any; numbers are asked with : > >= < <= and !=, with their units.

What was found stands in for a range of names in other commands: "@{fault:*}", or "@name" of a saved search.

` + exitCodes,
	}
	f, o := addClientFlags(cmd), addOutputFlag(cmd)
	addFoldFlag(cmd, o, "NAME", "PLACE", "SERIAL")
	cmd.Flags().StringVar(&save, "save", "", "save the query under this name")
	cmd.Flags().StringVar(&forget, "forget", "", "take the name of a saved query away")
	cmd.Flags().BoolVar(&saved, "saved", false, "list saved queries")
	cmd.Flags().BoolVar(&fieldList, "fields", false, "list the fields that can be asked for")
	cmd.Flags().BoolVar(&names, "names", false, "print nothing but the names, folded")
	cmd.MarkFlagsMutuallyExclusive("save", "forget", "saved", "fields", "names")
	cmd.RunE = func(cmd *cobra.Command, words []string) error {
		if fieldList {
			return printFields(cmd, o)
		}
		if (forget != "" || saved) == (len(words) > 0) {
			return usageError{errors.New("name what to search for, or use --saved, --forget or --fields alone: see socle search --help")}
		}
		query := strings.Join(words, " ")
		if err := queryMark(query); err != nil {
			return err
		}
		c, err := ready(f, o)
		if err != nil {
			return err
		}
		switch {
		case forget != "":
			return c.ForgetQuery(cmd.Context(), forget)
		case saved:
			return printSaved(cmd, c, o)
		case save != "":
			_, err := c.SaveQuery(cmd.Context(), save, query)
			return err
		}
		r, err := c.Search(cmd.Context(), query)
		if err != nil {
			return err
		}
		if names {
			_, err := fmt.Fprintln(cmd.OutOrStdout(), r.Range)
			return err
		}
		return printFound(cmd, o, r)
	}
	return cmd
}

// queryMark refuses a query that cannot be read before anybody is asked, and shows where it is wrong.
func queryMark(query string) error {
	if strings.HasPrefix(query, "@") {
		return nil
	}
	_, err := search.Parse(query)
	var e *search.Error
	if errors.As(err, &e) {
		return usageError{fmt.Errorf("%w\n  %s", err, strings.ReplaceAll(e.Mark(), "\n", "\n  "))}
	}
	return err
}

func printFields(cmd *cobra.Command, o *output) error {
	if err := o.check(); err != nil {
		return err
	}
	type field struct {
		Name    string `json:"name"`
		Unit    string `json:"unit"`
		Doc     string `json:"doc"`
		Example string `json:"example"`
	}
	var all []field
	for _, f := range search.Fields() {
		unit := string(f.Unit)
		if unit == "" {
			unit = "text"
		}
		all = append(all, field{f.Name, unit, f.Doc, f.Name + ":" + f.Example})
	}
	return o.print(cmd.OutOrStdout(), all, func(row func(...string)) {
		row("FIELD", "IS", "WHAT", "EXAMPLE")
		for _, f := range all {
			row(f.Name, f.Unit, f.Doc, f.Example)
		}
	})
}

func printSaved(cmd *cobra.Command, c *api.Client, o *output) error {
	all, err := c.SavedQueries(cmd.Context())
	if err != nil {
		return err
	}
	return o.print(cmd.OutOrStdout(), api.SavedQueryList{Searches: all}, func(row func(...string)) {
		row("NAME", "QUERY", "SAVED BY", "AT")
		for _, q := range all {
			row(q.Name, q.Query, q.Actor, q.Time.Local().Format("2006-01-02 15:04:05"))
		}
	})
}

func printFound(cmd *cobra.Command, o *output, r api.SearchReply) error {
	err := o.print(cmd.OutOrStdout(), r, func(row func(...string)) {
		row("NAME", "STATE", "ROLE", "MODEL", "PLACE", "SERIAL", "NOTE")
		for _, m := range r.Machines {
			note := m.Fault
			if m.Hold != "" {
				note = strings.TrimSpace("held: " + m.Hold + " " + note)
			}
			row(m.Name, m.State, dash(m.Role), dash(m.Model), dash(placeText(m.Place)), dash(m.Serial), note)
		}
	})
	if err == nil && o.format == "table" {
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "\n%s: %s\n", strconv.Itoa(r.Count), dash(printable(r.Range)))
	}
	return err
}

// named puts names in the place of searches among ranges: "@{fault:*}" and "@name", and "-@…" takes them away again.
func named(ctx context.Context, c *api.Client, ranges []string) ([]string, error) {
	var out []string
	for _, r := range ranges {
		if !strings.Contains(r, "@") {
			out = append(out, r)
			continue
		}
		out = append(out, partsOf(r)...)
	}
	for i, r := range out {
		query, isSearch := strings.CutPrefix(strings.TrimPrefix(r, "-"), "@")
		if !isSearch {
			continue
		}
		inside, braces := strings.CutPrefix(query, "{")
		switch {
		case braces && !strings.HasSuffix(inside, "}"):
			return nil, usageError{fmt.Errorf("%s: the search has no end: a } is wanted", r)}
		case braces:
			query = strings.TrimSuffix(inside, "}")
			if err := queryMark(query); err != nil {
				return nil, err
			}
		default:
			query = "@" + query
		}
		found, err := c.Search(ctx, query)
		if err != nil {
			return nil, err
		}
		var names []string
		for _, m := range found.Machines {
			names = append(names, strings.TrimSuffix(r[:1], "@")+m.Name)
		}
		if len(names) == 0 && r[0] != '-' {
			return nil, usageError{fmt.Errorf("%s: no machine fits", r)}
		}
		out[i] = strings.Join(names, ",")
	}
	return slices.DeleteFunc(out, func(r string) bool { return r == "" }), nil
}

// partsOf parts ranges at the commas that are in no brackets or braces.
func partsOf(ranges string) []string {
	var parts []string
	depth, from := 0, 0
	for i, r := range ranges {
		switch {
		case r == '[' || r == '{':
			depth++
		case r == ']' || r == '}':
			depth--
		case r == ',' && depth == 0:
			parts = append(parts, ranges[from:i])
			from = i + 1
		}
	}
	return append(parts, ranges[from:])
}

// machinesOf names the machines of some ranges and searches.
func machinesOf(ctx context.Context, c *api.Client, ranges []string) ([]string, error) {
	names, err := named(ctx, c, ranges)
	if err != nil {
		return nil, err
	}
	return expand(names)
}

// foldedOf is machinesOf for a server that takes ranges: "" for all, where none is named.
func foldedOf(ctx context.Context, c *api.Client, ranges []string) (string, error) {
	if len(ranges) == 0 {
		return "", nil
	}
	names, err := machinesOf(ctx, c, ranges)
	return inventory.FoldNames(names), err
}
