package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"socle/api"
	"socle/inventory/certificate"
	"socle/inventory/signing"
	"socle/paper/certified"
)

// newAcceptedCmd is "socle certificate": what was said of machines, signed.
func newAcceptedCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use: "certificate", Aliases: []string{"certificates"}, Short: "Write down, signed, that machines are accepted, and verify it without a server",
		Long: "A certificate is a JSON file with the verdicts, the parts and what was measured, signed with the installation's key and chained\n" +
			"to the one before it.\n\n" + exitCodes,
	}
	f, o := addClientFlags(cmd), addOutputFlag(cmd)
	group(cmd)
	cmd.AddCommand(certificateIssueCmd(f, o), certificateListCmd(f, o), certificateGetCmd(f, o), certificatePDFCmd(), certificateKeyCmd(f, o), certificateVerifyCmd(o))
	return cmd
}

func certificateIssueCmd(f *clientFlags, o *output) *cobra.Command {
	var r api.CertificateRequest
	var file string
	cmd := &cobra.Command{
		Use: "issue [RANGE...]", Short: "Judge machines, and write down and sign the verdicts as they are now",
		Long: "What is not accepted or waived is not certified, and the reasons are told; with --as-is, it is written down as it is.\n\n" + exitCodes,
		RunE: func(cmd *cobra.Command, ranges []string) error {
			c, err := ready(f, o)
			if err != nil {
				return err
			}
			asked := r
			if asked.AcceptanceScope, err = scopeArgs(cmd, c, r.AcceptanceScope, ranges); err != nil {
				return err
			}
			issued, err := c.IssueCertificate(cmd.Context(), asked)
			if err != nil {
				return err
			}
			one, err := certificate.Parse(issued)
			if err == nil {
				err = one.Verify()
			}
			if err == nil && file != "" {
				err = writeNew(file, issued)
			}
			if err != nil {
				return fmt.Errorf("the certificate was issued, and is to be had by \"socle certificate get\": %w", err)
			}
			return printCertified(cmd, o, one)
		},
	}
	scopeFlags(cmd, &r.AcceptanceScope)
	cmd.Flags().StringVar(&r.Note, "note", "", "what else is to stand on it")
	cmd.Flags().BoolVar(&r.AsIs, "as-is", false, "also when machines are open or rejected, which it says then")
	cmd.Flags().StringVarP(&file, "file", "f", "", "write it into this file, which must not be there")
	return cmd
}

// certifiedLine is what is shown of a certificate.
type certifiedLine struct {
	Number   int64  `json:"number"`
	Scope    string `json:"scope"`
	Name     string `json:"name,omitempty"`
	Verdict  string `json:"verdict"`
	Machines int    `json:"machines"`
	By       string `json:"by"`
	Issued   string `json:"issued"`
	SHA256   string `json:"sha256"`
	Key      string `json:"key"`
}

func certifiedOf(c certificate.Certificate) certifiedLine {
	s := c.Statement
	return certifiedLine{s.Number, string(s.Report.Scope.Kind), s.Report.Scope.Name, string(s.Report.Verdict), len(s.Report.Units), s.By, s.Issued, c.Digest(), signing.Fingerprint(c.Key)}
}

func printCertified(cmd *cobra.Command, o *output, c certificate.Certificate) error {
	l := certifiedOf(c)
	return o.print(cmd.OutOrStdout(), l, func(row func(...string)) {
		row("NUMBER", "SCOPE", "VERDICT", "MACHINES", "BY", "ISSUED", "SHA-256")
		row(strconv.FormatInt(l.Number, 10), l.Scope+" "+l.Name, l.Verdict, strconv.Itoa(l.Machines), l.By, l.Issued, l.SHA256)
	})
}

func certificateListCmd(f *clientFlags, o *output) *cobra.Command {
	var machine string
	cmd := &cobra.Command{
		Use: "list", Aliases: []string{"ls"}, Short: "List the certificates, the newest first", Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := ready(f, o)
			if err != nil {
				return err
			}
			all, err := c.Certificates(cmd.Context(), machine)
			if err != nil {
				return err
			}
			return o.print(cmd.OutOrStdout(), api.CertificateList{Certificates: all}, func(row func(...string)) {
				row("NUMBER", "SCOPE", "VERDICT", "MACHINES", "BY", "ISSUED", "SHA-256")
				for _, e := range all {
					row(strconv.FormatInt(e.Number, 10), e.Scope+" "+e.Name, e.Verdict, strconv.Itoa(e.Machines), e.Actor, e.Time.UTC().Format(time.RFC3339), e.SHA256)
				}
			})
		},
	}
	cmd.Flags().StringVar(&machine, "machine", "", "only those that judge this machine")
	return cmd
}

