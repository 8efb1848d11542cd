package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"socle/lab"
)

// labFlags are what all lab commands share.
type labFlags struct {
	name, stateDir, spec, subnet string
	verbose                      bool
}

// newLabCmd is the virtual rack's command line.
func newLabCmd() *cobra.Command {
	var f labFlags
	cmd := &cobra.Command{
		Use:   "lab",
		Short: "Run a virtual rack on this host: servers with real firmware and a BMC each",
		Long: `A virtual rack: QEMU servers with real firmware that boot from the network, an IPMI or Redfish BMC each, and
switch ports that send LLDP, in a network namespace of its own. It needs root. See docs/lab.md.`,
	}
	p := cmd.PersistentFlags()
	p.StringVar(&f.name, "name", "", `name of the rack (default "demo", or what the specification says)`)
	p.StringVar(&f.stateDir, "state-dir", "var/lab", "where disks and logs are kept")
	p.StringVar(&f.spec, "spec", "", "rack specification in YAML (default: the rack of the demonstration)")
	p.StringVar(&f.subnet, "subnet", "", "provisioning network, an IPv4 /24; the BMCs get the next one (default 198.18.0.0/24)")
	p.BoolVarP(&f.verbose, "verbose", "v", false, "say more of what is done")
	cmd.AddCommand(labUp(&f), labDown(&f), labStatus(&f), labPower(&f), labBoot(&f), labConsole(&f), labFault(&f), labCable(&f), labManifest(&f), labRun(&f), labHook())
	cmd.AddCommand(newDemoCmds(&f)...)
	return cmd
}

func (f *labFlags) log() *slog.Logger {
	level := slog.LevelInfo
	if f.verbose {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
}

// load makes the specification that the flags describe.
func (f *labFlags) load() (lab.Spec, error) {
	spec := lab.Default()
	if f.spec != "" {
		var err error
		if spec, err = lab.Load(f.spec); err != nil {
			return spec, err
		}
	}
	if f.name != "" {
		spec = spec.Rename(f.name)
	}
	if f.subnet != "" {
		prefix, err := netip.ParsePrefix(f.subnet)
		if err != nil {
			return spec, fmt.Errorf("--subnet: %w", err)
		}
		if spec, err = spec.Move(prefix); err != nil {
			return spec, fmt.Errorf("--subnet: %w", err)
		}
	}
	return spec, nil
}

// rack is the name of the rack that is meant, for commands that find the rest in the running one.
func (f *labFlags) rack() string {
	switch {
	case f.name != "":
		return f.name
	case f.spec != "":
		if spec, err := lab.Load(f.spec); err == nil {
			return spec.Name
		}
	}
	return lab.Default().Name
}

func labUp(f *labFlags) *cobra.Command {
	return &cobra.Command{
		Use: "up", Short: "Bring the rack up, all servers off; does nothing when it is up", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			spec, err := f.load()
			if err != nil {
				return err
			}
			st, err := lab.Up(cmd.Context(), spec, f.stateDir, f.log())
			if err != nil {
				return err
			}
			return printLab(cmd.OutOrStdout(), st)
		},
	}
}

func labDown(f *labFlags) *cobra.Command {
	return &cobra.Command{
		Use: "down", Short: "Take the rack down and leave nothing but its disks and logs", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return lab.Down(cmd.Context(), f.rack(), f.log()) },
	}
}

func labStatus(f *labFlags) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "status", Short: "Show the servers of the rack", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			st, err := lab.State(cmd.Context(), f.rack())
			if err != nil {
				return err
			}
			if asJSON {
				enc := json.NewEncoder(cmd.OutOrStdout())
				enc.SetIndent("", "  ")
				return enc.Encode(st)
			}
			return printLab(cmd.OutOrStdout(), st)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	return cmd
}

func printLab(out io.Writer, st lab.Status) error {
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	_, _ = fmt.Fprintf(w, "lab %s on interface %s, %s, supervisor %d\n", st.Name, st.Interface, st.Accel, st.PID)
	_, _ = fmt.Fprintln(w, "SERVER\tPOWER\tNEXT BOOT\tFIRMWARE\tBMC\tADDRESS\tSERIAL\tPLACE\tMAC")
	for _, s := range st.Servers {
		power, next := "off", s.NextBoot
		if s.On {
			power = "on"
		}
		if s.Once {
			next += " (once)"
		}
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s U%d\t%s\n",
			s.Name, power, next, s.Firmware, s.Protocol, s.Address, s.Serial, s.Rack, s.U, s.MAC)
	}
	return w.Flush()
}

