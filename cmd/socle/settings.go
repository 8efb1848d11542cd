package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"socle/api"
	"socle/inventory"
)

// settingsLimit is how long the server may take for a machine's settings, and a bit: large models have many.
const settingsLimit = 5 * time.Minute

// newSettingsCmd is "socle bmc settings".
func newSettingsCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use: "settings", Short: "See to the settings of machines' firmware (BIOS)",
		Long: `What a role wants of its machines' firmware stands in the configuration (docs/settings.md). Settings are ordered for the
next boot; nothing boots a machine for them but --reboot. The server remembers what it ordered, looks whether it is in
force after the boot, and says so in the machine's events.

` + exitCodes,
	}
	group(cmd)
	cmd.AddCommand(settingsShowCmd(), settingsDiffCmd(), settingsApplyCmd(), settingsSetCmd())
	return cmd
}

// patient gives a command on BMCs the time that it may need.
func patient(cmd *cobra.Command, limit time.Duration) *cobra.Command {
	if f := cmd.PersistentFlags().Lookup("timeout"); f != nil {
		f.DefValue = limit.String()
		_ = f.Value.Set(f.DefValue) // a duration
	}
	return cmd
}

func settingsShowCmd() *cobra.Command {
	var only []string
	var pending bool
	flags := func(cmd *cobra.Command) {
		cmd.Flags().StringSliceVar(&only, "name", nil, "only those whose name contains this, in any case; several are parted by commas")
		cmd.Flags().BoolVar(&pending, "pending", false, "only those that wait for the next boot")
	}
	return patient(rangeCmd("show", "Read the settings of machines", flags, func() fleet[api.SettingsList] {
		return fleet[api.SettingsList]{
			do: func(ctx context.Context, c *api.Client, name string) (api.SettingsList, error) {
				l, err := c.Settings(ctx, name)
				l.Settings = slices.DeleteFunc(l.Settings, func(s api.Setting) bool {
					named := len(only) == 0 || slices.ContainsFunc(only, func(part string) bool {
						return strings.Contains(strings.ToLower(s.Name), strings.ToLower(part))
					})
					return !named || pending && s.Pending == nil
				})
				return l, err
			},
			rows: func(l api.SettingsList) (rows []string) {
				for _, s := range l.Settings {
					next := ""
					if s.Pending != nil {
						next = "→ " + shownSetting(s.Pending) + " at the next boot"
					}
					rows = append(rows, fmt.Sprintf("%-28s %-26s %-9s %s", s.Name, shownSetting(s.Value), may(s), next))
				}
				if l.Waiting != "" {
					rows = append(rows, "ordered settings: "+l.Waiting)
				}
				if len(rows) == 0 {
					rows = []string{"none"}
				}
				return rows
			},
			same: func(l api.SettingsList) string {
				var parts []string
				for _, s := range l.Settings {
					parts = append(parts, s.Name+" "+shownSetting(s.Value))
				}
				if len(parts) == 0 {
					return "none"
				}
				return strings.Join(parts, ", ")
			},
		}
	}), settingsLimit)
}

// shownSetting is a value for people; JSON has numbers of its own kind.
func shownSetting(v any) string {
	if plain, ok := inventory.PlainValue(v); ok {
		v = plain
	}
	return inventory.ShownValue(v)
}

// may says what a setting may be.
func may(s api.Setting) string {
	side := func(n *int64) string {
		if n == nil {
			return ""
		}
		return fmt.Sprint(*n)
	}
	switch {
	case s.ReadOnly:
		return "read-only"
	case len(s.Allowed) > 0:
		return strings.Join(s.Allowed, "|")
	case s.Least != nil || s.Most != nil:
		return s.Kind + " " + side(s.Least) + ".." + side(s.Most)
	}
	return dash(s.Kind)
}

// differences are lines for what is not as wanted.
func differences(all []api.SettingDifference) (rows []string) {
	for _, d := range all {
		row := fmt.Sprintf("%-28s %s → %s", d.Name, shownSetting(d.Now), shownSetting(d.Want))
		if d.Pending != nil {
			row += "  (" + shownSetting(d.Pending) + " waits for the next boot)"
		}
		rows = append(rows, row)
	}
	return rows
}

