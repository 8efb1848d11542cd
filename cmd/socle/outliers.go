package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"socle/api"
	"socle/hardware/sample"
	"socle/internal/app"
	"socle/inventory"
	"socle/inventory/outlier"
)

// newOutliersCmd is "socle outliers": who is not like the others?
func newOutliersCmd() *cobra.Command {
	var metric, data string
	cmd := &cobra.Command{
		Use: "outliers [RANGE...]", Short: "Compare machines with their peers: other parts, slower, unstable",
		Long: `All machines are compared with those of equal hardware; with ranges of names, what concerns those machines is shown,
with all that was measured of them. Each metric has a line that shows how its values are spread, from the lowest to the
highest; limit is how far from the median a machine may be.

With --data no server is asked: DIR holds one file a server, a JSON array of [class, element, property, value] as the
"detect" of redhat-cip/hardware writes it.

` + exitCodes,
	}
	f, o := addClientFlags(cmd), addOutputFlag(cmd)
	addFoldFlag(cmd, o, "MACHINE")
	cmd.Flags().StringVar(&metric, "metric", "", "only this metric, or those whose dotted names begin with it, each value with its history")
	cmd.Flags().StringVar(&data, "data", "", "compare the servers of this folder's files instead")
	cmd.RunE = func(cmd *cobra.Command, ranges []string) error {
		if err := o.check(); err != nil {
			return err
		}
		r, err := outlierReport(cmd, f, api.OutlierQuery{Metric: metric}, ranges, data)
		if err != nil {
			return err
		}
		if o.format != "table" {
			return o.print(cmd.OutOrStdout(), r, nil)
		}
		return showOutliers(cmd.OutOrStdout(), o, r, metric != "" || len(ranges) > 0)
	}
	return cmd
}

// outlierReport compares what a server knows, or the samples in a folder, where nothing can be searched.
func outlierReport(cmd *cobra.Command, f *clientFlags, q api.OutlierQuery, ranges []string, data string) (r api.OutlierReport, err error) {
	if data == "" {
		c, err := f.client()
		if err != nil {
			return r, err
		}
		if q.Machines, err = foldedOf(cmd.Context(), c, ranges); err != nil {
			return r, err
		}
		return c.Outliers(cmd.Context(), q)
	}
	if len(ranges) > 0 {
		names, err := expand(ranges)
		if err != nil {
			return r, err
		}
		q.Machines = inventory.FoldNames(names)
	}
	machines, measured, err := readSamples(data)
	if err != nil {
		return api.OutlierReport{}, err
	}
	return app.OutlierReport(outlier.Judge(machines, measured, outlier.Default()), q)
}

// readSamples reads a folder of sample servers; each is named by its serial number, else by its file.
func readSamples(dir string) (machines []inventory.Machine, measured []inventory.Measurement, err error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return nil, nil, usageError{fmt.Errorf("--data %s: %w", dir, err)}
	}
	if len(files) == 0 {
		return nil, nil, usageError{fmt.Errorf("--data %s: there is no file *.json", dir)}
	}
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			return nil, nil, err
		}
		s, err := sample.Read(f)
		_ = f.Close() // was only read
		if err != nil {
			return nil, nil, usageError{fmt.Errorf("%s: %w", name, err)}
		}
		m := inventory.Machine{ID: name, Name: s.Facts.System.Serial, Facts: &s.Facts}
		if m.Name == "" {
			m.Name = strings.TrimSuffix(filepath.Base(name), ".json")
		}
		machines = append(machines, m)
		measured = append(measured, outlier.Measured(m.ID, s.Readings)...)
	}
	return machines, measured, nil
}

// showOutliers prints a report for people; whole shows each value.
func showOutliers(w io.Writer, o *output, r api.OutlierReport, whole bool) error {
	err := o.print(w, r, func(row func(...string)) {
		row("MACHINE", "PART", "KIND", "WHY")
		for _, f := range r.Findings {
			kind := f.Kind
			if f.Minor {
				kind += " (minor)"
			}
			row(f.Machine, f.Subject, kind, f.Reason)
		}
		if len(r.Findings) == 0 {
			row("-", "", "", "nothing is odd among "+inventory.Plural(r.Compared, "machine"))
		}
	})
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintln(w) // the next print tells
	cores := 0
	err = o.print(w, r, func(row func(...string)) {
		row("METRIC", "PART", "PEERS", "N", "LOW", "MEDIAN", "HIGH", "UNIT", "SPREAD", "LIMIT", "DISTRIBUTION")
		for _, g := range r.Groups {
			if !whole && len(g.Values) == 0 && strings.HasPrefix(g.Position, "core") {
				cores++
				continue
			}
			row(g.Metric, dash(g.Position), g.Peers, strconv.Itoa(g.Count), number(g.Low), number(g.Median), number(g.High), dash(g.Unit),
				share(g.Spread), share(g.Limit), sparkline(g.Histogram))
			if whole {
				for _, v := range g.Values {
					row("  "+v.Machine, dash(v.Subject), distance(v, g.LowerIsBetter), "", "", number(v.Value), "", "", "", "", past(v))
				}
			}
		}
	})
	if cores > 0 {
		_, _ = fmt.Fprintf(w, "with --metric also %s of single cores, among which nothing is odd\n", inventory.Plural(cores, "line")) // the next print tells
	}
	if err != nil || len(r.Notes) == 0 {
		return err
	}
	_, _ = fmt.Fprintln(w) // the next print tells
	return o.print(w, r, func(row func(...string)) {
		row("NOT JUDGED", "WHAT", "WHY")
		for _, n := range r.Notes {
			row(n.Machines, n.About, n.Why)
		}
	})
}

func share(f float64) string { return strconv.FormatFloat(100*f, 'f', 1, 64) + " %" }

// distance says how far a value is from the median, and on which side.
func distance(v api.OutlierValue, lowerIsBetter bool) string {
	words := "-"
	switch worse := v.Distance > 0; {
	case v.Distance == 0:
	case worse != lowerIsBetter:
		words = share(max(v.Distance, -v.Distance)) + " below"
	default:
		words = share(max(v.Distance, -v.Distance)) + " above"
	}
	if v.Odd {
		words += ", odd"
	}
	return words
}

// past are the older runs of a value.
func past(v api.OutlierValue) string {
	var all []string
	for _, b := range v.Before {
		all = append(all, number(b.Value))
	}
	if len(all) == 0 {
		return ""
	}
	return "before: " + strings.Join(all, ", ")
}

// sparkline draws counts as bars; what is there at all is seen.
func sparkline(counts []int) string {
	most := 1
	for _, n := range counts {
		most = max(most, n)
	}
	bars := []rune("▁▂▃▄▅▆▇█")
	var b strings.Builder
	for _, n := range counts {
		if n == 0 {
			b.WriteByte('.')
			continue
		}
		b.WriteRune(bars[(n*len(bars)-1)/most])
	}
	return b.String()
}
