package main

import (
	"context"
	"fmt"
	"slices"

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
	cmd.AddCommand(powerPolicyCmd(f, o))
	return cmd
}

// powerPolicyCmd is "socle power policy".
func powerPolicyCmd(f *clientFlags, o *output) *cobra.Command {
	policies := []string{"accept", "restore", "alarm", "default"}
	return &cobra.Command{
		Use: "policy RANGE... accept|restore|alarm|default", Short: "Say what is done when the power is found otherwise than it was wanted last",
		Long: "Say what is done when the power of machines is found otherwise than it was wanted last, by two looks in a row:\n" +
			"accept takes over what is found, restore sets it back (at most three times an hour), alarm leaves it so and says\n" +
			"so. default is what the machine's role says, else the configuration (power.drift).\n\n" + rangeHelp + exitCodes,
		Args: args(cobra.MinimumNArgs(2)),
		RunE: func(cmd *cobra.Command, words []string) error {
			policy := words[len(words)-1]
			if !slices.Contains(policies, policy) {
				return usageError{fmt.Errorf("say one of %v at the end: %s", policies, cmd.UseLine())}
			}
			return eachMachine(cmd, f, o, words[:len(words)-1], func(ctx context.Context, c *api.Client, name string) (api.Machine, error) {
				return c.PowerPolicy(ctx, name, policy)
			})
		},
	}
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
