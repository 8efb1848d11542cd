package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"socle/api"
)

// newTrustCmd is "socle bmc trust".
func newTrustCmd() *cobra.Command {
	var named []string
	cmd := &cobra.Command{
		Use: "trust RANGE...", Short: "Show which certificates BMCs show, and accept new ones",
		Long: `A BMC with Redfish is known again by the certificate that it showed first; when it shows another one it gets no password,
until a person accepts the new one. Without --fingerprint each BMC's certificate is shown, and nothing is changed.
With it, a certificate of that fingerprint is accepted: compare it with what the BMC's own pages say. It may be given
several times, for several BMCs; one that shows none of them is left as it is.

` + rangeHelp + exitCodes,
		Args: args(cobra.MinimumNArgs(1)),
	}
	f, o := addClientFlags(cmd), addOutputFlag(cmd)
	cmd.Flags().StringSliceVar(&named, "fingerprint", nil, "accept the certificate with this SHA-256, in hexadecimal; or the key SHA256:… of the BMC's SSH server")
	cmd.RunE = func(cmd *cobra.Command, ranges []string) error {
		for _, n := range named {
			if !fingerprintForm.MatchString(n) {
				return usageError{fmt.Errorf("--fingerprint %q: use the 64 digits of a SHA-256, with colons or without, or SHA256: and 43 characters", n)}
			}
		}
		c, err := ready(f, o)
		if err != nil {
			return err
		}
		return fleet[api.BMCCertificate]{
			do: func(ctx context.Context, c *api.Client, name string) (api.BMCCertificate, error) {
				return trustOne(ctx, c, name, named)
			},
			rows: trustRows, same: func(b api.BMCCertificate) string { return trustWords(b) },
		}.run(cmd, c, o, ranges)
	}
	return cmd
}

var fingerprintForm = regexp.MustCompile(`^(?:(?:[0-9A-Fa-f]{2}:?){31}[0-9A-Fa-f]{2}|SHA256:[A-Za-z0-9+/]{43})$`)

// trustOne looks at the certificate of a BMC, and accepts it if it is one of those named.
func trustOne(ctx context.Context, c *api.Client, name string, named []string) (api.BMCCertificate, error) {
	shown, err := c.BMCCertificate(ctx, name)
	if err != nil || len(named) == 0 {
		return shown, err
	}
	i := slices.IndexFunc(named, func(n string) bool {
		return strings.HasPrefix(n, "SHA256:") || strings.EqualFold(strings.ReplaceAll(n, ":", ""), shown.Fingerprint)
	})
	if i < 0 {
		return shown, errors.New("it shows " + shown.Fingerprint + ", which was not named: nothing was accepted")
	}
	return c.TrustBMC(ctx, name, named[i])
}

func trustRows(b api.BMCCertificate) []string {
	until := "-"
	if b.NotAfter != nil {
		until = b.NotAfter.Local().Format("2006-01-02")
	}
	rows := []string{fmt.Sprintf("%s  %s  by %s, until %s", b.Fingerprint, trustWords(b), dash(b.Issuer), until)}
	if b.State == "other" && len(b.Expected) > 0 {
		rows = append(rows, strings.Join(b.Expected, " or ")+"  is what it must show, by "+dash(b.By))
	}
	return rows
}

// trustWords says what became of a certificate.
func trustWords(b api.BMCCertificate) string {
	switch b.State {
	case "trusted":
		if b.Signed {
			return "trusted, signed"
		}
		return "trusted"
	case "new":
		return "new: believed at the next login"
	}
	return "NOT the one that it must show: it gets no password"
}

// newCertificateCmd is "socle bmc certificate".
func newCertificateCmd() *cobra.Command {
	cmd := rangeCmd("certificate", "Give BMCs certificates of Socle's own authority, over Redfish", nil, func() fleet[api.BMCCertificate] {
		return fleet[api.BMCCertificate]{
			do: func(ctx context.Context, c *api.Client, name string) (api.BMCCertificate, error) {
				return c.GiveBMCCertificate(ctx, name)
			},
			rows: trustRows, same: trustWords,
		}
	})
	cmd.Long = `Each BMC makes itself a new key, which never leaves it, and asks for a certificate, which Socle's authority signs for the
BMC's address. From then on the BMC is known by that authority: people and programs that trust DIR/ca.crt can verify it. Until
the BMC shows the new certificate, the old one counts as well; some BMCs show it only after a restart (socle bmc reset).

` + cmd.Long
	return patient(cmd, resetLimit)
}
