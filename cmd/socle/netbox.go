package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"socle/api"
	"socle/internal/secret"
	"socle/inventory"
	"socle/inventory/netbox"
	"socle/inventory/netbox/live"
)

// netboxPatience is how long one page of a NetBox may take: large ones are slow.
const netboxPatience = 2 * time.Minute

// newNetBoxCmd is "socle netbox": exchange racks, devices and cables with NetBox.
func newNetBoxCmd() *cobra.Command {
	cmd := &cobra.Command{Use: "netbox", Short: "Exchange racks, servers, devices and cables with NetBox", Long: exitCodes}
	f, o := addClientFlags(cmd), addOutputFlag(cmd)
	group(cmd)
	cmd.AddCommand(netboxImportCmd(f, o), netboxExportCmd(f))
	return cmd
}

func netboxImportCmd(f *clientFlags, o *output) *cobra.Command {
	var how api.NetBoxOptions
	var from netboxFlags
	cmd := &cobra.Command{
		Use: "import [FILE|FOLDER...]", Short: "Import what NetBox knows: all of it, or nothing and every error with its line",
		Long: `The files are CSV, as NetBox's bulk import takes or its tables export them, or JSON, as its REST API answers; or zip archives
of such files. With --url, they are read from a NetBox: locations, racks, power feeds, device types, devices, interfaces,
MAC addresses and cables. The token goes to that NetBox only, and not to Socle's server.

` + exitCodes,
		RunE: func(cmd *cobra.Command, names []string) error {
			if (len(names) == 0) == (from.url == "") {
				return usageError{errors.New("name files or folders, or a NetBox with --url: one of both")}
			}
			c, err := ready(f, o)
			if err != nil {
				return err
			}
			files, err := netboxFiles(cmd.Context(), names, from)
			if err != nil {
				return err
			}
			archive, err := netbox.Pack(files)
			if err != nil {
				return err
			}
			r, err := c.ImportNetBox(cmd.Context(), bytes.NewReader(archive), how)
			if err != nil {
				return err
			}
			return o.print(cmd.OutOrStdout(), r, func(row func(...string)) { netboxTable(r, row) })
		},
	}
	cmd.Flags().BoolVar(&how.DryRun, "dry-run", false, "check everything, show what would change, and change nothing")
	cmd.Flags().StringArrayVar(&how.Roles, "role", nil, `what a role of NetBox's devices is, "Leaf Switch=switch" or "compute=server:hypervisor" (may be repeated)`)
	from.add(cmd)
	return cmd
}

// netboxFlags say which NetBox is read.
type netboxFlags struct{ url, token, ca string }

func (n *netboxFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&n.url, "url", "", "read this NetBox instead of files, https://netbox.example")
	cmd.Flags().StringVar(&n.token, "url-token-file", "", "file with a token of that NetBox which may view DCIM's objects")
	cmd.Flags().StringVar(&n.ca, "url-ca-file", "", "file with the authority of that NetBox's certificate, if it is not a public one")
}

// netboxFiles reads what is to be imported.
func netboxFiles(ctx context.Context, names []string, from netboxFlags) ([]netbox.File, error) {
	if from.url != "" {
		source, err := from.source()
		if err != nil {
			return nil, err
		}
		return source.Fetch(ctx)
	}
	var all []netbox.File
	for _, name := range names {
		err := filepath.WalkDir(name, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			text, err := os.ReadFile(path) //nolint:gosec // the person names it
			if err != nil {
				return err
			}
			files, err := netbox.Unpack(text)
			if len(files) == 1 && bytes.Equal(files[0].Body, text) {
				files[0].Name = filepath.Base(path)
			}
			all = append(all, files...)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", name, err)
		}
	}
	return all, nil
}

