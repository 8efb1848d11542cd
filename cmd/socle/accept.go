package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"socle/api"
	"socle/inventory"
)

// exitUnaccepted is the exit code of "socle accept" when a machine is open or rejected.
const exitUnaccepted = 12

// scopeFlags are the flags that name machines by where they stand or what they came with.
func scopeFlags(cmd *cobra.Command, s *api.AcceptanceScope) {
	cmd.Flags().StringVar(&s.Rack, "rack", "", "the machines of this rack")
	cmd.Flags().StringVar(&s.Delivery, "delivery", "", "the machines of this delivery")
	cmd.Flags().StringVar(&s.Site, "site", "", "the machines of this site")
}

// scopeArgs adds ranges of names to what flags name, of which there may be one. Without any it is everything.
func scopeArgs(cmd *cobra.Command, c *api.Client, s api.AcceptanceScope, ranges []string) (api.AcceptanceScope, error) {
	var err error
	if s.Machines, err = foldedOf(cmd.Context(), c, ranges); err != nil {
		return s, err
	}
	said := 0
	for _, text := range []string{s.Machines, s.Rack, s.Delivery, s.Site} {
		if text != "" {
			said++
		}
	}
	if said > 1 {
		return s, usageError{errors.New("name machines, --rack, --delivery or --site, and only one of them")}
	}
	return s, nil
}

// newAcceptCmd is "socle accept": which machines are as they have to be?
func newAcceptCmd() *cobra.Command {
	var scope api.AcceptanceScope
	cmd := &cobra.Command{
		Use: "accept [RANGE...]", Short: "Judge machines by the criteria of their models: accepted, waived, open or rejected, and why",
		Long: `Machines of which the same is to be said are shown together, the worst first. What nobody has looked at yet leaves a machine
open. FINDING is what "socle waiver add" takes. What was judged is written down, signed, by "socle certificate issue".

` + exitCodes + fmt.Sprintf(" Also %d not all are accepted or waived.", exitUnaccepted),
	}
	f, o := addClientFlags(cmd), addOutputFlag(cmd)
	scopeFlags(cmd, &scope)
	var all bool
	cmd.Flags().BoolVar(&all, "all", false, "also show the checks that are as they should be")
	cmd.RunE = func(cmd *cobra.Command, ranges []string) error {
		c, err := ready(f, o)
		if err != nil {
			return err
		}
		asked, err := scopeArgs(cmd, c, scope, ranges)
		if err != nil {
			return err
		}
		a, err := c.Acceptance(cmd.Context(), asked)
		if err != nil {
			return err
		}
		return showAcceptance(cmd, o, a, all)
	}
	return cmd
}

func showAcceptance(cmd *cobra.Command, o *output, a api.Acceptance, all bool) error {
	err := o.print(cmd.OutOrStdout(), a, func(row func(...string)) {
		folded := folding{name: "MACHINES"}
		folded.table(func(row func(...string)) { acceptanceRows(a, all, row) })(row)
		for _, m := range a.Missing {
			row("open", "-", fmt.Sprintf("%d of line %d of %s (%s) have no serial number yet", m.Count, m.Line, m.Delivery, dash(strings.TrimSpace(m.Model+" "+m.Part))), "-")
		}
	})
	if err == nil && o.format == "table" {
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "\n%s: %d accepted, %d waived, %d open, %d rejected\n", a.Verdict, a.Accepted, a.Waived, a.Open, a.Rejected)
	}
	if err != nil || a.Good() {
		return err
	}
	var names []string
	for _, u := range a.Units {
		if u.Verdict == "open" || u.Verdict == "rejected" {
			names = append(names, u.Machine)
		}
	}
	if len(names) == 0 {
		return verdictError{exitUnaccepted, "not all that was ordered has come"}
	}
	return verdictError{exitUnaccepted, "not accepted: " + inventory.FoldNames(names)}
}

// acceptanceRows are the checks, the worst first; an accepted machine has one row, or one for each check.
func acceptanceRows(a api.Acceptance, all bool, row func(...string)) {
	row("VERDICT", "MACHINES", "WHY", "FINDING")
	for _, verdict := range []string{"rejected", "open", "waived", "accepted"} {
		for _, u := range a.Units {
			if u.Verdict == "accepted" && verdict == "accepted" && !all {
				row(verdict, u.Machine, "by the criteria "+u.Criteria, "-")
			}
			for _, c := range u.Checks {
				if c.Verdict == verdict && (verdict != "accepted" || all) {
					row(verdict, u.Machine, c.Detail, dash(c.Finding))
				}
			}
		}
	}
}

