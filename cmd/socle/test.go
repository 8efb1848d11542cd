package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"socle/api"
	"socle/inventory"
)

// newTestCmd is "socle test": servers under load, and what was measured.
func newTestCmd() *cobra.Command {
	cmd := &cobra.Command{Use: "test", Short: "Test servers under load, and show what was measured", Long: exitCodes}
	group(cmd)
	cmd.AddCommand(testResultsCmd(),
		testStartCmd(),
		testVerbCmd("status", "Show how far the tests of machines are", nil, (*api.Client).Machine),
		testVerbCmd("stop", "Stop the tests of machines", nil, (*api.Client).StopTest))
	return cmd
}

func testVerbCmd(verb, short string, flags func(*cobra.Command), do func(*api.Client, context.Context, string) (api.Machine, error)) *cobra.Command {
	return rangeCmd(verb, short, flags, func() fleet[api.Machine] { return testFleet(do) })
}

func testFleet(do func(*api.Client, context.Context, string) (api.Machine, error)) fleet[api.Machine] {
	text := func(m api.Machine) string {
		words := []string{m.State, stepText(m), note(m)}
		if n := len(m.WriteDisks); n > 0 {
			words = append(words, "its tests write to "+inventory.Plural(n, "disk"))
		}
		return strings.Join(slices.DeleteFunc(words, func(s string) bool { return s == "" }), "  ")
	}
	return fleet[api.Machine]{
		do:   func(ctx context.Context, c *api.Client, name string) (api.Machine, error) { return do(c, ctx, name) },
		rows: func(m api.Machine) []string { return []string{text(m)} },
		same: text,
	}
}

func testResultsCmd() *cobra.Command {
	var q api.MeasurementQuery
	flags := func(cmd *cobra.Command) {
		cmd.Flags().StringVar(&q.Metric, "metric", "", "only this one, such as disk.read.sequential")
		cmd.Flags().BoolVar(&q.History, "history", false, "all runs that are kept, instead of the newest of each metric")
		cmd.Flags().StringVar(&q.Run, "run", "", "only of the run of tests with this ID")
	}
	return rangeCmd("results", "Show what tests measured", flags, func() fleet[[]api.Measurement] {
		return fleet[[]api.Measurement]{
			do: func(ctx context.Context, c *api.Client, name string) ([]api.Measurement, error) {
				one := q
				one.Machine = name
				return c.Measurements(ctx, one)
			},
			rows: func(all []api.Measurement) (rows []string) {
				for _, m := range all {
					rows = append(rows, fmt.Sprintf("%-26s %-10s %14s %-7s %-19s %-20s %s", m.Metric, dash(m.Subject), number(m.Value), m.Unit,
						m.Time.Local().Format("2006-01-02 15:04:05"), dash(m.Part), m.Run))
				}
				if len(rows) == 0 {
					rows = []string{"nothing was measured"}
				}
				return rows
			},
			same: func(all []api.Measurement) string {
				var metrics []string
				for _, m := range all {
					metrics = append(metrics, m.Metric)
				}
				slices.Sort(metrics)
				return dash(strings.Join(slices.Compact(metrics), ", "))
			},
		}
	})
}

// number is a value for people: four digits are enough, and large ones keep all before the point.
func number(v float64) string {
	if v >= 1000 || v <= -1000 {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strconv.FormatFloat(v, 'g', 4, 64)
}
