package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
)

// poweredMachine is one line of the answer of "socle power".
type poweredMachine struct {
	Name  string `json:"name"`
	Power string `json:"power"`
}

// newPowerCmd is "socle power": switch machines through their BMCs.
func newPowerCmd() *cobra.Command {
	cmd := &cobra.Command{Use: "power", Short: "Switch machines on and off through their BMCs, or ask for their power", Long: exitCodes}
	f, o := addClientFlags(cmd), addOutputFlag(cmd)
	group(cmd)
	for _, a := range []struct{ name, short string }{
		{"on", "Switch on"},
		{"off", "Switch off at once, as by pulling the plug"},
		{"cycle", "Switch off and on again"},
		{"reset", "Reset without switching off"},
		{"soft", "Ask the operating system to shut down"},
		{"status", "Read the power from the BMC"},
	} {
		cmd.AddCommand(&cobra.Command{
			Use: a.name + " NAME...", Short: a.short, Args: args(cobra.MinimumNArgs(1)),
			RunE: func(cmd *cobra.Command, args []string) error { return runPower(cmd, f, o, a.name, args) },
		})
	}
	return cmd
}

// runPower goes on after a failure: the other machines' BMCs have nothing to do with it.
func runPower(cmd *cobra.Command, f *clientFlags, o *output, action string, names []string) error {
	c, err := ready(f, o)
	if err != nil {
		return err
	}
	var done []poweredMachine
	var failed []error
	for _, name := range names {
		p, err := c.Power(cmd.Context(), name, action)
		if err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", name, err))
			continue
		}
		done = append(done, poweredMachine{name, p})
	}
	if len(done) > 0 {
		failed = append(failed, o.print(cmd.OutOrStdout(), done, func(row func(...string)) {
			row("NAME", "POWER")
			for _, d := range done {
				row(d.Name, d.Power)
			}
		}))
	}
	return errors.Join(failed...)
}
