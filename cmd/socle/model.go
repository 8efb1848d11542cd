package main

import (
	"errors"

	"github.com/spf13/cobra"

	"socle/api"
)

// newModelCmd is "socle model": what is in the servers of each model, and what of a server is otherwise.
func newModelCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use: "model", Short: "Keep what is in the servers of each model, and compare servers with it",
		Long: "The column model of a manifest says which model a server is. The workers compare each server that the agent looked into\n" +
			"with the newest profile of its model; what differs is shown by \"socle findings\".\n\n" + exitCodes,
	}
	f, o := addClientFlags(cmd), addOutputFlag(cmd)
	group(cmd)
	d := documents{
		word: "model", head: "MODEL", put: (*api.Client).PutModel, read: (*api.Client).Model, list: (*api.Client).Models,
		wrap: func(all []api.Document) any { return api.ModelList{Models: all} },
	}
	cmd.AddCommand(modelTakeCmd(f, o, d), d.putCmd(f, o), d.showCmd(f, o), d.listCmd(f, o), modelDiffCmd(f, o))
	return cmd
}

func modelTakeCmd(f *clientFlags, o *output, d documents) *cobra.Command {
	var from string
	cmd := &cobra.Command{
		Use: "take NAME --from MACHINE", Short: "Store what is in a good server as a new version of a model, and show it", Args: args(cobra.ExactArgs(1)),
		Long: "Slots of CPUs, DIMMs and drives count; disks and network interfaces may be named as they like, and disks be 2 % larger or\n" +
			"smaller. Firmware is wanted as it is there. Serial numbers and addresses differ by nature. To change a rule, edit what is shown and put it.\n\n" + exitCodes,
		RunE: func(cmd *cobra.Command, names []string) error {
			if from == "" {
				return usageError{errors.New("say from which good server: --from MACHINE")}
			}
			c, err := ready(f, o)
			if err != nil {
				return err
			}
			m, err := c.TakeModel(cmd.Context(), names[0], from)
			if err != nil {
				return err
			}
			return d.show(cmd, o, m)
		},
	}
	cmd.Flags().StringVar(&from, "from", "", "the server")
	return cmd
}

func modelDiffCmd(f *clientFlags, o *output) *cobra.Command {
	var model string
	cmd := &cobra.Command{
		Use: "diff MACHINE", Short: "Compare what is in a server with its model", Args: args(cobra.ExactArgs(1)),
		Long: "Exit codes: 0 nothing differs, 1 something does, or it failed; the others as with every command.\n" + exitCodes,
		RunE: func(cmd *cobra.Command, names []string) error {
			c, err := ready(f, o)
			if err != nil {
				return err
			}
			list, err := c.CompareModel(cmd.Context(), names[0], model)
			if err != nil {
				return err
			}
			return showFindings(cmd, o, list)
		},
	}
	cmd.Flags().StringVar(&model, "model", "", "with this model instead of its own")
	return cmd
}
