package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"socle/api"
)

// newManifestCmd is "socle manifest": tell Socle which servers are to come.
func newManifestCmd() *cobra.Command {
	cmd := &cobra.Command{Use: "manifest", Short: "Import delivery manifests", Long: exitCodes}
	f, o := addClientFlags(cmd), addOutputFlag(cmd)
	group(cmd)
	var dryRun bool
	imp := &cobra.Command{
		Use: "import FILE", Short: `Import a manifest (CSV; "-" is standard input): all of it, or nothing and every error with its line`, Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := ready(f, o)
			if err != nil {
				return err
			}
			in, err := openManifest(cmd, args[0])
			if err != nil {
				return err
			}
			defer func() { _ = in.Close() }() // was only read
			reply, err := c.Import(cmd.Context(), in, dryRun)
			if err != nil {
				return err
			}
			return o.print(cmd.OutOrStdout(), reply, func(row func(...string)) { importTable(reply, row) })
		},
	}
	imp.Flags().BoolVar(&dryRun, "dry-run", false, "check everything and change nothing")
	cmd.AddCommand(imp)
	return cmd
}

func openManifest(cmd *cobra.Command, name string) (io.ReadCloser, error) {
	if name == "-" {
		return io.NopCloser(cmd.InOrStdin()), nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("opening the manifest: %w", err)
	}
	switch info, err := f.Stat(); {
	case err != nil:
		return nil, errors.Join(fmt.Errorf("opening the manifest: %w", err), f.Close())
	case info.IsDir():
		return nil, errors.Join(usageError{fmt.Errorf("opening the manifest: %s is a folder: name a CSV file", name)}, f.Close())
	case info.Mode().IsRegular() && info.Size() == 0:
		return nil, errors.Join(usageError{fmt.Errorf("opening the manifest: %s is empty: its first line names the columns, see docs/manifest.md", name)}, f.Close())
	}
	return f, nil
}

func importTable(r api.ImportReply, row func(...string)) {
	row("MACHINE", "IMPORT")
	for _, part := range []struct {
		names []string
		word  string
	}{{r.Added, "added"}, {r.Changed, "changed"}, {r.Same, "same as before"}} {
		word := part.word
		if r.DryRun {
			word += " (dry run)"
		}
		for _, n := range part.names {
			row(n, word)
		}
	}
}
