package main

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"socle/lab"
)

// labCable is "socle lab cable": where the plugs are, and their moving.
func labCable(f *labFlags) *cobra.Command {
	var out bool
	cmd := &cobra.Command{
		Use: "cable [NAME PORT [SWITCH SWITCH-PORT]]", Short: "Move the plug of a server's network port, or show where all plugs are", Args: cobra.MaximumNArgs(4),
		Long: `Move the plug of a server's network port, counted from 1, or of its BMC ("BMC"), to a port of a switch; --unplug pulls it out. The server sees its link go and come, and hears by LLDP
what the other port says. Without arguments all plugs are shown. What was moved is back in its place when the rack comes up again.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 && !out {
				st, err := lab.State(cmd.Context(), f.rack())
				if err != nil {
					return err
				}
				return printCables(cmd.OutOrStdout(), st.Cables)
			}
			if want := map[bool]int{true: 2, false: 4}[out]; len(args) != want {
				return usageError{errors.New("say NAME PORT SWITCH SWITCH-PORT, or NAME PORT --unplug")}
			}
			port, err := strconv.Atoi(args[1])
			if strings.EqualFold(args[1], "BMC") {
				port, err = lab.BMCPort, nil
			}
			if err != nil {
				return usageError{fmt.Errorf("port %q of %s: network ports are counted from 1, and the BMC's own is BMC", args[1], args[0])}
			}
			c := lab.Cable{Server: args[0], Port: port, Unplugged: out}
			if !out {
				c.Switch, c.SwitchPort = args[2], args[3]
			}
			return lab.MoveCable(cmd.Context(), f.rack(), c)
		},
	}
	cmd.Flags().BoolVar(&out, "unplug", false, "pull it out")
	return cmd
}

func printCables(w io.Writer, all []lab.Cable) error {
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "SERVER\tPORT\tMAC\tSWITCH\tSWITCH PORT")
	for _, c := range all {
		where, port := c.Switch, c.SwitchPort
		switch {
		case c.Unplugged:
			where, port = "unplugged", "-"
		case where == "":
			where, port = "a silent one", "-"
		}
		_, _ = fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", c.Server, c.PortName(), c.MAC, where, port)
	}
	return t.Flush()
}
