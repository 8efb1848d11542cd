package main

import (
	"context"
	"slices"

	"github.com/spf13/cobra"

	"socle/api"
)

// newBMCListCmd is "socle bmc list".
func newBMCListCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use: "list [RANGE...]", Short: "List the BMCs of machines, as the database knows them",
		Long: `No BMC is asked: that is "socle bmc show". Without a range all machines are listed of whose BMC anything is known, also
those that only the agent saw, from inside the server.

` + exitCodes,
	}
	f, o := addClientFlags(cmd), addOutputFlag(cmd)
	addFoldFlag(cmd, o, "MACHINE", "ADDRESS", "SEEN")
	cmd.RunE = func(cmd *cobra.Command, ranges []string) error {
		c, err := ready(f, o)
		if err != nil {
			return err
		}
		var only []string
		if len(ranges) > 0 {
			if only, err = machinesOf(cmd.Context(), c, ranges); err != nil {
				return err
			}
		}
		all, err := c.BMCs(cmd.Context())
		if err != nil {
			return err
		}
		if only != nil {
			all = slices.DeleteFunc(all, func(e api.BMCEntry) bool { return !slices.Contains(only, e.Machine) })
		}
		return o.print(cmd.OutOrStdout(), api.BMCList{BMCs: all}, func(row func(...string)) {
			row("MACHINE", "PROTOCOL", "ADDRESS", "VENDOR", "MODEL", "FIRMWARE", "LOGIN", "SEEN", "PROBLEM")
			for _, e := range all {
				login, seen := e.User, ""
				if e.User != "" {
					login += ", of the " + e.Origin
				}
				if e.Seen != nil {
					seen = since(*e.Seen)
				}
				row(e.Machine, dash(e.Protocol), dash(e.Address), dash(e.Vendor), dash(e.Model), dash(e.Firmware), dash(login), dash(seen), dash(e.Problem))
			}
		})
	}
	return cmd
}

// newAdoptCmd is "socle bmc adopt".
func newAdoptCmd() *cobra.Command {
	var r api.AdoptRequest
	cmd := &cobra.Command{
		Use: "adopt RANGE...", Short: "Bring BMCs under control whose login is not known",
		Long: `If the login that is known works, nothing is done. With --user and --password-file, these are tried once on each BMC, and
kept where they work. Without, the agent makes an administrator of Socle's own from inside the server, with a password
that nobody knows: at once if the server runs the ramdisk, else when it does the next time. Nobody has to know the
BMC's password for that. The account is put in force when somebody could log in with it over the network; "socle
events" and "socle bmc list" tell of it. "socle bmc rotate --abort" gives it up.

` + exitCodes,
		Args: args(cobra.MinimumNArgs(1)),
	}
	f, o := addClientFlags(cmd), addOutputFlag(cmd)
	readPassword := loginFlags(cmd, &r.User, &r.Password, "try and keep the login of this user")
	cmd.RunE = func(cmd *cobra.Command, ranges []string) error {
		if err := readPassword(); err != nil {
			return err
		}
		c, err := ready(f, o)
		if err != nil {
			return err
		}
		say := func(a api.AdoptReply) string { return adoptWords[a.How] + ", account " + a.User }
		return fleet[api.AdoptReply]{
			do: func(ctx context.Context, c *api.Client, name string) (api.AdoptReply, error) {
				return c.AdoptBMC(ctx, name, r)
			},
			rows: func(a api.AdoptReply) []string { return []string{say(a)} },
			same: say,
		}.run(cmd, c, o, ranges)
	}
	return cmd
}

// adoptWords are for people.
var adoptWords = map[string]string{
	api.AdoptWorks:  "its login works",
	api.AdoptTaken:  "the login works and is kept",
	api.AdoptInBand: "the agent makes one from inside",
}