func labPower(f *labFlags) *cobra.Command {
	actions := []string{"on", "off", "cycle", "reset", "soft"}
	return &cobra.Command{
		Use: "power NAME on|off|cycle|reset|soft", Short: "Change a server's power, past its BMC's protocol", Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !slices.Contains(actions, args[1]) {
				return usageError{fmt.Errorf("power action %q: use one of %v", args[1], actions)}
			}
			return lab.Power(cmd.Context(), f.rack(), args[0], lab.Action(args[1]))
		},
	}
}

func labBoot(f *labFlags) *cobra.Command {
	var persistent bool
	cmd := &cobra.Command{
		Use: "boot NAME pxe|disk|none", Short: "Say what a server boots next, past its BMC's protocol", Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if devices := []lab.Device{lab.BootPXE, lab.BootDisk, lab.BootNone}; !slices.Contains(devices, lab.Device(args[1])) {
				return usageError{fmt.Errorf("boot device %q: use one of %v", args[1], devices)}
			}
			return lab.Boot(cmd.Context(), f.rack(), args[0], lab.Device(args[1]), !persistent)
		},
	}
	cmd.Flags().BoolVar(&persistent, "persistent", false, "for every boot, not for the next only")
	return cmd
}

func labFault(f *labFlags) *cobra.Command {
	return &cobra.Command{
		Use: "fault NAME FAULT on|off", Short: "Make something go wrong with a server, or end it", Args: cobra.ExactArgs(3),
		Long: `Make something go wrong with a server, or end it:
  bmc-silent  its BMC takes packets and never answers
  no-link     its network cables are pulled
  bmc:KIND    its Redfish BMC misbehaves: bmc:conflict, bmc:slow,for=2s, bmc:hang,method=POST,path=/redfish/v1/Systems/**,
              with after=N, times=N and chance=0.05; off ends all of the kind
  part:NAME   a part of it has failed, which its Redfish BMC tells: part:PSU1, part:Fan2, part:Disk0`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if !slices.Contains([]string{"on", "off"}, args[2]) {
				return usageError{fmt.Errorf("fault %s %q: say on or off", args[1], args[2])}
			}
			if err := lab.CheckFault(lab.Fault(args[1])); err != nil {
				return usageError{err}
			}
			return lab.SetFault(cmd.Context(), f.rack(), args[0], lab.Fault(args[1]), args[2] == "on")
		},
	}
}

func labManifest(f *labFlags) *cobra.Command {
	return &cobra.Command{
		Use: "manifest", Short: "Print the rack's delivery manifest (CSV, with the BMCs' passwords)", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			spec, err := f.load()
			if err != nil {
				return err
			}
			if err := spec.Validate(); err != nil {
				return err
			}
			_, err = cmd.OutOrStdout().Write(lab.Manifest(spec))
			return err
		},
	}
}

func labConsole(f *labFlags) *cobra.Command {
	return &cobra.Command{
		Use: "console NAME", Short: "Connect to a server's serial line; Ctrl-] ends", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return watchSerial(cmd.Context(), f.rack(), args[0]) },
	}
}

// watchSerial passes keys through one by one, so that firmware menus work. Without a terminal it only shows.
func watchSerial(ctx context.Context, rack, server string) error {
	fd := int(os.Stdin.Fd())
	if !term.IsTerminal(fd) {
		return lab.Console(ctx, rack, server, nil, os.Stdout)
	}
	_, _ = fmt.Fprintf(os.Stderr, "connected to %s; Ctrl-] ends\n", server)
	old, err := term.MakeRaw(fd)
	if err != nil {
		return fmt.Errorf("preparing the terminal: %w", err)
	}
	defer func() { _ = term.Restore(fd, old) }()
	return lab.Console(ctx, rack, server, untilEscape{os.Stdin}, os.Stdout)
}

// untilEscape ends a terminal's input at Ctrl-].
type untilEscape struct{ in io.Reader }

func (u untilEscape) Read(p []byte) (int, error) {
	n, err := u.in.Read(p)
	if i := slices.Index(p[:n], 0x1d); i >= 0 {
		return i, io.EOF
	}
	return n, err
}

// labRun is the supervisor, started by "up" inside the rack's namespace.
func labRun(f *labFlags) *cobra.Command {
	return &cobra.Command{
		Use: "run", Hidden: true, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return lab.Supervise(cmd.Context(), f.rack(), f.log()) },
	}
}

// labHook is the program that ipmi_sim asks.
func labHook() *cobra.Command {
	return &cobra.Command{
		Use: "bmc-hook SOCKET SERVER get|set PARAMETER…", Hidden: true, DisableFlagParsing: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := lab.Hook(cmd.Context(), args, cmd.OutOrStdout()); err != nil {
				return errors.Join(errors.New("asking the lab's supervisor"), err)
			}
			return nil
		},
	}
}
