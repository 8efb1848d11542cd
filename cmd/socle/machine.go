package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"socle/api"
	"socle/inventory"
)

// newMachineCmd is "socle machine": look at machines, and say what is wanted of them.
func newMachineCmd() *cobra.Command {
	cmd := &cobra.Command{Use: "machine", Aliases: []string{"machines", "m"}, Short: "List and show machines; deploy, hold, release and inspect them", Long: exitCodes}
	f, o := addClientFlags(cmd), addOutputFlag(cmd)
	group(cmd)
	cmd.AddCommand(machineListCmd(f, o), machineShowCmd(f, o), machineDeployCmd(f, o), machineHoldCmd(f, o),
		machineVerbCmd(f, o, "release", "End the hold of machines", (*api.Client).Release),
		machineInspectCmd(f, o))
	return cmd
}

func machineListCmd(f *clientFlags, o *output) *cobra.Command {
	var state, role string
	cmd := &cobra.Command{
		Use: "list", Aliases: []string{"ls"}, Short: "List machines by name", Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := ready(f, o)
			if err != nil {
				return err
			}
			ms, err := c.Machines(cmd.Context(), state, role)
			if err != nil {
				return err
			}
			return printMachines(cmd.OutOrStdout(), o, ms)
		},
	}
	addFoldFlag(cmd, o, "NAME", "SINCE", "ADDRESS", "PLACE", "SERIAL")
	cmd.Flags().StringVar(&state, "state", "", "only machines in this state: "+stateNames())
	cmd.Flags().StringVar(&role, "role", "", "only machines with this role")
	return cmd
}

// stateNames lists the states for people.
func stateNames() string {
	var names []string
	for _, s := range inventory.States() {
		names = append(names, string(s))
	}
	return strings.Join(names, ", ")
}

// ready checks the flags and makes the client.
func ready(f *clientFlags, o *output) (*api.Client, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	return f.client()
}

func printMachines(w io.Writer, o *output, ms []api.Machine) error {
	return o.print(w, api.MachineList{Machines: ms}, func(row func(...string)) {
		row("NAME", "ROLE", "STATE", "SINCE", "STEP", "POWER", "ADDRESS", "PLACE", "SERIAL", "NOTE")
		for _, m := range ms {
			row(m.Name, dash(m.Role), m.State, since(m.Since), dash(stepText(m)), dash(m.Power), dash(m.Address), dash(placeText(m.Place)), dash(m.Serial), note(m))
		}
	})
}

// stepText is the step in progress, with how far it is.
func stepText(m api.Machine) string {
	if p := m.Progress; p != nil && p.Total > 0 {
		return fmt.Sprintf("%s %d%%", m.Step, min(100, p.Done*100/p.Total))
	}
	return m.Step
}

func placeText(p api.Place) string {
	if p.Rack == "" {
		return ""
	}
	return fmt.Sprintf("%s/U%d", p.Rack, p.U)
}

// note is why a machine does not go on, or cannot yet.
func note(m api.Machine) string {
	var parts []string
	if m.Hold != nil {
		parts = append(parts, "held: "+m.Hold.Reason)
	}
	if m.Fault != nil {
		parts = append(parts, m.Fault.Kind+": "+m.Fault.Reason)
	}
	if len(m.Lacks) > 0 {
		parts = append(parts, "lacks "+strings.Join(m.Lacks, ", "))
	}
	return strings.Join(parts, "; ")
}

func machineShowCmd(f *clientFlags, o *output) *cobra.Command {
	return &cobra.Command{
		Use: "show NAME", Short: "Show one machine, by name, ID or serial number", Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := ready(f, o)
			if err != nil {
				return err
			}
			m, err := c.Machine(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return o.print(cmd.OutOrStdout(), m, func(row func(...string)) { showMachine(m, row) })
		},
	}
}

func machineDeployCmd(f *clientFlags, o *output) *cobra.Command {
	var role, serial string
	cmd := &cobra.Command{
		Use: "deploy NAME --serial SERIAL", Short: "Deploy a role on a machine; destroys what is on its disks", Args: args(cobra.ExactArgs(1)),
		Long: "Deploy a role on a machine. What is on the machine's disks is lost, so its serial number must be given.\n" + exitCodes,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := ready(f, o)
			if err != nil {
				return err
			}
			if serial == "" {
				return usageError{errors.New("deploying destroys what is on the disks: confirm with --serial and the machine's serial number")}
			}
			m, err := c.Deploy(cmd.Context(), args[0], api.DeployRequest{Role: role, Serial: serial})
			if err != nil {
				return err
			}
			return printMachines(cmd.OutOrStdout(), o, []api.Machine{m})
		},
	}
	cmd.Flags().StringVar(&role, "role", "", "role to deploy; default: the one that fits the hardware")
	cmd.Flags().StringVar(&serial, "serial", "", "the machine's serial number, as confirmation")
	return cmd
}

