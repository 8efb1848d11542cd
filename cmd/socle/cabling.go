package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"socle/api"
	"socle/inventory"
	"socle/inventory/cabling"
)

// watchEvery is how often "socle cabling check --watch" looks.
const watchEvery = time.Second

// newCablingCmd is "socle cabling": which cable goes where, and is it there?
func newCablingCmd() *cobra.Command {
	cmd := &cobra.Command{Use: "cabling", Short: "Import the cabling plan, and compare it with what the switches say", Long: exitCodes}
	f, o := addClientFlags(cmd), addOutputFlag(cmd)
	group(cmd)
	cmd.AddCommand(cablingImportCmd(f, o), cablingShowCmd(f, o), cablingExportCmd(f), cablingCheckCmd(f, o), cablingWatchCmd(f, o))
	return cmd
}

func cablingImportCmd(f *clientFlags, o *output) *cobra.Command {
	var whole, dryRun bool
	cmd := &cobra.Command{
		Use: "import FILE", Short: `Import a cabling plan (CSV or XLSX; "-" is standard input): all of it, or nothing and every error with its line`, Args: args(cobra.ExactArgs(1)),
		Long: "The file is all that is planned for the servers that it names: what is known of them and not in it is taken out.\n\n" + exitCodes,
		RunE: withFile(f, o, func(cmd *cobra.Command, c *api.Client, in io.Reader) error {
			r, err := c.ImportCabling(cmd.Context(), in, whole, dryRun)
			if err != nil {
				return err
			}
			return o.print(cmd.OutOrStdout(), r, func(row func(...string)) { cableChanges(r, row) })
		}),
	}
	cmd.Flags().BoolVar(&whole, "whole", false, "the file is the whole plan: also take out the cables of servers that it does not name")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "check everything, show what would change, and change nothing")
	return cmd
}

func cableChanges(r api.CableImport, row func(...string)) {
	row("SERVER", "PORT", "CHANGE", "BEFORE", "AFTER")
	for _, x := range r.Changes {
		word, of := "changed", x.After
		switch {
		case x.Before == nil:
			word = "added"
		case x.After == nil:
			word, of = "taken out", x.Before
		}
		if r.DryRun {
			word += " (dry run)"
		}
		row(of.Server, of.Port, word, cableText(x.Before), cableText(x.After))
	}
	row(inventory.Plural(len(r.Changes), "change") + ", " + inventory.Plural(r.Same, "cable") + " as before")
}

// cableText is where a cable goes and how it looks.
func cableText(c *api.Cable) string {
	if c == nil {
		return "-"
	}
	return strings.Join(strings.Fields(strings.Join([]string{c.Switch, c.SwitchPort, c.Group, c.Colour, c.Label, c.Length}, " ")), " ")
}

func cablingShowCmd(f *clientFlags, o *output) *cobra.Command {
	return &cobra.Command{
		Use: "show [RANGE...]", Short: "Show the cabling plan",
		RunE: func(cmd *cobra.Command, ranges []string) error {
			c, names, err := cablingOf(cmd.Context(), f, o, ranges)
			if err != nil {
				return err
			}
			all, err := c.Cabling(cmd.Context(), names)
			if err != nil {
				return err
			}
			return o.print(cmd.OutOrStdout(), api.CablePlan{Cables: all}, func(row func(...string)) {
				row("SERVER", "PORT", "SWITCH", "SWITCH PORT", "GROUP", "COLOUR", "LABEL", "LENGTH")
				for _, x := range all {
					row(x.Server, x.Port, x.Switch, x.SwitchPort, dash(x.Group), dash(x.Colour), dash(x.Label), dash(x.Length))
				}
			})
		},
	}
}

// cablingOf is a client, and the range that a command names; "" is all.
func cablingOf(ctx context.Context, f *clientFlags, o *output, ranges []string) (c *api.Client, names string, err error) {
	if c, err = ready(f, o); err != nil {
		return nil, "", err
	}
	names, err = foldedOf(ctx, c, ranges)
	return c, names, err
}

