package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"socle/api"
	"socle/inventory"
)

func firmwareUpdateCmd() *cobra.Command {
	var r api.UpdateRequest
	var dry bool
	cmd := &cobra.Command{
		Use: "update RANGE... --to BASELINE", Short: "Bring machines to a firmware baseline, wave by wave",
		Long: `The BMCs are asked first, and only machines that are below the baseline are taken. The update goes on by itself, also
after a restart of the server: "socle firmware status" tells how far it is. Machines that are held, off, active (without
--active) or cannot be reached are skipped and reported. What was updated is read back before the next machine; the first
failure in a wave stops the campaign: "socle firmware resume" goes on.

` + rangeHelp + exitCodes,
		Args: args(cobra.MinimumNArgs(1)),
	}
	f, o := addClientFlags(cmd), addOutputFlag(cmd)
	cmd.Flags().StringVar(&r.Baseline, "to", "", "name of the baseline; may be left out when there is one only")
	cmd.Flags().StringVar(&r.Waves, "wave", "1,10%,100%", "how many machines are updated at the end of each wave: numbers, or parts of all")
	cmd.Flags().IntVar(&r.Parallel, "parallel", 0, "machines at a time; 0: 8")
	cmd.Flags().BoolVar(&r.Active, "active", false, "also machines that do their work: those that need it are rebooted")
	cmd.Flags().BoolVar(&dry, "dry-run", false, "show what would be done, and do nothing")
	cmd.RunE = func(cmd *cobra.Command, ranges []string) error {
		waves, err := inventory.ParseWaves(r.Waves)
		if err != nil {
			return usageError{err}
		}
		c, err := ready(f, o)
		if err != nil {
			return err
		}
		names, err := machinesOf(cmd.Context(), c, ranges)
		if err != nil {
			return err
		}
		found := &reports{baseline: r.Baseline}
		failed := found.fleet().run(cmd, c, &output{format: "table"}, names)
		r.Machines = found.names(names)
		if len(r.Machines) == 0 || dry {
			sayPlan(cmd, r.Machines, waves)
			return failed
		}
		done, err := c.UpdateFirmware(cmd.Context(), r)
		if err != nil {
			return err
		}
		return errors.Join(printCampaign(cmd, o, done), failed)
	}
	return cmd
}

// sayPlan says who would be updated in which wave.
func sayPlan(cmd *cobra.Command, names []string, waves []inventory.Wave) {
	if len(names) == 0 {
		_, _ = fmt.Fprintln(cmd.OutOrStdout(), "\nnothing to do: no machine that answers is below the baseline")
		return
	}
	_, _ = fmt.Fprintln(cmd.OutOrStdout())
	from := 0
	for i, w := range waves {
		if to := w.Of(len(names)); to > from {
			_, _ = fmt.Fprintf(cmd.OutOrStdout(), "wave %d (%s): %s\n", i+1, w, inventory.FoldNames(names[from:to]))
			from = to
		}
	}
}

func printCampaign(cmd *cobra.Command, o *output, c api.Campaign) error {
	return o.print(cmd.OutOrStdout(), c, func(row func(...string)) {
		row("campaign", c.ID)
		row("to", fmt.Sprintf("%s version %d", c.Baseline, c.Version))
		row("state", strings.TrimSuffix(c.State+": "+c.Reason, ": "))
		row("wave", fmt.Sprintf("%d of %s", c.Wave, strings.Join(c.Waves, ",")))
		row("began", since(c.Began)+" ago by "+c.Actor)
		row("")
		row("MACHINE", "STATE", "WAVE", "WHAT")
		for _, m := range c.Machines {
			what := m.Reason
			for _, i := range m.Items {
				if what == "" && i.Phase != "done" {
					what = fmt.Sprintf("%s %s to %s: %s", i.Component, i.From, i.Asks, i.Phase)
				}
			}
			wave := ""
			if m.Wave > 0 {
				wave = fmt.Sprint(m.Wave)
			}
			row(m.Machine, m.State, dash(wave), what)
		}
	})
}

// campaignCmd is a command on one campaign, the newest if none is named.
func campaignCmd(use, short string, do func(ctx context.Context, c *api.Client, id string) (api.Campaign, error)) *cobra.Command {
	cmd := &cobra.Command{Use: use + " [CAMPAIGN]", Short: short, Long: "Without a campaign it is the newest one.\n\n" + exitCodes, Args: args(cobra.MaximumNArgs(1))}
	f, o := addClientFlags(cmd), addOutputFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, ids []string) error {
		c, err := ready(f, o)
		if err != nil {
			return err
		}
		one, err := do(cmd.Context(), c, append(ids, "newest")[0])
		if err != nil {
			return err
		}
		return printCampaign(cmd, o, one)
	}
	return cmd
}

func firmwareStatusCmd() *cobra.Command {
	return campaignCmd("status", "Show how far an update of firmware is", func(ctx context.Context, c *api.Client, id string) (api.Campaign, error) {
		return c.Campaign(ctx, id)
	})
}

func firmwareStopCmd() *cobra.Command {
	var end bool
	cmd := campaignCmd("stop", "Begin no more updates; those under way go to their end", func(ctx context.Context, c *api.Client, id string) (api.Campaign, error) {
		return c.StopCampaign(ctx, id, end)
	})
	cmd.Flags().BoolVar(&end, "end", false, "it is not to go on any more: another one can be ordered")
	return cmd
}

func firmwareResumeCmd() *cobra.Command {
	return campaignCmd("resume", "Go on with a stopped update, also with machines that failed or were skipped", func(ctx context.Context, c *api.Client, id string) (api.Campaign, error) {
		return c.ResumeCampaign(ctx, id)
	})
}
