package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"socle/api"
	"socle/inventory"
)

// newCompareCmd is "socle compare": is what came what was ordered, and where it was to go?
func newCompareCmd() *cobra.Command {
	var q api.CompareQuery
	cmd := &cobra.Command{
		Use: "compare [RANGE...]", Short: "Compare what was ordered, racked and detected: servers, places and parts",
		Long: `Ordered is what manifests, deliveries and models say; racked what a person said who put a server in ("socle rack"); detected what the
agent saw, and the place to which a server's cables belong. Without --all only what is not right is shown: open is what is not known
yet, everything else is wrong. Servers of which the same is to be said are shown together.

` + exitCodes + "\n Also " + strconv.Itoa(exitBelow) + " something is wrong.",
	}
	f, o := addClientFlags(cmd), addOutputFlag(cmd)
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
	w := cmd.OutOrStdout()
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
	if err := o.print(w, r, func(row func(...string)) { comparedRows(r, row) }); err != nil {
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

// comparedRows writes one line for each thing that is to be said, with all servers of which it is.
func comparedRows(r api.Comparison, row func(...string)) {
	names, order := map[api.ComparedRow][]string{}, []api.ComparedRow{}
	for _, s := range r.Servers {
		for _, x := range s.Rows {
			if x.Verdict == "open" {
				x.Serial = "" // each has its own, and nothing is wrong with it
			}
			if _, known := names[x]; !known {
				order = append(order, x)
			}
			names[x] = append(names[x], s.Machine)
		}
	}
	row("VERDICT", "WHAT", "ORDERED", "RACKED", "DETECTED", "WHY", "MACHINES") // many names make the last column long, and no other
	for _, x := range order {
		detected := strings.TrimSpace(x.Detected + " " + x.Serial)
		row(x.Verdict, x.Subject, dash(x.Ordered), dash(x.Racked), dash(detected), dash(x.Reason), inventory.FoldNames(names[x]))
	}
	if len(order) == 0 {
		row("right", "", "", "", "", "of "+inventory.Plural(r.Compared, "server")+" nothing is otherwise than it was ordered", "")
	}
}
