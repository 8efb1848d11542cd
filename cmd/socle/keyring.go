package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"socle/api"
)

// newKeyringCmd is "socle keyring": the keys that seal secrets in the database.
func newKeyringCmd() *cobra.Command {
	cmd := &cobra.Command{Use: "keyring", Short: "Renew the keys that seal secrets in the database", Long: exitCodes}
	group(cmd)
	cmd.AddCommand(
		ringCmd("show", "List the keys by number; the first one seals, the others only open", "", (*api.Client).Keyring),
		ringCmd("rotate", "Seal all secrets with a new key", `The server adds a key to DIR/keyring that seals from then on, and seals all secrets of the database with it again. With the
embedded database the old key goes as soon as nothing is sealed with it any more. With PostgreSQL it stays: give the file
to all servers of the database, then order "socle keyring retire".

It can be interrupted at any time; ordered again, it goes on. Keep a copy of DIR/keyring with each backup of the database:
one from before opens only with the keyring from before.

`, (*api.Client).RotateKeyring),
		ringCmd("retire", "Drop the old keys, when nothing is sealed with them any more",
			"All servers of the database must have the new keyring by then: what one of them seals with an old key is lost.\n\n", (*api.Client).RetireKeys),
	)
	return cmd
}

// ringLimit is how long all secrets of a large inventory may take.
const ringLimit = 30 * time.Minute

func ringCmd(use, short, long string, do func(*api.Client, context.Context) (api.Keyring, error)) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, Long: long + exitCodes, Args: args(cobra.NoArgs)}
	f, o := addClientFlags(cmd), addOutputFlag(cmd)
	patient(cmd, ringLimit)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := ready(f, o)
		if err != nil {
			return err
		}
		ring, err := do(c, cmd.Context())
		if err != nil {
			return err
		}
		err = o.print(cmd.OutOrStdout(), ring, func(row func(...string)) {
			row("KEY", "USE")
			for _, k := range ring.Keys {
				row(k.ID, map[bool]string{true: "seals and opens", false: "opens"}[k.Seals])
			}
		})
		if err == nil && o.format == "table" && ring.Next != "" {
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "\n%d secrets were sealed again; %s\n", ring.Resealed, ring.Next)
		}
		if err == nil && ring.Lost > 0 {
			err = fmt.Errorf("%d secrets could not be opened by any key of the ring, before or after: import the manifest again for their passwords", ring.Lost)
		}
		return err
	}
	return cmd
}
