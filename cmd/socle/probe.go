package main

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"socle/dhcp/probe"
)

// exitForeign is the exit code of "socle probe" when it found what should not be there.
const exitForeign = 9

// foreignError says that the probe found a server too many; the words were printed already.
type foreignError struct{ warnings []string }

// Error implements error.
func (e foreignError) Error() string { return strings.Join(e.warnings, "; ") }

func (foreignError) exitCode() int { return exitForeign }

// newProbeCmd is "socle probe": look at a network before machines are powered on there.
func newProbeCmd() *cobra.Command {
	cmd := &cobra.Command{Use: "probe", Short: "Look at a network before machines are powered on there"}
	group(cmd)
	cmd.AddCommand(probeDHCPCmd())
	return cmd
}

func probeDHCPCmd() *cobra.Command {
	var (
		opt   probe.Options
		relay string
		allow []string
		pcap  string
		show  bool
	)
	cmd := &cobra.Command{
		Use: "dhcp -i IFACE", Short: "Find every DHCP, proxy DHCP and PXE server that answers on a network", Args: args(cobra.NoArgs),
		Long: `Asks as a plain client, as BIOS and UEFI PXE and as UEFI HTTP boot, collects all answers, asks each answerer for its boot
service on port 4011, and names them by MAC and address. No lease is taken. A server on this same host is not seen: what is
looked for are the others. Needs root or CAP_NET_RAW.

Exit codes: 0 nobody unexpected, 1 failed, 2 wrong usage, 9 a server too many: more than one answers, or one that --allow does not name.`,
	}
	o := addOutputFlag(cmd)
	flagErrors(cmd)
	fl := cmd.Flags()
	fl.StringVarP(&opt.Iface, "interface", "i", "", "interface of the network")
	fl.StringVar(&relay, "relay", "", "ask as a relay with this address of the interface")
	fl.DurationVar(&opt.Wait, "timeout", 5*time.Second, "how long answers are collected")
	fl.StringArrayVar(&allow, "allow", nil, "address of a server that is meant to answer; may be given several times")
	fl.StringVar(&pcap, "pcap", "", "write what was sent and received to this capture file")
	fl.BoolVar(&show, "packets", false, "show each answer's packet, decoded and in hexadecimal")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := errors.Join(o.check(), probeOptions(&opt, relay, allow)); err != nil {
			return usageError{err}
		}
		r, err := probe.Run(cmd.Context(), opt)
		if errors.Is(err, probe.ErrInterface) {
			return usageError{err}
		}
		if err != nil {
			return err
		}
		if pcap != "" {
			if err := writeCapture(pcap, r); err != nil {
				return err
			}
		}
		if err := printProbe(cmd.OutOrStdout(), o, r, show); err != nil {
			return err
		}
		if len(r.Warnings) > 0 {
			return foreignError{r.Warnings}
		}
		return nil
	}
	return cmd
}

// probeOptions reads the addresses of the flags.
func probeOptions(opt *probe.Options, relay string, allow []string) error {
	var errs []error
	if opt.Iface == "" {
		errs = append(errs, errors.New("name the interface with -i"))
	}
	if opt.Wait < 100*time.Millisecond || opt.Wait > 10*time.Minute {
		errs = append(errs, fmt.Errorf("--timeout %s is not between 100ms and 10m", opt.Wait))
	}
	read := func(flag, text string) netip.Addr {
		a, err := netip.ParseAddr(text)
		if err != nil || !a.Is4() {
			errs = append(errs, fmt.Errorf("--%s %q is no IPv4 address", flag, text))
		}
		return a
	}
	if relay != "" {
		opt.Relay = read("relay", relay)
	}
	for _, a := range allow {
		opt.Allowed = append(opt.Allowed, read("allow", a))
	}
	return errors.Join(errs...)
}

func writeCapture(path string, r probe.Report) error {
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("making the capture file: %w", err)
	}
	return errors.Join(r.WritePcap(f), f.Close())
}

// printProbe writes a line for each offer, and below it the packets when they are wanted.
func printProbe(w io.Writer, o *output, r probe.Report, packets bool) error {
	err := o.print(w, r, func(row func(...string)) {
		if len(r.Servers) == 0 {
			row("Nobody answers DHCP on " + r.Iface + ".")
			return
		}
		row("ADDRESS", "MAC", "KIND", "SAYS")
		for _, s := range r.Servers {
			var kinds []string
			for _, k := range s.Kinds {
				kinds = append(kinds, string(k))
			}
			for i, offer := range s.Offers {
				if i == 0 {
					row(s.IP.String(), s.MAC, strings.Join(kinds, "+"), offer)
				} else {
					row("", "", "", offer)
				}
			}
		}
	})
	if err != nil || o.format != "table" || !packets {
		return err
	}
	for _, a := range r.Answers {
		_, err := fmt.Fprintf(w, "\n%s from %s (%s), port %d, to a %s:\n%s\n%s", a.Message, a.IP, a.MAC, a.Port, a.Client, indent(a.Decoded), hexDump(a.Packet))
		if err != nil {
			return err
		}
	}
	return nil
}

func indent(text string) string { return "  " + strings.ReplaceAll(text, "\n", "\n  ") }

// hexDump writes 32 bytes a line.
func hexDump(hex string) string {
	var b strings.Builder
	for n := 0; n < len(hex); n += 64 {
		fmt.Fprintf(&b, "  %04x  %s\n", n/2, hex[n:min(n+64, len(hex))])
	}
	return b.String()
}