// sameDifferences is what makes differences equal.
func sameDifferences(all []api.SettingDifference, none string) string {
	var parts []string
	for _, d := range all {
		parts = append(parts, fmt.Sprintf("%s %s → %s", d.Name, shownSetting(d.Now), shownSetting(d.Want)))
	}
	if len(parts) == 0 {
		return none
	}
	return strings.Join(parts, ", ")
}

func settingsDiffCmd() *cobra.Command {
	var differing atomic.Int64
	const asWanted = "as the role wants"
	cmd := rangeCmd("diff", "Compare the settings of machines with what their roles want; exit 1 when one differs", nil, func() fleet[api.SettingsList] {
		return fleet[api.SettingsList]{
			do: func(ctx context.Context, c *api.Client, name string) (api.SettingsList, error) {
				l, err := c.Settings(ctx, name)
				if err == nil && l.Problem != "" {
					err = errors.New(l.Problem)
				}
				if len(l.Differences) > 0 {
					differing.Add(1)
				}
				l.Settings = nil // what is shown is the difference
				return l, err
			},
			rows: func(l api.SettingsList) []string {
				switch {
				case len(l.Differences) > 0:
					return differences(l.Differences)
				case l.Wanted == 0:
					return []string{"role " + l.Role + " wants nothing of this model"}
				}
				return []string{asWanted}
			},
			same: func(l api.SettingsList) string { return sameDifferences(l.Differences, asWanted) },
		}
	})
	run := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, ranges []string) error {
		if err := run(cmd, ranges); err != nil {
			return err
		}
		if n := differing.Load(); n > 0 {
			return fmt.Errorf("the settings of %s differ from what the roles want", inventory.Plural(int(n), "machine"))
		}
		return nil
	}
	return patient(cmd, settingsLimit)
}

// orderFlags are the flags of what orders settings.
func orderFlags(o *api.SettingsOrder) func(*cobra.Command) {
	return func(cmd *cobra.Command) {
		cmd.Flags().BoolVar(&o.DryRun, "dry-run", false, "only tell what would be changed")
		cmd.Flags().BoolVar(&o.Reboot, "reboot", false, "switch the machines off and on for it, at once")
		cmd.Flags().BoolVar(&o.Active, "active", false, "with --reboot: also machines that do their work, whatever runs on them")
	}
}

// ordering is a command that orders settings of each machine.
func ordering(order func(ctx context.Context, c *api.Client, name string) (api.SettingsReply, error)) func() fleet[api.SettingsReply] {
	return func() fleet[api.SettingsReply] {
		const asWanted = "as wanted already"
		return fleet[api.SettingsReply]{
			do: order,
			rows: func(s api.SettingsReply) []string {
				if len(s.Changes) == 0 {
					return []string{asWanted}
				}
				return differences(s.Changes)
			},
			same: func(s api.SettingsReply) string { return sameDifferences(s.Changes, asWanted) },
		}
	}
}

// tuneCmd is a command that orders settings of the BIOS.
func tuneCmd(use, short string, r *api.SettingsRequest) *cobra.Command {
	return patient(rangeCmd(use, short, orderFlags(&r.SettingsOrder), ordering(func(ctx context.Context, c *api.Client, name string) (api.SettingsReply, error) {
		return c.Tune(ctx, name, *r)
	})), settingsLimit)
}

func settingsApplyCmd() *cobra.Command {
	return tuneCmd("apply", "Order what the roles of machines want of their settings, for the next boot", &api.SettingsRequest{Role: true})
}

func settingsSetCmd() *cobra.Command {
	r := api.SettingsRequest{Values: map[string]any{}}
	cmd := tuneCmd("set", "Order settings of machines, for the next boot", &r)
	cmd.Use = "set RANGE... NAME=VALUE..."
	run := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, words []string) error {
		var ranges []string
		for _, w := range words {
			if name, value, is := strings.Cut(w, "="); is {
				r.Values[name] = value
			} else {
				ranges = append(ranges, w)
			}
		}
		if len(ranges) == 0 || len(r.Values) == 0 {
			return usageError{fmt.Errorf("name machines and then settings with their values: %s", cmd.UseLine())}
		}
		return run(cmd, ranges)
	}
	return cmd
}
