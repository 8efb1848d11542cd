package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"socle/api"
	"socle/inventory"
	"socle/inventory/sheet"
)

// newCompareCmd is "socle compare": is what came what was ordered, and where it was to go?
func newCompareCmd() *cobra.Command {
	var q api.CompareQuery
	cmd := &cobra.Command{
		Use: "compare [RANGE...]", Short: "Compare what was ordered, racked and detected: servers, places and parts",
		Long: `Ordered is what manifests, deliveries and models say; racked what a person said who put a server in ("socle rack"); detected what the
agent saw, and the place to which a server's cables belong. Without --all only what is not right is shown: open is what is not known
yet, everything else is wrong. Servers of which the same is to be said are shown together; with -o csv each has rows of its own, without
the lines of deliveries.

` + exitCodes + " Also " + strconv.Itoa(exitBelow) + " something is wrong.",
	}
	f, o := addClientFlags(cmd), addOutputFlag(cmd)
	o.takesCSV(cmd)
	cmd.Flags().StringVar(&q.Rack, "rack", "", "only servers that are planned in this rack")
	cmd.Flags().StringVar(&q.Delivery, "delivery", "", "only servers of this delivery")
	cmd.Flags().BoolVar(&q.All, "all", false, "also what is right")
	cmd.RunE = func(cmd *cobra.Command, ranges []string) error {
		c, err := ready(f, o)
		if err != nil {
			return err
		}
		if q.Machines, err = foldedOf(cmd.Context(), c, ranges); err != nil {
			return err
		}
		r, err := c.Compare(cmd.Context(), q)
		if err != nil {
			return err
		}
		return showCompared(cmd, o, r)
	}
	return cmd
}

func showCompared(cmd *cobra.Command, o *output, r api.Comparison) error {
	if err := printCompared(cmd.OutOrStdout(), o, r); err != nil {
		return err
	}
	if r.Wrong == 0 {
		return nil
	}
	var wrong []string
	for _, s := range r.Servers {
		for _, x := range s.Rows {
			if x.Verdict != "right" && x.Verdict != "open" {
				wrong = append(wrong, s.Machine)
				break
			}
		}
	}
	return verdictError{exitBelow, "not as ordered: " + inventory.FoldNames(wrong)}
}

func printCompared(w io.Writer, o *output, r api.Comparison) error {
	if o.format == formatCSV {
		header, rows := r.Table()
		return sheet.Write(w, header, rows)
	}
	if len(r.Orders) > 0 && o.format == "table" {
		err := o.print(w, r, func(row func(...string)) {
			row("DELIVERY", "LINE", "MODEL", "ORDERED", "ANNOUNCED", "RACKED", "DETECTED")
			for _, l := range r.Orders {
				row(l.Delivery, strconv.Itoa(l.Line), l.Model, strconv.Itoa(l.Ordered), strconv.Itoa(l.Announced), strconv.Itoa(l.Racked), strconv.Itoa(l.Detected))
			}
		})
		if err != nil {
			return err
		}
		_, _ = fmt.Fprintln(w) // the next print tells
	}
	return o.print(w, r, func(row func(...string)) { comparedRows(r, row) })
}

// comparedLine is one row, and of which machine.
type comparedLine struct {
	api.ComparedRow
	machine string
}

// wrongFirst are the rows of all servers, those of what is wrong before those of what is open or right.
func wrongFirst(r api.Comparison) (all []comparedLine) {
	for _, calm := range []bool{false, true} {
		for _, s := range r.Servers {
			for _, x := range s.Rows {
				if calm == (x.Verdict == "open" || x.Verdict == "right") {
					all = append(all, comparedLine{x, s.Machine})
				}
			}
		}
	}
	return all
}

// comparedRows writes one line for each thing that is to be said, with all servers of which it is.
func comparedRows(r api.Comparison, row func(...string)) {
	said := 0
	fold := folding{name: "MACHINES"}
	fold.table(func(row func(...string)) {
		row("VERDICT", "WHAT", "ORDERED", "RACKED", "DETECTED", "WHY", fold.name) // many names make the last column long, and no other
		for _, x := range wrongFirst(r) {
			detected := strings.TrimSpace(x.Detected + " " + x.Serial)
			if x.Verdict == "open" {
				detected = x.Detected // each has its own serial, and nothing is wrong with it
			}
			row(x.Verdict, x.Subject, dash(x.Ordered), dash(x.Racked), dash(detected), dash(x.Reason), x.machine)
			said++
		}
	})(row)
	if said == 0 {
		row("right", "", "", "", "", "of "+inventory.Plural(r.Compared, "server")+" nothing is otherwise than it was ordered", "")
	}
}