func certificateGetCmd(f *clientFlags, o *output) *cobra.Command {
	var all bool
	var file string
	cmd := &cobra.Command{
		Use: "get NUMBER|--all -f FILE", Short: "Fetch a certificate's file, or the whole chain as one file, a certificate a line", Args: args(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, names []string) error {
			if all == (len(names) == 1) {
				return usageError{errors.New("name a certificate's number, or say --all")}
			}
			c, err := ready(f, o)
			if err != nil {
				return err
			}
			var numbers []int64
			if all {
				list, err := c.Certificates(cmd.Context(), "")
				if err != nil {
					return err
				}
				for i := range list {
					numbers = append(numbers, list[len(list)-1-i].Number)
				}
			} else {
				n, err := strconv.ParseInt(names[0], 10, 64)
				if err != nil || n < 1 {
					return usageError{fmt.Errorf("%q is no number of a certificate", names[0])}
				}
				numbers = []int64{n}
			}
			var out bytes.Buffer
			for _, n := range numbers {
				text, err := c.Certificate(cmd.Context(), n)
				if err != nil {
					return err
				}
				out.Write(text)
			}
			if file == "" {
				_, err = out.WriteTo(cmd.OutOrStdout())
				return err
			}
			return writeNew(file, out.Bytes())
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "all of them, the oldest first")
	cmd.Flags().StringVarP(&file, "file", "f", "", "write it into this file, which must not be there; empty: standard output")
	return cmd
}

func certificatePDFCmd() *cobra.Command {
	return &cobra.Command{
		Use: "pdf FILE OUT.pdf", Short: "Print a certificate's file for people, without a server", Args: args(cobra.ExactArgs(2)),
		RunE: func(_ *cobra.Command, names []string) error {
			chain, err := readChain(names[:1])
			if err != nil {
				return err
			}
			if len(chain) != 1 {
				return usageError{fmt.Errorf("%s holds %d certificates; one is printed at a time", names[0], len(chain))}
			}
			if err := chain[0].Verify(); err != nil {
				return fmt.Errorf("%s: %w", names[0], err)
			}
			var b bytes.Buffer
			if err := certified.Write(&b, chain[0]); err != nil {
				return err
			}
			return writeNew(names[1], b.Bytes())
		},
	}
}

func certificateKeyCmd(f *clientFlags, o *output) *cobra.Command {
	return &cobra.Command{
		Use: "key", Short: "Show the public key of this installation (PEM); keep it where the certificates go", Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := ready(f, o)
			if err != nil {
				return err
			}
			k, err := c.CertificateKey(cmd.Context())
			if err != nil {
				return err
			}
			if o.format != "table" {
				return o.print(cmd.OutOrStdout(), k, nil)
			}
			der, err := x509.MarshalPKIXPublicKey(ed25519.PublicKey(k.Key))
			if err != nil {
				return fmt.Errorf("writing the key: %w", err)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s%s\n", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), k.Fingerprint)
			return err
		},
	}
}

// readChain reads certificates of files, a certificate a line.
func readChain(names []string) (all []certificate.Certificate, err error) {
	for _, name := range names {
		text, err := readBounded(name, certificate.MaxBytes)
		if err != nil {
			return nil, err
		}
		lines := bytes.SplitAfter(text, []byte("\n"))
		for n, line := range lines {
			if len(line) == 0 && n > 0 {
				continue
			}
			c, err := certificate.Parse(line)
			if err != nil {
				return nil, fmt.Errorf("%s, line %d: %w", name, n+1, err)
			}
			all = append(all, c)
		}
	}
	return all, nil
}

func readBounded(name string, most int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("reading a certificate: %w", err)
	}
	defer func() { _ = f.Close() }() // was only read
	text, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(text)) > most {
		err = fmt.Errorf("%s has more than %d bytes", name, most)
	}
	if err != nil {
		return nil, fmt.Errorf("reading a certificate: %w", err)
	}
	return text, nil
}