// source is the NetBox that the flags name.
func (n netboxFlags) source() (live.Source, error) {
	s := live.Source{URL: n.url, HTTP: &http.Client{Timeout: netboxPatience}}
	if n.token != "" {
		text, err := os.ReadFile(n.token)
		if err != nil {
			return s, fmt.Errorf("reading the token of NetBox: %w", err)
		}
		token := strings.TrimSpace(string(text))
		if token == "" || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return s, fmt.Errorf("reading the token of NetBox: %s holds something else: the token is one word", n.token)
		}
		if strings.HasPrefix(n.url, "http:") {
			return s, usageError{errors.New("--url: a token is sent over https only")}
		}
		s.Token = secret.New(token)
	}
	if n.ca != "" {
		text, err := os.ReadFile(n.ca)
		if err != nil {
			return s, fmt.Errorf("reading the authority of NetBox's certificate: %w", err)
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(text) {
			return s, fmt.Errorf("reading the authority of NetBox's certificate: %s holds no certificate in PEM", n.ca)
		}
		s.HTTP.Transport = &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}
	}
	return s, nil
}

// netboxTable shows what an import does: places, servers, cables, and what was not used.
func netboxTable(r api.NetBoxImport, row func(...string)) {
	tail := ""
	if r.DryRun {
		tail = " (dry run)"
	}
	row("FROM", "NAME", "IMPORT", "CHANGES")
	for _, part := range []api.NetBoxChanges{r.Places, r.Machines} {
		for _, c := range part.Changes {
			row(c.From, c.Name, importWord(c.Added)+tail, fieldTexts(c.Added, c.Fields))
		}
	}
	for _, c := range r.Cables.Changes {
		of, word := c.After, "changed"
		switch {
		case c.Before == nil:
			word = "added"
		case c.After == nil:
			of, word = c.Before, "taken out"
		}
		row("", of.Server+" "+of.Port, word+tail, cableText(c.Before)+" → "+cableText(c.After))
	}
	for _, n := range r.Notes {
		row("", "", "not used", n)
	}
	count := func(what string, c api.NetBoxChanges) {
		row("", what, fmt.Sprintf("%d added, %d changed, %d same%s", c.Added, c.Changed, c.Same, tail), "")
	}
	count("racks and devices", r.Places)
	count("servers", r.Machines)
	row("", "cables", fmt.Sprintf("%s, %d as before%s", inventory.Plural(len(r.Cables.Changes), "change"), r.Cables.Same, tail), "")
}

func netboxExportCmd(f *clientFlags) *cobra.Command {
	var before42 bool
	cmd := &cobra.Command{
		Use: "export FOLDER|FILE.zip", Short: "Write racks, servers, devices and cables as files for NetBox's bulk import", Args: args(cobra.ExactArgs(1)),
		Long: "NetBox takes the files one after the other, in the order of their names. A folder is made; of what is in it, nothing is replaced.\n\n" + exitCodes,
		RunE: func(cmd *cobra.Command, names []string) error {
			c, err := ready(f, &output{format: "table"})
			if err != nil {
				return err
			}
			var archive bytes.Buffer
			if err := c.ExportNetBox(cmd.Context(), &archive, before42); err != nil {
				return err
			}
			if strings.EqualFold(filepath.Ext(names[0]), ".zip") {
				return writeNew(names[0], archive.Bytes())
			}
			files, err := netbox.Unpack(archive.Bytes())
			if err != nil {
				return err
			}
			if err := os.MkdirAll(names[0], 0o755); err != nil { //nolint:gosec // the files are no secret
				return fmt.Errorf("making the folder: %w", err)
			}
			for _, file := range files {
				if err := writeNew(filepath.Join(names[0], filepath.Base(file.Name)), file.Body); err != nil {
					return err
				}
				if _, err := fmt.Fprintln(cmd.OutOrStdout(), filepath.Base(file.Name)); err != nil {
					return err
				}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&before42, "before-4.2", false, "for a NetBox before 4.2, whose interfaces have their MAC address themselves")
	return cmd
}

// writeNew writes a file that is not there yet.
func writeNew(name string, text []byte) (err error) {
	out, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644) //nolint:gosec // the person names it, and it is no secret
	if err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	if _, err := out.Write(text); err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	return nil
}