func cablingExportCmd(f *clientFlags) *cobra.Command {
	return &cobra.Command{
		Use: "export [RANGE...]", Short: "Write the cabling plan as CSV, as import takes it",
		RunE: func(cmd *cobra.Command, ranges []string) error {
			c, names, err := cablingOf(cmd.Context(), f, &output{format: "table"}, ranges)
			if err != nil {
				return err
			}
			all, err := c.Cabling(cmd.Context(), names)
			if err != nil {
				return err
			}
			plan := make([]cabling.Cable, 0, len(all))
			for _, x := range all {
				plan = append(plan, cabling.Cable{Server: x.Server, Port: x.Port, Switch: x.Switch, SwitchPort: x.SwitchPort, Group: x.Group, Label: x.Label, Colour: x.Colour, Length: x.Length})
			}
			return cabling.Write(cmd.OutOrStdout(), plan)
		},
	}
}

func cablingCheckCmd(f *clientFlags, o *output) *cobra.Command {
	var all, watch bool
	cmd := &cobra.Command{
		Use: "check [RANGE...]", Short: "Compare the cabling plan with what the switches say",
		Long: `What is wrong is told as the plugs to move, and what is not known yet is said to be unknown. With --watch it is looked at
again and again, and shown when it changes, until all is right or the command is stopped.

` + exitCodes + fmt.Sprintf(" Also %d a cable is not as planned.", exitBelow),
		RunE: func(cmd *cobra.Command, ranges []string) error {
			c, names, err := cablingOf(cmd.Context(), f, o, ranges)
			if err != nil {
				return err
			}
			for last := ""; ; {
				r, err := c.CheckCabling(cmd.Context(), names)
				if err != nil {
					return err
				}
				if now := cablingSummary(r) + cablingState(r); now != last {
					last = now
					if err := showCabling(cmd.OutOrStdout(), o, r, all); err != nil {
						return err
					}
				}
				switch {
				case watch && !cablingDone(r):
					if err := wait(cmd.Context(), watchEvery); err != nil {
						return err
					}
				case r.Bad():
					return verdictError{exitBelow, "cables are not as planned"}
				default:
					return nil
				}
			}
		},
	}
	addFoldFlag(cmd, o, "SERVER", "PLANNED", "HEARD", "NIC")
	cmd.Flags().BoolVar(&all, "all", false, "also show the ports that are right")
	cmd.Flags().BoolVar(&watch, "watch", false, "go on looking until all is right")
	return cmd
}

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// cablingDone tells whether every planned cable is right, as far as it can be seen at all.
func cablingDone(r api.CableReport) bool {
	for _, p := range r.Ports {
		if p.State != string(cabling.Right) && p.State != string(cabling.Extra) && !p.Blind {
			return false
		}
	}
	return true
}

// cablingState is equal as long as nothing changed.
func cablingState(r api.CableReport) string {
	var b strings.Builder
	for _, p := range r.Ports {
		fmt.Fprintln(&b, p.Server, p.Name(), p.State, p.Text)
	}
	return b.String()
}

func cablingSummary(r api.CableReport) string {
	count := map[string]int{}
	blind := 0
	for _, p := range r.Ports {
		if p.Blind {
			blind++
			continue
		}
		count[p.State]++
	}
	var parts []string
	for _, s := range cabling.States() {
		if n := count[string(s)]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, s))
		}
	}
	if blind > 0 {
		parts = append(parts, fmt.Sprintf("%d of BMCs not checked: they do not tell what they hear", blind))
	}
	if len(parts) == 0 {
		return "the plan has no cables of these machines"
	}
	return strings.Join(parts, ", ")
}

func showCabling(w io.Writer, o *output, r api.CableReport, all bool) error {
	err := o.print(w, r, func(row func(...string)) {
		row("SERVER", "PORT", "STATE", "PLANNED", "HEARD", "NIC")
		for _, p := range r.Ports {
			if p.State == string(cabling.Right) && !all {
				continue
			}
			plan, heard := "nothing", "nothing"
			if p.Plan != nil {
				plan = p.Plan.Switch + " " + p.Plan.SwitchPort
			}
			switch {
			case p.Heard != nil:
				heard = p.Heard.Switch + " " + p.Heard.Port
			case p.Blind:
				heard = "cannot be heard"
			case p.NIC != "" && !p.Link:
				heard = "no link"
			}
			row(p.Server, p.Name(), p.State, plan, heard, dash(p.NIC))
		}
		row(cablingSummary(r))
	})
	if err != nil || o.format != "table" {
		return err
	}
	told := map[string]bool{}
	for _, p := range r.Ports {
		if p.Fix == "" || told[p.Text] {
			continue
		}
		told[p.Text] = true
		if _, err := fmt.Fprintf(w, "\n%s.\n  %s\n", printable(p.Text), printable(p.Fix)); err != nil {
			return err
		}
	}
	return nil
}
