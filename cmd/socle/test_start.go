package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"socle/api"
	"socle/hardware"
	"socle/inventory"
)

const testStartHelp = `Inspect machines and run the tests of their plans.

Disks are only read. With --write-disks they are written to as well, and read back: WHAT IS ON THEM IS LOST. The machines and their disks are then
shown with their serial numbers, and nothing is done before they are confirmed: by the code that is told, in --confirm. It stands for just
these serial numbers, so that it is of no use once a machine or a disk is another one, and holds for one run of the tests.

`

func testStartCmd() *cobra.Command {
	var r api.TestRequest
	var write bool
	var confirm string
	cmd := &cobra.Command{Use: "start RANGE...", Short: "Inspect machines and run the tests of their plans", Long: testStartHelp + rangeHelp + exitCodes,
		Args: args(cobra.MinimumNArgs(1))}
	client, o := addClientFlags(cmd), addOutputFlag(cmd)
	cmd.Flags().StringVar(&r.Plan, "plan", "", "by the plan of this name, instead of that of their models")
	cmd.Flags().BoolVar(&write, "write-disks", false, "write to all their disks as well: what is on them is lost")
	cmd.Flags().StringVar(&confirm, "confirm", "", "code that stands for the serial numbers of these machines and disks, with --write-disks")
	cmd.RunE = func(cmd *cobra.Command, ranges []string) error {
		c, err := ready(client, o)
		if err != nil {
			return err
		}
		if !write {
			if confirm != "" {
				return usageError{errors.New("--confirm is for --write-disks: without it nothing is destroyed")}
			}
			return testFleet(func(c *api.Client, ctx context.Context, name string) (api.Machine, error) {
				return c.Test(ctx, name, r)
			}).run(cmd, c, o, ranges)
		}
		all, err := victims(cmd, c, ranges)
		if err != nil {
			return err
		}
		if err := all.confirmed(cmd.OutOrStdout(), o, confirm); err != nil {
			return err
		}
		return testFleet(func(c *api.Client, ctx context.Context, name string) (api.Machine, error) {
			one := r
			one.Serial, one.WriteDisks = all[name].Serial, serials(writable(all[name]))
			return c.Test(ctx, name, one)
		}).run(cmd, c, o, []string{strings.Join(all.names(), ",")})
	}
	return cmd
}

// losers are the machines, by name, whose disks are to be written to.
type losers map[string]api.Machine

// victims reads the machines of some ranges; each must have disks that are known.
func victims(cmd *cobra.Command, c *api.Client, ranges []string) (losers, error) {
	names, err := machinesOf(cmd.Context(), c, ranges)
	if err != nil {
		return nil, err
	}
	found := losers{}
	all := fleet[api.Machine]{do: victim}.each(cmd.Context(), c, names, func(one outcome[api.Machine]) {
		if one.err != nil && len(names) > 1 {
			cmd.PrintErrf("%s: %v\n", printable(one.Name), one.err)
		}
		found[one.Name] = one.Result
	})
	return found, failures(all)
}

func victim(ctx context.Context, c *api.Client, name string) (api.Machine, error) {
	m, err := c.Machine(ctx, name)
	switch {
	case err != nil:
	case m.Serial == "":
		err = errors.New("its serial number is not known, and what is destroyed must be bound to one: inspect it first")
	case len(writable(m)) == 0:
		err = errors.New("no disk of it is known that can be written to: inspect it first")
	}
	return m, err
}

func writable(m api.Machine) (disks []hardware.Disk) {
	if m.Facts != nil {
		for _, d := range m.Facts.Disks {
			if d.Writable() {
				disks = append(disks, d)
			}
		}
	}
	return disks
}

func serials(disks []hardware.Disk) (all []string) {
	for _, d := range disks {
		all = append(all, d.Serial)
	}
	return all
}

func (all losers) names() []string {
	var names []string
	for n := range all {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// code stands for the serial numbers of the machines and of their disks.
func (all losers) code() string {
	h := sha256.New()
	for _, name := range all.names() {
		_, _ = fmt.Fprintf(h, "%q %q\n", all[name].Serial, serials(writable(all[name]))) // never fails
	}
	return hex.EncodeToString(h.Sum(nil)[:4])
}

// confirmed shows what would be lost, unless its code was given.
func (all losers) confirmed(w io.Writer, o *output, code string) error {
	want := all.code()
	if strings.EqualFold(code, want) {
		return nil
	}
	disks := 0
	for _, name := range all.names() {
		var each []string
		list := writable(all[name])
		for _, d := range list {
			each = append(each, strings.TrimSpace(fmt.Sprintf("%s (%s, %s, %s)", d.Serial, d.Name, hardware.Size(d.SizeBytes), dash(d.Contents))))
		}
		disks += len(list)
		if o.format == "table" {
			_, _ = fmt.Fprintf(w, "%s  serial %s: %s\n", printable(name), printable(all[name].Serial), printable(strings.Join(each, ", "))) // the final error tells
		}
	}
	what := fmt.Sprintf("everything on %s of %s would be lost; nothing was done.", inventory.Plural(disks, "disk"), inventory.Plural(len(all), "machine"))
	if code != "" {
		return usageError{fmt.Errorf("--confirm %s stands for other machines or disks than these: %s Look at the serial numbers; --confirm %s stands for them now", code, what, want)}
	}
	return usageError{fmt.Errorf("%s If that is meant, confirm these serial numbers with --confirm %s", what, want)}
}
