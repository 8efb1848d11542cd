package main

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"socle/api"
	"socle/inventory"
)

// newPlanCmd is "socle plan": what if?
func newPlanCmd() *cobra.Command {
	var from []string
	var spread []string
	cmd := &cobra.Command{
		Use: "plan ROLE=COUNT...", Short: "Plan which machines get which roles, before anything moves",
		Long: `"socle plan hypervisor=30 storage=6 --from r[1-3]u[1-14] --spread rack" says which machines would get which roles, spread
evenly over racks, what is spare, and why the others cannot. As many places as can be filled are filled; machines of
which something was found are taken only when there are no others. Nothing moves: deploy what is planned with
"socle machine deploy". Where machines are missing, the exit code is 5.

` + exitCodes,
		Args: args(cobra.MinimumNArgs(1)),
	}
	f, o := addClientFlags(cmd), addOutputFlag(cmd)
	addFoldFlag(cmd, o, "MACHINE", "PLACE")
	cmd.Flags().StringArrayVar(&from, "from", nil, `of these machines alone: a range of names, or a search "@{rack:r12}"; may be given several times`)
	cmd.Flags().StringSliceVar(&spread, "spread", nil, "spread over site, room, row, rack or feed; of several, each within the one before")
	cmd.RunE = func(cmd *cobra.Command, words []string) error {
		r := api.PlanRequest{Spread: spread}
		for _, w := range words {
			role, count, ok := strings.Cut(w, "=")
			n, err := strconv.Atoi(count)
			if !ok || err != nil || n < 1 || role == "" {
				return usageError{fmt.Errorf("%q says no role and how many: write it as hypervisor=30", w)}
			}
			r.Wants = append(r.Wants, api.RoleCount{Role: role, Count: n})
		}
		c, err := ready(f, o)
		if err != nil {
			return err
		}
		if len(from) > 0 {
			if r.Machines, err = machinesOf(cmd.Context(), c, from); err != nil {
				return err
			}
		}
		p, err := c.Plan(cmd.Context(), r)
		if err != nil {
			return err
		}
		err = printPlan(cmd, o, p)
		for _, s := range p.Short {
			err = errors.Join(err, api.NewProblem(http.StatusConflict, api.ErrConflict, inventory.Plural(s.Count, "machine")+" too few for the role "+s.Role))
		}
		return err
	}
	return cmd
}

func printPlan(cmd *cobra.Command, o *output, p api.Plan) error {
	return o.print(cmd.OutOrStdout(), p, func(row func(...string)) {
		row("MACHINE", "ROLE", "PLACE", "NOTE")
		for _, c := range p.Chosen {
			note := ""
			if c.Findings > 0 {
				note = inventory.Plural(c.Findings, "finding")
			}
			row(c.Machine, c.Role, dash(c.Place), note)
		}
		for _, l := range p.Spare {
			row(l.Machine, "spare", "", "could be "+strings.Join(l.Fits, " or "))
		}
		for _, l := range p.Unfit {
			row(l.Machine, "-", "", strings.Join(l.Why, "; "))
		}
		row()
		row("ROLE", "COUNT", "MACHINES", "SPREAD")
		for _, m := range p.Ranges {
			var places []string
			for _, s := range p.Spread {
				if s.Role == m.Role {
					places = append(places, fmt.Sprintf("%s: %d", s.Place, s.Count))
				}
			}
			row(m.Role, strconv.Itoa(m.Count), m.Machines, strings.Join(places, ", "))
		}
	})
}
