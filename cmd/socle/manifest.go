package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"socle/api"
)

// newManifestCmd is "socle manifest": tell Socle which servers are to come.
func newManifestCmd() *cobra.Command {
	cmd := &cobra.Command{Use: "manifest", Short: "Import delivery manifests, and keep how vendors write them", Long: exitCodes}
	f, o := addClientFlags(cmd), addOutputFlag(cmd)
	group(cmd)
	var how api.ImportOptions
	imp := importCmd(f, o, "manifest", &how.DryRun, func(c *api.Client, ctx context.Context, in io.Reader) (api.ImportReply, error) {
		return c.ImportWith(ctx, in, how)
	}, importTable)
	mappingFlag(imp, &how)
	cmd.AddCommand(imp, newMappingCmd(f, o))
	return cmd
}

// importCmd is "import FILE" of a kind of table.
func importCmd(f *clientFlags, o *output, what string, dryRun *bool, do func(*api.Client, context.Context, io.Reader) (api.ImportReply, error), table func(api.ImportReply, func(...string))) *cobra.Command {
	imp := &cobra.Command{
		Use: "import FILE", Short: fmt.Sprintf(`Import a %s (CSV or XLSX; "-" is standard input): all of it, or nothing and every error with its line`, what), Args: args(cobra.ExactArgs(1)),
		RunE: withFile(f, o, func(cmd *cobra.Command, c *api.Client, in io.Reader) error {
			reply, err := do(c, cmd.Context(), in)
			if err != nil {
				return err
			}
			return o.print(cmd.OutOrStdout(), reply, func(row func(...string)) { table(reply, row) })
		}),
	}
	imp.Flags().BoolVar(dryRun, "dry-run", false, "check everything and change nothing")
	return imp
}

func mappingFlag(cmd *cobra.Command, o *api.ImportOptions) {
	cmd.Flags().StringVar(&o.Mapping, "mapping", "", "name of the mapping that says what the file's columns are; none: they are ours")
}

// withFile is a command that sends the file of its first argument to the server.
func withFile(f *clientFlags, o *output, do func(*cobra.Command, *api.Client, io.Reader) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, files []string) error {
		c, err := ready(f, o)
		if err != nil {
			return err
		}
		in, err := openManifest(cmd, files[0])
		if err != nil {
			return err
		}
		defer func() { _ = in.Close() }() // was only read
		return do(cmd, c, in)
	}
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
		return nil, errors.Join(usageError{fmt.Errorf("opening the manifest: %s is a folder: name a file", name)}, f.Close())
	case info.Mode().IsRegular() && info.Size() == 0:
		return nil, errors.Join(usageError{fmt.Errorf("opening the manifest: %s is empty: its first line names the columns, see docs/manifest.md", name)}, f.Close())
	}
	return f, nil
}

// importTable shows what an import does to each machine, in the order of the lines.
func importTable(r api.ImportReply, row func(...string)) {
	tail := ""
	if r.DryRun {
		tail = " (dry run)"
	}
	row("LINE", "NAME", "IMPORT", "CHANGES")
	for _, c := range r.Changes {
		row(fmt.Sprint(c.Line), c.Machine, importWord(c.Added)+tail, fieldTexts(c.Added, c.Fields))
	}
	for _, n := range r.Same {
		row("", n, "same as before"+tail, "")
	}
	row("", fmt.Sprintf("%d in all", len(r.Added)+len(r.Changed)+len(r.Same)), fmt.Sprintf("%d added, %d changed, %d same%s", len(r.Added), len(r.Changed), len(r.Same), tail), "")
}

// importWord is what an import does to one thing.
func importWord(added bool) string {
	if added {
		return "added"
	}
	return "changed"
}

// fieldTexts is what of it changes: "u 4 → 7".
func fieldTexts(added bool, all []api.FieldChange) string {
	var fields []string
	for _, f := range all {
		if added {
			fields = append(fields, f.Field+" "+f.After)
			continue
		}
		fields = append(fields, fmt.Sprintf("%s %s → %s", f.Field, dash(f.Before), dash(f.After)))
	}
	return strings.Join(fields, ", ")
}
