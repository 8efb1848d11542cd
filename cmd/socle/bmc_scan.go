package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"socle/api"
)

// newScanCmd is "socle bmc scan".
func newScanCmd() *cobra.Command {
	var r api.ScanRequest
	cmd := &cobra.Command{
		Use: "scan [ADDRESSES...]", Short: "Look for management controllers on a network",
		Long: `The server asks each address by IPMI's presence ping and for the root of a Redfish service; nobody logs in anywhere.
ADDRESSES are networks, addresses or ranges of them: 198.18.1.0/24, 198.18.2.10-198.18.2.50. --leases adds the addresses
that the server leases to others than known servers; --ssdp and --mdns ask everybody on the server's networks, or on
that of --interface, for Redfish services, and add those who answer. With --user and
--password-file, each controller that is found is logged into once, to learn its server's serial number: that is how
it is matched to a machine of the manifest.

` + exitCodes,
	}
	f, o := addClientFlags(cmd), addOutputFlag(cmd)
	cmd.Flags().BoolVar(&r.Leases, "leases", false, "look at the addresses that the server leases")
	cmd.Flags().BoolVar(&r.SSDP, "ssdp", false, "ask by SSDP")
	cmd.Flags().BoolVar(&r.MDNS, "mdns", false, "ask by multicast DNS")
	cmd.Flags().StringVar(&r.Interface, "interface", "", "the server's interface to ask on; default: all")
	readPassword := loginFlags(cmd, &r.User, &r.Password, "log in as this user")
	cmd.RunE = func(cmd *cobra.Command, ranges []string) error {
		if len(ranges) == 0 && !r.Leases && !r.SSDP && !r.MDNS {
			return usageError{errors.New("say where to look: ADDRESSES, --leases, --ssdp or --mdns")}
		}
		if err := readPassword(); err != nil {
			return err
		}
		c, err := ready(f, o)
		if err != nil {
			return err
		}
		r.Addresses = strings.Join(ranges, ",")
		out, all := cmd.OutOrStdout(), []api.Controller{}
		if o.format == "table" {
			_, _ = fmt.Fprintf(out, scanRow, "ADDRESS", "PROTOCOLS", "VENDOR", "MODEL", "SERIAL", "MACHINE")
		}
		looked, err := c.Scan(cmd.Context(), r, func(at api.Controller) {
			if all = append(all, at); o.format == "table" {
				_, _ = fmt.Fprintln(out, strings.TrimRight(scanned(at), " \n"))
			}
		})
		if err != nil {
			return err
		}
		if o.format != "table" {
			return o.print(out, all, nil)
		}
		_, err = fmt.Fprintf(out, "\n%d controllers at %d addresses\n", len(all), looked)
		return err
	}
	return cmd
}

const scanRow = "%-21s %-12s %-14s %-28s %-16s %s\n"

func scanned(at api.Controller) string {
	var by []string
	if at.Redfish != "" {
		by = append(by, "redfish")
	}
	if at.IPMI {
		by = append(by, "ipmi")
	}
	machine := at.Machine
	switch {
	case at.Problem != "":
		machine = strings.TrimSpace(machine + " (no login: " + at.Problem + ")")
	case machine != "":
		machine += " (by " + at.MatchedBy + ")"
	}
	return fmt.Sprintf(scanRow, at.Address, strings.Join(by, ","), dash(printable(at.Vendor)), dash(printable(at.Model)), dash(printable(at.Serial)), dash(printable(machine)))
}

// loginFlags adds the flags of a login. The function returned reads its password, once the flags are parsed.
func loginFlags(cmd *cobra.Command, user, password *string, help string) func() error {
	var file string
	cmd.Flags().StringVar(user, "user", "", help)
	cmd.Flags().StringVar(&file, "password-file", "", "file with the password; - for standard input")
	cmd.MarkFlagsRequiredTogether("user", "password-file")
	return func() (err error) {
		if file != "" {
			*password, err = passwordFrom(cmd, file)
		}
		return err
	}
}

// passwordFrom reads a password from a file; what ends its line is not part of it.
func passwordFrom(cmd *cobra.Command, file string) (string, error) {
	in := cmd.InOrStdin()
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return "", usageError{fmt.Errorf("reading the password: %w", err)}
		}
		defer func() { _ = f.Close() }()
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, 1<<10))
	if err != nil {
		return "", fmt.Errorf("reading the password: %w", err)
	}
	word := strings.TrimRight(string(text), "\r\n")
	if word == "" || strings.ContainsAny(word, "\r\n") {
		return "", usageError{errors.New("the file must have one line, the password")}
	}
	return word, nil
}
