package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"socle/api"
)

// Exit codes of "socle why", beside those of every command.
const (
	exitStuck   = 7 // the machine does not boot
	exitBooting = 8 // it may still come
)

// newWhyCmd is "socle why": the story of a machine's last boot, and the verdict.
func newWhyCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use: "why MACHINE", Short: "Say why a machine does not boot",
		Long: `The story of the machine's last boot, in order, and the verdict with the check to make. The verdicts: docs/why.md.

` + exitCodes + ` Also 7 it does not boot, 8 it may still come.`,
		Args: args(cobra.ExactArgs(1)),
	}
	f, o := addClientFlags(cmd), addOutputFlag(cmd)
	flagErrors(cmd)
	cmd.RunE = func(cmd *cobra.Command, names []string) error {
		c, err := ready(f, o)
		if err != nil {
			return err
		}
		w, err := c.Why(cmd.Context(), names[0])
		if err != nil {
			return err
		}
		if err := printWhy(cmd.OutOrStdout(), o, w); err != nil {
			return err
		}
		switch w.Verdict.Standing {
		case api.StandingBoots:
			return nil
		case api.StandingGoing:
			return verdictError{exitBooting, w.Machine + " is still booting (" + w.Verdict.ID + ")"}
		default:
			return verdictError{exitStuck, w.Machine + " does not boot (" + w.Verdict.ID + ")"}
		}
	}
	return cmd
}

// printWhy writes the story as lines and the verdict below it.
func printWhy(out io.Writer, o *output, w api.Why) error {
	err := o.print(out, w, func(row func(...string)) {
		for _, s := range w.Story {
			text := s.Text
			if s.Times > 1 {
				text += fmt.Sprintf(" (%d times until %s)", s.Times, s.Until.Local().Format(time.TimeOnly))
			}
			row(s.Time.Local().Format("2006-01-02 15:04:05"), text)
		}
	})
	if err != nil || o.format != "table" {
		return err
	}
	v := w.Verdict
	title := map[string]string{api.StandingBoots: "It boots", api.StandingGoing: "It may still come", api.StandingStuck: "It does not boot",
		api.StandingAbsent: "It was not booted"}[v.Standing]
	if len(w.Story) > 0 {
		title = "\n" + title
	}
	again := ""
	if w.Attempt > 1 {
		again = fmt.Sprintf(", boot %d in a row without the agent", w.Attempt)
	}
	_, err = fmt.Fprintf(out, "%s: %s (%s, %s%s)\n", title, printable(v.What), v.ID, v.Confidence, again)
	if check := strings.TrimSpace(v.Check); err == nil && v.Standing != api.StandingBoots {
		_, err = fmt.Fprintf(out, "Check: %s.\n", strings.TrimSuffix(printable(check), "."))
	}
	return err
}
