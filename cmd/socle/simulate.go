package main

import (
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"socle/inventory"
	"socle/simulate"
)

// fleetFlags say which fleet it is; plan and run take the same, and mean the same fleet by them.
type fleetFlags struct {
	servers      int
	seed         uint64
	odd, network string
}

func (f *fleetFlags) fleet() (*simulate.Fleet, error) {
	odd, err := simulate.ParseOddities(f.odd)
	if err != nil {
		return nil, usageError{fmt.Errorf("--odd: %w", err)}
	}
	s := simulate.Spec{Servers: f.servers, Seed: f.seed, Odd: odd}
	if f.network != "" {
		if s.Network, err = netip.ParsePrefix(f.network); err != nil {
			return nil, usageError{fmt.Errorf("--network: %w", err)}
		}
	}
	fleet, err := simulate.New(s)
	if err != nil {
		return nil, usageError{err}
	}
	return fleet, nil
}

// newSimulateCmd is "socle simulate": a fleet of servers without hardware.
func newSimulateCmd() *cobra.Command {
	var f fleetFlags
	var names []string
	for _, o := range simulate.Oddities() {
		names = append(names, fmt.Sprintf("  %-16s %s", o, o.Meaning()))
	}
	cmd := &cobra.Command{
		Use:   "simulate",
		Short: "Simulate thousands of servers: DHCP, HTTP boot, agent and BMC each",
		Long: `A fleet of servers without hardware, in one process: each asks for its addresses by DHCP, boots by HTTP, runs the agent and
has a Redfish BMC. Equal flags make equal fleets. See docs/simulate.md.

Oddities (--odd missing-dimm=3,slow-disk):
` + strings.Join(names, "\n"),
	}
	p := cmd.PersistentFlags()
	p.IntVar(&f.servers, "servers", 100, "how many servers")
	p.Uint64Var(&f.seed, "seed", 1, "what is drawn by chance; the same seed, the same fleet")
	p.StringVar(&f.odd, "odd", "", "how many servers have which oddity, e.g. missing-dimm=3,swapped-cables=1")
	p.StringVar(&f.network, "network", "", fmt.Sprintf("IPv4 network of the fleet, /18 or larger (default %s)", simulate.DefaultNetwork))
	cmd.AddCommand(simulatePlan(&f), simulateRun(&f))
	return cmd
}

func simulatePlan(f *fleetFlags) *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use: "plan", Short: "Write the fleet's manifest, racks and cabling, and the configuration of a server for it", Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			fleet, err := f.fleet()
			if err != nil {
				return err
			}
			if err := fleet.Plan(dir); err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: manifest.csv, racks.csv, cabling.csv, socle.yaml and odd.csv are in %s\n", inventory.Plural(len(fleet.Servers), "server"), dir)
			return err
		},
	}
	cmd.Flags().StringVarP(&dir, "output", "o", ".", "folder, made when absent")
	return cmd
}

func simulateRun(f *fleetFlags) *cobra.Command {
	o := simulate.Options{}
	var boot, files string
	var every, last time.Duration
	var verbose, noBytes bool
	cmd := &cobra.Command{
		Use: "run", Short: "Run the fleet until it is interrupted; it needs root", Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case boot != "bmc" && boot != "all":
				return usageError{fmt.Errorf("--boot %q: say bmc or all", boot)}
			case !slices.Contains([]simulate.Files{simulate.FilesHead, simulate.FilesFirst, simulate.FilesWhole}, simulate.Files(files)):
				return usageError{fmt.Errorf("--files %q: say head, first or whole", files)}
			}
			o.BootAll, o.Files, o.ImageBytes = boot == "all", simulate.Files(files), !noBytes
			if verbose {
				o.Log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
			}
			return runFleet(cmd, f, o, every, last)
		},
	}
	p := cmd.Flags()
	p.StringVar(&boot, "boot", "bmc", "who switches servers on: bmc (whoever tells their BMCs) or all (all at once, at the start)")
	p.StringVar(&files, "files", "head", "how much of kernel and ramdisk is fetched: head (their size), first (64 KiB), whole")
	p.BoolVar(&noBytes, "no-image-bytes", false, "read the index of an image only, and report that it was written")
	p.DurationVar(&o.SelfTest, "self-test", 3*time.Second, "how long the firmware's self-test takes, give or take a quarter")
	p.DurationVar(&o.Kernel, "kernel", 2*time.Second, "how long a kernel takes to start, likewise")
	p.DurationVar(&o.Tests, "tests", 10*time.Second, "the most that tests of a plan of burnin take")
	p.DurationVar(&o.Retry, "retry", 30*time.Second, "how long a server waits after a boot that failed")
	p.DurationVar(&every, "progress", 5*time.Second, "how often a line of progress is shown; 0: never")
	p.DurationVar(&last, "for", 0, "end after this time; 0: when interrupted")
	p.BoolVarP(&verbose, "verbose", "v", false, "say why boots fail")
	return cmd
}

// runFleet runs until the command is interrupted, or its time is over.
func runFleet(cmd *cobra.Command, f *fleetFlags, o simulate.Options, every, last time.Duration) error {
	fleet, err := f.fleet()
	if err != nil {
		return err
	}
	running, err := fleet.Start(cmd.Context(), o)
	if err != nil {
		return err
	}
	out := cmd.OutOrStdout()
	_, _ = fmt.Fprintf(out, "%s behind interface %s: BMCs in %s, addresses by DHCP of %s, which is asked at %s\n",
		inventory.Plural(len(fleet.Servers), "server"), simulate.CableName, fleet.Management(), fleet.Provisioning(), fleet.Host()) // the summary's error tells
	var tick, end <-chan time.Time
	if every > 0 {
		t := time.NewTicker(every)
		defer t.Stop()
		tick = t.C
	}
	if last > 0 {
		t := time.NewTimer(last)
		defer t.Stop()
		end = t.C
	}
	for said := ""; ; {
		select {
		case <-tick:
			if line := running.Stats.Line(); line[6:] != said { // without the time
				said = line[6:]
				_, _ = fmt.Fprintln(out, line)
			}
			continue
		case <-end:
		case <-cmd.Context().Done():
		}
		err := running.Close()
		if told := running.Stats.Summary(out); err == nil {
			err = told
		}
		return err
	}
}
