package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"socle/api"
	"socle/internal/depot"
	"socle/inventory"
)

// exitBelow is the exit code of "socle firmware report" when something is older than its baseline.
const exitBelow = 10

// firmwareDir is the store of firmware files below the data directory.
const firmwareDir = "firmware"

// newFirmwareCmd is "socle firmware": which firmware machines run, which they are to run, and how they get there.
func newFirmwareCmd() *cobra.Command {
	cmd := &cobra.Command{Use: "firmware", Short: "Compare firmware with baselines, and update it in waves", Long: exitCodes}
	group(cmd)
	cmd.AddCommand(firmwareBaselineCmd(), firmwareAddCmd(), firmwareReportCmd(), firmwareUpdateCmd(), firmwareStatusCmd(), firmwareStopCmd(), firmwareResumeCmd())
	return cmd
}

func firmwareBaselineCmd() *cobra.Command {
	cmd := &cobra.Command{Use: "baseline", Short: "Put and show what firmware machines are to run", Long: exitCodes}
	f, o := addClientFlags(cmd), addOutputFlag(cmd)
	group(cmd)
	d := documents{
		word: "baseline", head: "BASELINE", put: (*api.Client).PutBaseline, read: (*api.Client).Baseline, list: (*api.Client).Baselines,
		wrap: func(all []api.Document) any { return api.BaselineList{Baselines: all} },
	}
	cmd.AddCommand(d.showCmd(f, o), d.putCmd(f, o), d.listCmd(f, o))
	return cmd
}

func firmwareAddCmd() *cobra.Command {
	var dataDir string
	cmd := &cobra.Command{
		Use: "add FILE...", Short: "Take firmware files into the store, and show their digests for baselines",
		Long: "This works on the data directory of a server on this host, also while it runs. BMCs fetch the files from its boot HTTP.\n\n" + exitCodes,
		Args: args(cobra.MinimumNArgs(1)),
	}
	o := addOutputFlag(cmd)
	cmd.Flags().StringVar(&dataDir, "data-dir", envOr("SOCLE_DATA_DIR", "/var/lib/socle"), "data directory (SOCLE_DATA_DIR)")
	cmd.RunE = func(cmd *cobra.Command, files []string) error {
		if err := o.check(); err != nil {
			return err
		}
		d, err := depot.Open(filepath.Join(dataDir, firmwareDir))
		if err != nil {
			return err
		}
		type added struct {
			File   string `json:"file"`
			SHA256 string `json:"sha256"`
			Size   int64  `json:"size"`
		}
		var all []added
		for _, name := range files {
			in, err := os.Open(name)
			if err != nil {
				return fmt.Errorf("reading firmware: %w", err)
			}
			digest, size, err := d.Add(in)
			if err = errors.Join(err, in.Close()); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			all = append(all, added{filepath.Base(name), digest, size})
		}
		return o.print(cmd.OutOrStdout(), all, func(row func(...string)) {
			row("FILE", "SHA256", "BYTES")
			for _, a := range all {
				row(a.File, a.SHA256, fmt.Sprint(a.Size))
			}
		})
	}
	return cmd
}

// reports is the report of many machines, and what came of it.
type reports struct {
	baseline string
	mu       sync.Mutex
	below    map[string]bool
}

func (r *reports) fleet() fleet[api.FirmwareReport] {
	r.below = map[string]bool{}
	return fleet[api.FirmwareReport]{
		do: func(ctx context.Context, c *api.Client, name string) (api.FirmwareReport, error) {
			one, err := c.FirmwareReport(ctx, name, r.baseline)
			if err == nil && one.Below() {
				r.mu.Lock()
				defer r.mu.Unlock()
				r.below[name] = true
			}
			return one, err
		},
		rows: func(one api.FirmwareReport) (rows []string) {
			for _, f := range one.Findings {
				id := f.ID
				if id == "" {
					id = f.Name
				}
				rows = append(rows, fmt.Sprintf("%-9s %-16s %-24s %-16s %s", f.State, id, dash(f.Version), dash(f.Asks), f.Why))
			}
			return rows
		},
		same: func(one api.FirmwareReport) string {
			var parts []string
			for _, f := range one.Findings {
				if f.State != "ok" && f.State != "not asked" {
					parts = append(parts, fmt.Sprintf("%s %s is %s, %s is asked for", f.Name, dash(f.Version), f.State, f.Asks))
				}
			}
			if len(parts) == 0 {
				parts = []string{"as the baseline asks"}
			}
			return strings.TrimSpace(one.Vendor+" "+one.Model) + ": " + strings.Join(parts, ", ")
		},
	}
}

// names of those that are below, in their order.
func (r *reports) names(all []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(n string) bool { return !r.below[n] })
}

func firmwareReportCmd() *cobra.Command {
	r := &reports{}
	cmd := &cobra.Command{
		Use: "report [RANGE...]", Short: "Ask BMCs what firmware runs, and compare it with a baseline",
		Long: "Without a range, all machines whose BMC is known are asked.\n\n" + rangeHelp + exitCodes + fmt.Sprintf(" Also %d something is older than the baseline asks.", exitBelow),
	}
	f, o := addClientFlags(cmd), addOutputFlag(cmd)
	cmd.Flags().StringVar(&r.baseline, "to", "", "name of the baseline; may be left out when there is one only")
	cmd.RunE = func(cmd *cobra.Command, ranges []string) error {
		c, err := ready(f, o)
		if err != nil {
			return err
		}
		var names []string
		if len(ranges) == 0 {
			names, err = everyone(cmd.Context(), c)
		} else {
			names, err = machinesOf(cmd.Context(), c, ranges)
		}
		if err != nil {
			return err
		}
		if err := r.fleet().run(cmd, c, o, names); err != nil {
			return err
		}
		if below := r.names(names); len(below) > 0 {
			return verdictError{exitBelow, "below the baseline: " + inventory.FoldNames(below)}
		}
		return nil
	}
	return cmd
}

// everyone is all machines whose BMC is known.
func everyone(ctx context.Context, c *api.Client) (names []string, err error) {
	all, err := c.Machines(ctx, "", "")
	for _, m := range all {
		if m.BMC != nil && m.BMC.Address != "" && m.BMC.Protocol != "" && m.State != string(inventory.Retired) {
			names = append(names, m.Name)
		}
	}
	if err == nil && len(names) == 0 {
		err = errors.New("no BMC of any machine is known")
	}
	return names, err
}