// newCriteriaCmd is "socle criteria": what do machines have to be like?
func newCriteriaCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use: "criteria", Short: "Keep what machines of each model have to be like to be accepted",
		Long: "Criteria whose model is the longest beginning of a machine's hold; without any, what the plans ask for must have been looked at,\n" +
			"and nothing may stand against the machine.\n\n" + exitCodes,
	}
	f, o := addClientFlags(cmd), addOutputFlag(cmd)
	group(cmd)
	d := documents{
		word: "set of criteria", head: "CRITERIA", put: (*api.Client).PutCriteria, read: (*api.Client).Criteria, list: (*api.Client).AllCriteria,
		wrap: func(all []api.Document) any { return api.CriteriaList{Criteria: all} },
	}
	cmd.AddCommand(d.putCmd(f, o), d.showCmd(f, o), d.listCmd(f, o))
	return cmd
}

// newWaiverCmd is "socle waiver": what do people let pass?
func newWaiverCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use: "waiver", Short: "Let something that was found of machines pass, with a reason",
		Long: "A waiver is of exactly what was found: another reading, or another part, is not waived. It stands on certificates.\n\n" + exitCodes,
	}
	f, o := addClientFlags(cmd), addOutputFlag(cmd)
	group(cmd)
	cmd.AddCommand(waiverAddCmd(f, o), waiverListCmd(f, o), waiverWithdrawCmd(f, o))
	return cmd
}

func waiverAddCmd(f *clientFlags, o *output) *cobra.Command {
	var r api.WaiveRequest
	var until string
	cmd := &cobra.Command{
		Use: "add RANGE...", Short: "Let one thing that was found of machines pass", Args: args(cobra.MinimumNArgs(1)), Long: rangeHelp + exitCodes,
		RunE: func(cmd *cobra.Command, ranges []string) error {
			if r.Finding == "" || strings.TrimSpace(r.Reason) == "" {
				return usageError{errors.New("say what may pass and why: --finding KEY --reason TEXT (socle accept shows the keys)")}
			}
			if until != "" {
				t, err := time.ParseInLocation(time.DateOnly, until, time.Local)
				if err != nil {
					return usageError{fmt.Errorf("--until %q is no day such as 2026-12-31", until)}
				}
				r.Until = t.AddDate(0, 0, 1) // the day counts
			}
			c, err := ready(f, o)
			if err != nil {
				return err
			}
			return fleet[api.Waiver]{
				do: func(ctx context.Context, c *api.Client, name string) (api.Waiver, error) {
					return c.Waive(ctx, name, r)
				},
				rows: func(w api.Waiver) []string { return []string{"waived: " + w.Finding.Reason} },
				same: func(api.Waiver) string { return "waived" },
			}.run(cmd, c, o, ranges)
		},
	}
	cmd.Flags().StringVar(&r.Finding, "finding", "", "key of what was found, as socle accept shows it")
	cmd.Flags().StringVar(&r.Reason, "reason", "", "why it may pass")
	cmd.Flags().StringVar(&until, "until", "", "last day on which it may (2026-12-31); empty: for good")
	return cmd
}

func waiverListCmd(f *clientFlags, o *output) *cobra.Command {
	var ended bool
	cmd := &cobra.Command{
		Use: "list", Aliases: []string{"ls"}, Short: "List waivers", Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := ready(f, o)
			if err != nil {
				return err
			}
			all, err := c.Waivers(cmd.Context())
			if err != nil {
				return err
			}
			list := api.WaiverList{Waivers: []api.Waiver{}}
			for _, w := range all {
				if w.Holds || ended {
					list.Waivers = append(list.Waivers, w)
				}
			}
			return o.print(cmd.OutOrStdout(), list, func(row func(...string)) {
				row("ID", "MACHINE", "WHAT", "REASON", "BY", "AT", "UNTIL")
				for _, w := range list.Waivers {
					row(w.ID, w.Machine, w.Finding.Reason, w.Reason, w.Actor, w.Time.Local().Format(time.DateOnly), untilText(w))
				}
			})
		},
	}
	addFoldFlag(cmd, o, "MACHINE", "ID")
	cmd.Flags().BoolVar(&ended, "ended", false, "also those that ended")
	return cmd
}

func untilText(w api.Waiver) string {
	switch {
	case !w.WithdrawnAt.IsZero():
		return "withdrawn by " + w.WithdrawnBy
	case w.Until.IsZero():
		return "-"
	}
	return w.Until.Local().Format("2006-01-02 15:04")
}

func waiverWithdrawCmd(f *clientFlags, o *output) *cobra.Command {
	return &cobra.Command{
		Use: "withdraw ID", Short: "No longer let something pass", Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, ids []string) error {
			c, err := ready(f, o)
			if err != nil {
				return err
			}
			w, err := c.WithdrawWaiver(cmd.Context(), ids[0])
			if err != nil {
				return err
			}
			return o.print(cmd.OutOrStdout(), w, func(row func(...string)) {
				row("MACHINE", "NO LONGER WAIVED")
				row(w.Machine, w.Finding.Reason)
			})
		},
	}
}
