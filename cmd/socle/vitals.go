package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"socle/api"
	"socle/inventory"
)

// newVitalsCmds are the commands of "socle bmc" that ask BMCs how servers are.
func newVitalsCmds() []*cobra.Command {
	return []*cobra.Command{bmcShowCmd(), bmcSensorsCmd(), bmcSELCmd(), bmcFirmwareCmd(), bmcResetCmd()}
}

// rangeCmd is a command on ranges of machines.
func rangeCmd[T any](use, short string, flags func(*cobra.Command), f func() fleet[T]) *cobra.Command {
	cmd := &cobra.Command{Use: use + " RANGE...", Short: short, Long: rangeHelp + exitCodes, Args: args(cobra.MinimumNArgs(1))}
	client, o := addClientFlags(cmd), addOutputFlag(cmd)
	if flags != nil {
		flags(cmd)
	}
	cmd.RunE = func(cmd *cobra.Command, ranges []string) error {
		c, err := ready(client, o)
		if err != nil {
			return err
		}
		return f().run(cmd, c, o, ranges)
	}
	return cmd
}

func bmcShowCmd() *cobra.Command {
	return rangeCmd("show", "Ask BMCs who they are", nil, func() fleet[api.BMCInfo] {
		return fleet[api.BMCInfo]{
			do: func(ctx context.Context, c *api.Client, name string) (api.BMCInfo, error) { return c.BMC(ctx, name) },
			rows: func(i api.BMCInfo) []string {
				rows := []string{fmt.Sprintf("%-8s %-22s %-20s %-24s %-16s %s", i.Protocol, i.Address, dash(i.Vendor), dash(i.Model), dash(i.Serial), dash(i.Firmware))}
				if i.BootHabit != "" {
					rows = append(rows, i.BootHabit)
				}
				return rows
			},
			same: func(i api.BMCInfo) string {
				return fmt.Sprintf("%s %s, BMC firmware %s", dash(i.Vendor), dash(i.Model), dash(i.Firmware))
			},
		}
	})
}

func bmcSensorsCmd() *cobra.Command {
	var bad bool
	flags := func(cmd *cobra.Command) {
		cmd.Flags().BoolVar(&bad, "bad", false, "only those that are not well")
	}
	return rangeCmd("sensors", "Read sensors, power supplies and fans", flags, func() fleet[[]api.Sensor] {
		return fleet[[]api.Sensor]{
			do: func(ctx context.Context, c *api.Client, name string) ([]api.Sensor, error) {
				all, err := c.Sensors(ctx, name)
				if bad {
					all = slices.DeleteFunc(all, func(s api.Sensor) bool { return s.Health == "" || s.Health == "ok" })
				}
				return all, err
			},
			rows: func(all []api.Sensor) (rows []string) {
				for _, s := range all {
					rows = append(rows, fmt.Sprintf("%-26s %-12s %14s  %-9s %s", s.Name, s.Kind, sensorValue(s), dash(s.Health), strings.TrimSpace(limits(s)+" "+s.State)))
				}
				if len(rows) == 0 {
					rows = []string{map[bool]string{true: "all is well", false: "no sensors"}[bad]}
				}
				return rows
			},
			same: func(all []api.Sensor) string {
				var complaints []string
				for _, s := range all {
					if s.Health == "warning" || s.Health == "critical" {
						complaints = append(complaints, s.Name+" is "+s.Health)
					}
				}
				if len(complaints) == 0 {
					return "all is well"
				}
				return strings.Join(complaints, ", ")
			},
		}
	})
}

func sensorValue(s api.Sensor) string {
	return dash(inventory.Sensor{Value: s.Value, Unit: s.Unit}.Shown())
}

// limits are the thresholds, as far as there are any.
func limits(s api.Sensor) string {
	var parts []string
	for _, l := range []struct {
		word string
		v    *float64
	}{{"<", s.LowCritical}, {"<~", s.LowCaution}, {">~", s.HighCaution}, {">", s.HighCritical}} {
		if l.v != nil {
			parts = append(parts, l.word+strconv.FormatFloat(*l.v, 'f', -1, 64))
		}
	}
	return strings.Join(parts, " ")
}

func bmcSELCmd() *cobra.Command {
	var bad, clearLog bool
	flags := func(cmd *cobra.Command) {
		cmd.Flags().BoolVar(&bad, "bad", false, "only entries that tell of something bad")
		cmd.Flags().BoolVar(&clearLog, "clear", false, "empty the logs instead of reading them")
		cmd.MarkFlagsMutuallyExclusive("bad", "clear")
	}
	return rangeCmd("sel", "Read or clear the event logs of BMCs", flags, func() fleet[[]api.LogEntry] {
		return fleet[[]api.LogEntry]{
			do: func(ctx context.Context, c *api.Client, name string) ([]api.LogEntry, error) {
				if clearLog {
					return nil, c.ClearLog(ctx, name)
				}
				all, err := wholeLog(ctx, c, name)
				if bad {
					all = slices.DeleteFunc(all, func(e api.LogEntry) bool { return e.Health != "warning" && e.Health != "critical" })
				}
				return all, err
			},
			rows: func(all []api.LogEntry) (rows []string) {
				for _, e := range all {
					at := "-"
					if e.Time != nil {
						at = e.Time.Local().Format("2006-01-02 15:04:05")
					}
					rows = append(rows, fmt.Sprintf("%-6s %-19s %-9s %-22s %s", e.ID, at, dash(e.Health), dash(e.Sensor), e.Text))
				}
				switch {
				case clearLog:
					return []string{"cleared"}
				case len(rows) == 0:
					return []string{"no entries"}
				}
				return rows
			},
			same: func(all []api.LogEntry) string {
				if clearLog {
					return "cleared"
				}
				counts := map[string]int{}
				for _, e := range all {
					counts[e.Health]++
				}
				return fmt.Sprintf("%d critical, %d warning, %d other", counts["critical"], counts["warning"], len(all)-counts["critical"]-counts["warning"])
			},
		}
	})
}

