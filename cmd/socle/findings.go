package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"socle/api"
	"socle/inventory"
)

// standsError says that findings stand against acceptance; the words were printed already.
type standsError struct{ names []string }

// Error implements error.
func (e standsError) Error() string {
	return "something is not as it should be on " + inventory.FoldNames(e.names)
}

// newFindingsCmd is "socle findings": what is not as it should be?
func newFindingsCmd() *cobra.Command {
	var q api.FindingQuery
	cmd := &cobra.Command{
		Use: "findings [RANGE...]", Short: "List what comparisons and tests found of machines",
		Long: "Machines of which the same was found are shown together. What is minor does not stand against acceptance.\n\n" +
			"Exit codes: 0 nothing stands against acceptance, 1 something does, or it failed; the others as with every command.\n" + exitCodes,
	}
	f, o := addClientFlags(cmd), addOutputFlag(cmd)
	cmd.Flags().StringVar(&q.Source, "source", "", "only what parts, cabling, burn-in, outlier or firmware found")
	cmd.Flags().StringVar(&q.Kind, "kind", "", "only this kind: missing, extra, wrong-part, wrong-slot, firmware, slow and others")
	cmd.Flags().StringVar(&q.Rack, "rack", "", "only machines of this rack")
	cmd.RunE = func(cmd *cobra.Command, ranges []string) error {
		c, err := ready(f, o)
		if err != nil {
			return err
		}
		if q.Machines, err = foldedOf(cmd.Context(), c, ranges); err != nil {
			return err
		}
		list, err := c.Findings(cmd.Context(), q)
		if err != nil {
			return err
		}
		return showFindings(cmd, o, list)
	}
	return cmd
}

// showFindings prints what was found; anything that stands against acceptance is an error.
func showFindings(cmd *cobra.Command, o *output, list api.FindingList) error {
	err := o.print(cmd.OutOrStdout(), list, func(row func(...string)) { findingRows(list, row) })
	if err != nil || !list.Stands() {
		return err
	}
	e := standsError{}
	for _, f := range list.Findings {
		if !f.Minor && !slices.Contains(e.names, f.Machine) {
			e.names = append(e.names, f.Machine)
		}
	}
	return e
}

// findingRows folds the machines of which the same is to be said, in the order of the first of each.
func findingRows(list api.FindingList, row func(...string)) {
	if len(list.Findings) == 0 {
		var looks []string
		for _, l := range list.Looked {
			looks = append(looks, fmt.Sprintf("%s at %d", l.Source, l.Machines))
		}
		row("nothing was found; looked: " + dash(strings.Join(looks, ", ")))
		return
	}
	folded := folding{name: "MACHINES"}
	folded.table(func(row func(...string)) {
		row("MACHINES", "FROM", "KIND", "WHY", "WHAT TO DO")
		for _, f := range list.Findings {
			kind := f.Kind
			if f.Minor {
				kind += " (minor)"
			}
			row(f.Machine, f.Source, kind, f.Reason, dash(f.Remedy))
		}
	})(row)
}
