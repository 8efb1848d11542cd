package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"socle/api"
)

// newPartCmd is "socle part": which part sat where, when?
func newPartCmd() *cobra.Command {
	cmd := &cobra.Command{Use: "part", Short: "Tell which part sat in which server, and when", Long: exitCodes}
	f, o := addClientFlags(cmd), addOutputFlag(cmd)
	group(cmd)
	show := &cobra.Command{
		Use: "show SERIAL", Short: "Where a part is, and where it was before", Args: args(cobra.ExactArgs(1)),
		Long: "A network interface is known by its MAC address.\n\n" + exitCodes,
		RunE: func(cmd *cobra.Command, serials []string) error {
			return showParts(cmd, f, o, api.PartQuery{Serial: serials[0]}, fmt.Sprintf("no inspection has seen a part with the serial %q", serials[0]))
		},
	}
	var q api.PartQuery
	var gone bool
	list := &cobra.Command{
		Use: "list", Aliases: []string{"ls"}, Short: "List the parts of all servers, or of one, the newest first", Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			q.There = !gone
			return showParts(cmd, f, o, q, "no inspection has seen a part with a serial number")
		},
	}
	list.Flags().StringVar(&q.Machine, "machine", "", "only of this one: name, serial or ID")
	list.Flags().BoolVar(&gone, "gone", false, "also what is not there any more")
	cmd.AddCommand(show, list)
	return cmd
}

func showParts(cmd *cobra.Command, f *clientFlags, o *output, q api.PartQuery, none string) error {
	c, err := ready(f, o)
	if err != nil {
		return err
	}
	all, err := c.Parts(cmd.Context(), q)
	if err != nil {
		return err
	}
	return o.print(cmd.OutOrStdout(), all, func(row func(...string)) {
		if len(all.Stays) == 0 {
			row(none)
			return
		}
		when := func(at time.Time) string { return at.Local().Format("2006-01-02 15:04") }
		row("KIND", "SERIAL", "NUMBER", "SERVER", "SLOT", "FROM", "LAST SEEN", "GONE")
		for _, s := range all.Stays {
			gone := "-"
			if s.Gone != nil {
				gone = when(*s.Gone)
			}
			row(s.Kind, s.Serial, dash(s.Number), dash(s.Machine), dash(s.Slot), when(s.FirstSeen), when(s.LastSeen), gone)
		}
	})
}