func machineHoldCmd(f *clientFlags, o *output) *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use: "hold RANGE... --reason TEXT", Short: "Hands off: Socle does nothing with the machines until they are released", Args: args(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if reason == "" {
				return usageError{errors.New("a hold needs a --reason, for whoever wonders later")}
			}
			return eachMachine(cmd, f, o, args, func(ctx context.Context, c *api.Client, name string) (api.Machine, error) {
				return c.Hold(ctx, name, reason)
			})
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why, in words")
	return cmd
}

func machineVerbCmd(f *clientFlags, o *output, verb, short string, do func(*api.Client, context.Context, string) (api.Machine, error)) *cobra.Command {
	return &cobra.Command{
		Use: verb + " RANGE...", Short: short, Args: args(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return eachMachine(cmd, f, o, args, func(ctx context.Context, c *api.Client, name string) (api.Machine, error) { return do(c, ctx, name) })
		},
	}
}

// machineInspectCmd is "socle machine inspect".
func machineInspectCmd(f *clientFlags, o *output) *cobra.Command {
	var r api.InspectRequest
	cmd := &cobra.Command{
		Use: "inspect RANGE...", Short: "Boot the ramdisk and read the hardware of machines again", Args: args(cobra.MinimumNArgs(1)),
		Long: `The ramdisk is booted from the network, or with --media from the virtual media of the BMC: Socle makes a medium for this
machine, has the BMC fetch it, boots the server from it, and ejects it once the agent speaks. A machine keeps the way by
which it was last inspected, also for deploying. An agent that speaks already is asked without a boot.

` + exitCodes,
	}
	p := cmd.Flags()
	p.BoolVar(&r.Media, "media", false, "boot by virtual media (Redfish), where nothing can be booted from the network")
	p.StringVar(&r.Address, "address", "", "with --media: the ramdisk's address and the length of its network, such as 198.18.0.50/24 (default: by DHCP)")
	p.StringVar(&r.Gateway, "gateway", "", "with --address: default router")
	p.StringVar(&r.MAC, "mac", "", "with --media: MAC address of the interface to use (default: any with a link)")
	cmd.RunE = func(cmd *cobra.Command, ranges []string) error {
		if !r.Media && r != (api.InspectRequest{}) {
			return usageError{errors.New("--address, --gateway and --mac are for --media")}
		}
		if names, err := expand(ranges); err == nil && len(names) > 1 && (r.Address != "" || r.MAC != "") {
			return usageError{errors.New("an address or a MAC is one machine's: name one")}
		}
		return eachMachine(cmd, f, o, ranges, func(ctx context.Context, c *api.Client, name string) (api.Machine, error) {
			return c.Inspect(ctx, name, r)
		})
	}
	return cmd
}

// eachMachine is inTurn for what answers with the machine.
func eachMachine(cmd *cobra.Command, f *clientFlags, o *output, ranges []string, do func(context.Context, *api.Client, string) (api.Machine, error)) error {
	return inTurn(cmd, f, o, ranges, do, func(done []api.Machine) error { return printMachines(cmd.OutOrStdout(), o, done) })
}

// inTurn does something with every machine named, one after the other, goes on after a failure, and shows those where it
// worked. What takes its time is a fleet's work.
func inTurn[T any](cmd *cobra.Command, f *clientFlags, o *output, ranges []string, do func(context.Context, *api.Client, string) (T, error), show func([]T) error) error {
	c, err := ready(f, o)
	if err != nil {
		return err
	}
	names, err := machinesOf(cmd.Context(), c, ranges)
	if err != nil {
		return err
	}
	var done []T
	var wrong []string
	var failed []error
	for _, name := range names {
		one, err := do(cmd.Context(), c, name)
		if err != nil {
			wrong, failed = append(wrong, name), append(failed, err)
			continue
		}
		done = append(done, one)
	}
	if len(done) > 0 {
		err = show(done)
	}
	return errors.Join(alike(wrong, failed), err)
}
