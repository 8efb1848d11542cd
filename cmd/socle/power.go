package main

import (
	"context"

	"github.com/spf13/cobra"

	"socle/api"
)

// newPowerCmd is "socle power": switch machines through their BMCs.
func newPowerCmd() *cobra.Command {
	cmd := &cobra.Command{Use: "power", Short: "Switch machines on and off through their BMCs, or ask for their power", Long: rangeHelp + exitCodes}
	f, o := addClientFlags(cmd), addOutputFlag(cmd)
	group(cmd)
	for _, a := range []struct{ name, short string }{
		{"on", "Switch on"},
		{"off", "Switch off at once, as by pulling the plug"},
		{"cycle", "Switch off and on again"},
		{"reset", "Reset without switching off"},
		{"soft", "Ask the operating system to shut down"},
		{"nmi", "Interrupt the processors, so that the operating system writes a crash dump"},
		{"status", "Read the power from the BMC"},
	} {
		cmd.AddCommand(&cobra.Command{
			Use: a.name + " RANGE...", Short: a.short, Args: args(cobra.MinimumNArgs(1)),
			RunE: func(cmd *cobra.Command, args []string) error { return runPower(cmd, f, o, a.name, args) },
		})
	}
	return cmd
}

// runPower is one action on ranges of machines.
func runPower(cmd *cobra.Command, f *clientFlags, o *output, action string, ranges []string) error {
	c, err := ready(f, o)
	if err != nil {
		return err
	}
	return fleet[string]{
		do: func(ctx context.Context, c *api.Client, name string) (string, error) {
			return c.Power(ctx, name, action)
		},
		rows: func(p string) []string { return []string{p} },
		same: func(p string) string { return p },
	}.run(cmd, c, o, ranges)
}
