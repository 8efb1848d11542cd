package main

import (
	"bytes"
	"cmp"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"socle/inventory"
	"socle/inventory/certificate"
	"socle/inventory/signing"
)

func certificateVerifyCmd(o *output) *cobra.Command {
	var keyFile, fingerprint string
	cmd := &cobra.Command{
		Use: "verify FILE...", Short: "Verify certificates without a server: signatures, and that each follows the one before it", Args: args(cobra.MinimumNArgs(1)),
		Long: `With the installation's public key (--key FILE, as "socle certificate key" shows it, or its --fingerprint) it is proven who
signed. Without, the key is taken from the certificates, which proves only that nobody changed them since they were signed
with it. Several certificates are looked at in the order of their numbers; where some are missing between them, this is told.

` + exitCodes,
		RunE: func(cmd *cobra.Command, names []string) error {
			if err := o.check(); err != nil {
				return err
			}
			trusted, err := trustedKey(keyFile, fingerprint)
			if err != nil {
				return err
			}
			all, err := readChain(names)
			if err != nil {
				return err
			}
			if err := verifyChain(all, trusted); err != nil {
				return err
			}
			return printVerified(cmd, o, all, trusted != "")
		},
	}
	cmd.Flags().StringVar(&keyFile, "key", "", "file with the installation's public key (PEM)")
	cmd.Flags().StringVar(&fingerprint, "fingerprint", "", "of the installation's public key, SHA256:…")
	cmd.MarkFlagsMutuallyExclusive("key", "fingerprint")
	return cmd
}

// trustedKey is the fingerprint of the key that is trusted; empty: none was named.
func trustedKey(file, fingerprint string) (string, error) {
	if file == "" {
		if fingerprint != "" && (len(fingerprint) != len("SHA256:")+64 || !strings.HasPrefix(fingerprint, "SHA256:")) {
			return "", usageError{fmt.Errorf("--fingerprint %q is none: write SHA256: and 64 hexadecimal digits", fingerprint)}
		}
		return fingerprint, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("reading the key: %w", err)
	}
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "PUBLIC KEY" {
		return "", fmt.Errorf("reading the key: %s holds no public key (PEM)", file)
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return "", fmt.Errorf("reading the key: %s: %w", file, err)
	}
	public, ok := key.(ed25519.PublicKey)
	if !ok {
		return "", fmt.Errorf("reading the key: %s holds a key of another kind, certificates are signed with Ed25519", file)
	}
	return signing.Fingerprint(public), nil
}

// verifyChain puts certificates in order and tells the first thing that is wrong with them.
func verifyChain(all []certificate.Certificate, trusted string) error {
	slices.SortStableFunc(all, func(a, b certificate.Certificate) int { return cmp.Compare(a.Statement.Number, b.Statement.Number) })
	for i, c := range all {
		n := c.Statement.Number
		if err := c.Verify(); err != nil {
			return fmt.Errorf("certificate %d: %w", n, err)
		}
		if f := signing.Fingerprint(c.Key); trusted != "" && f != trusted {
			return fmt.Errorf("certificate %d was signed with the key %s, and not with %s", n, f, trusted)
		}
		if i == 0 {
			continue
		}
		before := all[i-1]
		if n == before.Statement.Number && !bytes.Equal(c.File(), before.File()) {
			return fmt.Errorf("there are two different certificates %d: one of them was not issued by this installation, or its database was set back", n)
		}
		if n == before.Statement.Number+1 {
			if err := c.Follows(&before); err != nil {
				return fmt.Errorf("certificate %d: %w", n, err)
			}
		}
	}
	if len(all) == 0 {
		return errors.New("there is no certificate in these files")
	}
	return nil
}

func printVerified(cmd *cobra.Command, o *output, all []certificate.Certificate, proven bool) error {
	lines := make([]certifiedLine, 0, len(all))
	for _, c := range all {
		lines = append(lines, certifiedOf(c))
	}
	if o.format != "table" {
		return o.print(cmd.OutOrStdout(), struct {
			Certificates []certifiedLine `json:"certificates"`
			Origin       bool            `json:"origin_proven"`
		}{lines, proven}, nil)
	}
	var b strings.Builder
	for i, l := range lines {
		if i > 0 && l.Number > lines[i-1].Number+1 {
			fmt.Fprintf(&b, "Between %d and %d others were issued that are not here: they may say otherwise of the same machines.\n", lines[i-1].Number, l.Number)
		}
		fmt.Fprintf(&b, "Certificate %d is as it was signed: %s %s was %s on %s, by %s; %s.\n  SHA-256 %s\n  key     %s\n",
			l.Number, l.Scope, l.Name, l.Verdict, l.Issued, l.By, inventory.Plural(l.Machines, "machine"), l.SHA256, l.Key)
	}
	if !proven {
		b.WriteString("Who signed is NOT proven: the key came with the certificate. Name the installation's with --key or --fingerprint.\n")
	}
	_, err := fmt.Fprint(cmd.OutOrStdout(), printable(b.String()))
	return err
}
