package main

import (
	"fmt"
	"net/http"

	"github.com/spf13/cobra"

	"socle/api"
)

// newBuildoutCmd is "socle buildout": bring machines to work.
func newBuildoutCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use: "buildout [NAME...]", Short: "Bring machines to work: found, inspected, matched, deployed, verified",
		Long: "Bring the named machines to work, or without names all of the plan that are not active. What is on their disks is lost.\n" + exitCodes,
	}
	f, o := addClientFlags(cmd), addOutputFlag(cmd)
	addFoldFlag(cmd, o, "MACHINE", "PLACE")
	var dry bool
	cmd.Flags().BoolVar(&dry, "dry-run", false, "say which role each machine would be given, or why none, and begin nothing")
	flagErrors(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := ready(f, o)
		if err != nil {
			return err
		}
		if dry {
			p, err := c.Plan(cmd.Context(), api.PlanRequest{Machines: args})
			if err != nil {
				return err
			}
			return printPlan(cmd, o, p)
		}
		reply, err := c.BuildOut(cmd.Context(), args...)
		if err != nil {
			return err
		}
		err = o.print(cmd.OutOrStdout(), reply, func(row func(...string)) {
			row("MACHINE", "BUILD-OUT")
			if len(reply.Started)+len(reply.Skipped) == 0 {
				row("-", "nothing to do: all machines of the plan are active or on their way; \"socle manifest import\" adds some")
			}
			for _, n := range reply.Started {
				row(n, "started")
			}
			for _, n := range reply.Skipped {
				row(n, "skipped")
			}
		})
		if err == nil && len(args) > 0 && len(reply.Skipped) > 0 {
			err = api.NewProblem(http.StatusConflict, api.ErrConflict, fmt.Sprintf("%d of the %d named machines were not started", len(reply.Skipped), len(args)))
		}
		return err
	}
	return cmd
}
