package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"socle/api"
)

// newEventsCmd is "socle events": the history, and what happens now.
func newEventsCmd() *cobra.Command {
	var machine string
	var limit int
	var follow bool
	cmd := &cobra.Command{Use: "events", Short: "Show the history of machines, and follow it", Long: exitCodes, Args: args(cobra.NoArgs)}
	f, o := addClientFlags(cmd), addOutputFlag(cmd)
	flagErrors(cmd)
	cmd.Flags().StringVar(&machine, "machine", "", "only events of this machine")
	cmd.Flags().IntVarP(&limit, "limit", "n", 50, "how many of the newest events to show first")
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "go on with what happens; with -o json one event a line")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := ready(f, o)
		if err != nil {
			return err
		}
		if limit < 0 || limit > 1000 {
			return usageError{fmt.Errorf("--limit %d is not between 0 and 1000", limit)}
		}
		list := api.EventList{Next: -1}
		if limit > 0 {
			list, err = c.Events(cmd.Context(), api.EventQuery{Machine: machine, Limit: limit, Latest: true})
			if err != nil {
				return err
			}
		}
		if !follow {
			return o.print(cmd.OutOrStdout(), list, func(row func(...string)) {
				row("TIME", "MACHINE", "KIND", "ACTOR", "REASON")
				for _, e := range list.Events {
					row(e.Time.Local().Format("2006-01-02 15:04:05"), dash(e.Machine), e.Kind, e.Actor, e.Reason)
				}
			})
		}
		return followEvents(cmd.Context(), cmd.OutOrStdout(), c, o, list, machine)
	}
	return cmd
}

// followEvents shows one event a line, or a document each in YAML, until the person has seen enough.
func followEvents(ctx context.Context, w io.Writer, c *api.Client, o *output, list api.EventList, machine string) error {
	show := func(e api.Event) error {
		return showOne(w, o, e, fmt.Sprintf("%s  %-16s %-9s %s  (%s)", e.Time.Local().Format("15:04:05"), printable(dash(e.Machine)), printable(e.Kind), printable(e.Reason), printable(e.Actor)))
	}
	for _, e := range list.Events {
		if err := show(e); err != nil {
			return err
		}
	}
	if err := c.Follow(ctx, list.Next, machine, show); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil // Ctrl-C is how one stops
}
