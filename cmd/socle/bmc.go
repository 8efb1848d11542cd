package main

import (
	"context"

	"github.com/spf13/cobra"

	"socle/api"
)

// newBMCCmd is "socle bmc": what concerns the management controllers themselves.
func newBMCCmd() *cobra.Command {
	cmd := &cobra.Command{Use: "bmc", Short: "Look after the management controllers of machines", Long: exitCodes}
	group(cmd)
	cmd.AddCommand(newScanCmd(), newBMCListCmd(), newAdoptCmd(), newRotateCmd(), newTrustCmd(), newCertificateCmd(), newMediaCmd(), newSettingsCmd(), newSecureBootCmd(), newStorageCmd())
	cmd.AddCommand(newVitalsCmds()...)
	return cmd
}

// newRotateCmd is "socle bmc rotate".
func newRotateCmd() *cobra.Command {
	var r api.RotateRequest
	cmd := &cobra.Command{
		Use: "rotate RANGE...", Short: "Give BMCs a new account with a password that nobody knows",
		Long: `A new account is made on each BMC, logged into, and only then put in force; two minutes later the old one goes if
Socle made it. Until then the old login works, whatever happens in between. The change goes on by itself, also
after a restart of the server: "socle events" and "socle machine show" tell of it. Ordered again, a change that
stopped goes on.

` + exitCodes,
		Args: args(cobra.MinimumNArgs(1)),
	}
	f, o := addClientFlags(cmd), addOutputFlag(cmd)
	cmd.Flags().BoolVar(&r.RemoveOld, "remove-old", false, "take the old account away also when Socle did not make it, such as the factory's")
	cmd.Flags().BoolVar(&r.Abort, "abort", false, "give up a change that is not in force yet; the old account stays")
	cmd.MarkFlagsMutuallyExclusive("remove-old", "abort")
	cmd.RunE = func(cmd *cobra.Command, ranges []string) error {
		do := func(ctx context.Context, c *api.Client, name string) (api.RotateReply, error) {
			return c.Rotate(ctx, name, r)
		}
		return inTurn(cmd, f, o, ranges, do, func(done []api.RotateReply) error {
			return o.print(cmd.OutOrStdout(), done, func(row func(...string)) {
				row("NAME", "ACCOUNT")
				for _, d := range done {
					row(d.Machine, d.User)
				}
			})
		})
	}
	return cmd
}
