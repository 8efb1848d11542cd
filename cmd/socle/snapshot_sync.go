package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"socle/api"
	"socle/inventory"
	"socle/inventory/offline"
)

func snapshotSyncCmd(f *clientFlags, o *output, keys *string) *cobra.Command {
	var dryRun bool
	cmd := &cobra.Command{
		Use: "sync FILE", Short: "Bring what was done with a snapshot to the server; once more changes nothing", Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, files []string) error {
			c, err := ready(f, o)
			if err != nil {
				return err
			}
			snap, file, err := readSnapshot(files[0], *keys)
			if err != nil {
				return err
			}
			_, text, torn, err := offline.ReadJournal(offline.JournalPath(files[0]), snap.ID)
			if err != nil {
				return err
			}
			r, err := c.Sync(cmd.Context(), api.SyncRequest{Snapshot: api.SnapshotFile(file), Journal: text, Clock: time.Now(), DryRun: dryRun})
			if err != nil {
				return err
			}
			if err := printSync(cmd, o, r, torn); err != nil {
				return err
			}
			if n := countOpen(r.Acts); n > 0 {
				return verdictError{exitUndone, inventory.Plural(n, "conflict") + " to decide: socle snapshot conflicts"}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "judge everything and change nothing")
	return cmd
}

func countOpen(acts []api.AisleAct) (n int) {
	for _, a := range acts {
		if a.Outcome == string(offline.Conflict) {
			n++
		}
	}
	return n
}

func printSync(cmd *cobra.Command, o *output, r api.SyncReply, torn int) error {
	return o.print(cmd.OutOrStdout(), r, func(row func(...string)) {
		if len(r.Acts) > 0 {
			row("OUTCOME", "WHAT", "BY", "AT", "WHY")
		}
		for _, a := range r.Acts {
			outcome := a.Outcome
			if a.Again {
				outcome += " (was sent before)"
			}
			row(outcome, a.What, a.Actor, clockText(a.Time), dash(strings.Join(a.Why, "; ")))
		}
		tail := inventory.Plural(len(r.Acts), "act") + ", " + inventory.Plural(countOpen(r.Acts), "conflict")
		if r.DryRun {
			tail += " (dry run)"
		}
		row(tail)
		if r.Clock != "" {
			row("WARNING: this computer's clock is " + r.Clock + ": the times of the acts are as wrong, and are kept as they are")
		}
		for _, odd := range r.Odd {
			row("WARNING: " + odd)
		}
		if torn > 0 {
			row(fmt.Sprintf("WARNING: an act was torn by a crash (%d bytes) and does not count", torn))
		}
	})
}

func snapshotConflictsCmd(f *clientFlags, o *output) *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use: "conflicts", Short: "Show what was done in the aisle and contradicts what is known, both sides of it", Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := ready(f, o)
			if err != nil {
				return err
			}
			l, err := c.Conflicts(cmd.Context())
			if err != nil {
				return err
			}
			if err := o.print(cmd.OutOrStdout(), l, func(row func(...string)) {
				for _, a := range l.Open {
					printConflict(row, a)
				}
				if all {
					for _, a := range l.Decided {
						printConflict(row, a)
					}
				}
				row(fmt.Sprintf("%s to decide, %d decided", inventory.Plural(len(l.Open), "conflict"), len(l.Decided)))
			}); err != nil {
				return err
			}
			if len(l.Open) > 0 {
				return verdictError{exitUndone, inventory.Plural(len(l.Open), "conflict") + " to decide"}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "also those that were decided")
	return cmd
}

// printConflict shows both sides of a conflict.
func printConflict(row func(...string), a api.AisleAct) {
	row("conflict", a.ID)
	at := clockText(a.Time)
	if a.Clock != "" {
		at += " by a clock that was " + a.Clock
	}
	row("  mine", fmt.Sprintf("%s: %s in the aisle at %s, sent by %s at %s", a.What, a.Actor, at, a.SentBy, clockText(a.Synced)))
	known := a.Known
	if a.Change != nil {
		known += fmt.Sprintf(": %s at %s, %s", a.Change.Actor, clockText(a.Change.Time), a.Change.What)
	}
	row("  theirs", known)
	for _, w := range a.Why {
		row("  because", w)
	}
	if d := a.Decided; d != nil {
		row("  decided", fmt.Sprintf("%s, by %s at %s %s", a.Outcome, d.Actor, clockText(d.Time), d.Reason))
	}
}

func snapshotResolveCmd(f *clientFlags, o *output) *cobra.Command {
	var d api.Decision
	cmd := &cobra.Command{
		Use: "resolve ID...", Short: "Decide conflicts: take what was done in the aisle (mine), or leave what is known (theirs)", Args: args(cobra.MinimumNArgs(1)),
		Long: `An ID may be cut short, as long as only one conflict begins so. "mine" makes the place of the act the planned one.`,
		RunE: func(cmd *cobra.Command, ids []string) error {
			if d.Take != string(offline.Mine) && d.Take != string(offline.Theirs) {
				return usageError{fmt.Errorf("say which side to take: --take mine or --take theirs")}
			}
			c, err := ready(f, o)
			if err != nil {
				return err
			}
			l, err := c.Conflicts(cmd.Context())
			if err != nil {
				return err
			}
			var done []api.AisleAct
			for _, id := range ids {
				if id, err = wholeID(id, l); err != nil {
					return err
				}
				a, err := c.Decide(cmd.Context(), id, d)
				if err != nil {
					return err
				}
				done = append(done, a)
			}
			return o.print(cmd.OutOrStdout(), done, func(row func(...string)) {
				for _, a := range done {
					row(a.ID, a.Outcome, a.What)
				}
			})
		},
	}
	cmd.Flags().StringVar(&d.Take, "take", "", "mine or theirs")
	cmd.Flags().StringVar(&d.Reason, "reason", "", "for the history")
	return cmd
}

// wholeID is the ID of the one conflict that begins so.
func wholeID(id string, l api.ConflictList) (string, error) {
	var fits []string
	for _, a := range slices.Concat(l.Open, l.Decided) {
		if strings.HasPrefix(strings.ToUpper(a.ID), strings.ToUpper(id)) {
			fits = append(fits, a.ID)
		}
	}
	switch len(fits) {
	case 0:
		return id, nil // the server knows more, or says that there is none
	case 1:
		return fits[0], nil
	}
	return "", usageError{fmt.Errorf("%d conflicts begin with %s: say more of the ID", len(fits), id)}
}