// wholeLog reads a log to its end: one answer holds a part.
func wholeLog(ctx context.Context, c *api.Client, name string) ([]api.LogEntry, error) {
	const mostParts = 10
	var all []api.LogEntry
	after := ""
	for range mostParts {
		part, err := c.EventLog(ctx, name, after)
		if err != nil {
			return all, err
		}
		all = append(all, part.Entries...)
		if len(part.Entries) < 1000 || part.Next == after {
			return all, nil
		}
		after = part.Next
	}
	return all, errors.New("its log has more than 10,000 entries")
}

func bmcFirmwareCmd() *cobra.Command {
	return rangeCmd("firmware", "List the firmware of machines", nil, func() fleet[[]api.Component] {
		return fleet[[]api.Component]{
			do: func(ctx context.Context, c *api.Client, name string) ([]api.Component, error) {
				return c.Firmware(ctx, name)
			},
			rows: func(all []api.Component) (rows []string) {
				for _, p := range all {
					can := ""
					if p.Updateable {
						can = "updateable"
					}
					rows = append(rows, fmt.Sprintf("%-16s %-44s %-22s %s", dash(p.ID), p.Name, p.Version, can))
				}
				return rows
			},
			same: func(all []api.Component) string {
				var parts []string
				for _, p := range all {
					parts = append(parts, p.Name+" "+p.Version)
				}
				slices.Sort(parts)
				return strings.Join(parts, ", ")
			},
		}
	})
}

// resetLimit is how long the server waits for a BMC to come back, and a bit.
const resetLimit = 9 * time.Minute

func bmcResetCmd() *cobra.Command {
	cmd := rangeCmd("reset", "Restart BMCs, and wait until they answer again; the servers go on", nil, func() fleet[string] {
		return fleet[string]{
			do: func(ctx context.Context, c *api.Client, name string) (string, error) {
				start := time.Now()
				err := c.ResetBMC(ctx, name)
				return "answers again after " + time.Since(start).Round(time.Second).String(), err
			},
			rows: func(s string) []string { return []string{s} },
			same: func(string) string { return "answers again" },
		}
	})
	return patient(cmd, resetLimit)
}

// newLocateCmd is "socle locate": which server is it?
func newLocateCmd() *cobra.Command {
	var last time.Duration
	cmd := &cobra.Command{
		Use: "locate RANGE... on|off", Short: "Switch the locator lights of machines",
		Long: "With --for the light goes out by itself after that time, also when the server was restarted meanwhile.\n\n" + rangeHelp + exitCodes,
		Args: args(cobra.MinimumNArgs(1)),
	}
	f, o := addClientFlags(cmd), addOutputFlag(cmd)
	cmd.Flags().DurationVar(&last, "for", 0, "how long the light is on, such as 10m; then \"on\" may be left out")
	cmd.RunE = func(cmd *cobra.Command, words []string) error {
		word := words[len(words)-1]
		ranges := words[:len(words)-1]
		if last != 0 && word != "on" && word != "off" {
			word, ranges = "on", words
		}
		switch {
		case word != "on" && word != "off":
			return usageError{fmt.Errorf("say on or off at the end, or --for and how long: %s", cmd.UseLine())}
		case len(ranges) == 0:
			return usageError{errors.New("name machines before on or off")}
		case last < 0 || last > 7*24*time.Hour:
			return usageError{fmt.Errorf("--for %v: use at most a week", last)}
		case word == "off" && last != 0:
			return usageError{errors.New("--for is for switching on")}
		}
		c, err := ready(f, o)
		if err != nil {
			return err
		}
		return fleet[string]{
			do: func(ctx context.Context, c *api.Client, name string) (string, error) {
				return c.Locate(ctx, name, word == "on", last)
			},
			rows: func(s string) []string { return []string{lightWords(s, word)} },
			same: func(s string) string { return lightWords(s, word) },
		}.run(cmd, c, o, ranges)
	}
	return cmd
}

// lightWords says what the light is; some BMCs cannot tell.
func lightWords(is, wanted string) string {
	if is == "unknown" {
		return wanted + " (taken, the BMC does not tell)"
	}
	return is
}

// newAlarmsCmd is "socle alarms": what somebody has to look after.
func newAlarmsCmd() *cobra.Command {
	cmd := &cobra.Command{Use: "alarms", Short: "List the open alarms about hardware", Long: exitCodes, Args: args(cobra.NoArgs)}
	f, o := addClientFlags(cmd), addOutputFlag(cmd)
	addFoldFlag(cmd, o, "MACHINE", "SINCE")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := ready(f, o)
		if err != nil {
			return err
		}
		all, err := c.Alarms(cmd.Context())
		if err != nil {
			return err
		}
		return o.print(cmd.OutOrStdout(), api.AlarmList{Alarms: all}, func(row func(...string)) {
			row("MACHINE", "HEALTH", "SINCE", "WHAT")
			for _, a := range all {
				row(a.Machine, a.Health, since(a.Since), a.Text)
			}
		})
	}
	return cmd
}
