package main

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"socle/api"
	"socle/inventory/delivery"
	"socle/inventory/manifest"
	"socle/inventory/mapping"
	"socle/inventory/sheet"
	"socle/inventory/sheet/xlsx"
)

// newMappingCmd is "socle manifest mapping": how the lists of vendors become manifests and orders.
func newMappingCmd(f *clientFlags, o *output) *cobra.Command {
	cmd := &cobra.Command{Use: "mapping", Short: "Keep how the lists of vendors become manifests and orders", Long: exitCodes}
	group(cmd)
	show := func(cmd *cobra.Command, all []api.Mapping) error {
		return o.print(cmd.OutOrStdout(), api.MappingList{Mappings: all}, func(row func(...string)) {
			row("MAPPING", "PUT", "BY")
			for _, m := range all {
				row(m.Name, m.Time.Local().Format("2006-01-02 15:04:05"), m.Actor)
			}
		})
	}
	cmd.AddCommand(&cobra.Command{
		Use: "put FILE", Short: `Put a mapping (YAML; "-" is standard input) in place of what has its name, or every error`, Args: args(cobra.ExactArgs(1)),
		RunE: withFile(f, o, func(cmd *cobra.Command, c *api.Client, in io.Reader) error {
			m, err := c.PutMapping(cmd.Context(), in)
			if err != nil {
				return err
			}
			return show(cmd, []api.Mapping{m})
		}),
	}, &cobra.Command{
		Use: "list", Aliases: []string{"ls"}, Short: "List the mappings", Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := ready(f, o)
			if err != nil {
				return err
			}
			list, err := c.Mappings(cmd.Context())
			if err != nil {
				return err
			}
			return show(cmd, list.Mappings)
		},
	}, &cobra.Command{
		Use: "show NAME", Short: "Show a mapping as it was put", Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, names []string) error {
			c, err := ready(f, o)
			if err != nil {
				return err
			}
			m, err := c.Mapping(cmd.Context(), names[0])
			if err != nil {
				return err
			}
			if o.format == "table" {
				_, err = io.WriteString(cmd.OutOrStdout(), m.Text)
				return err
			}
			return o.print(cmd.OutOrStdout(), m, nil)
		},
	}, &cobra.Command{
		Use: "delete NAME", Short: "Delete a mapping", Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, names []string) error {
			c, err := ready(f, o)
			if err != nil {
				return err
			}
			return c.DeleteMapping(cmd.Context(), names[0])
		},
	}, mappingSuggestCmd())
	return cmd
}

// mappingSuggestCmd reads a file here; no server is asked.
func mappingSuggestCmd() *cobra.Command {
	var name string
	var orders bool
	cmd := &cobra.Command{
		Use: "suggest FILE", Short: "Make a mapping from the names of a file's columns, to be looked at and put", Args: args(cobra.ExactArgs(1)),
		Long: "The file (CSV or XLSX) is read here, and only the names of its columns are used. What is not recognised is named in remarks.\n\n" + exitCodes,
	}
	cmd.Flags().StringVar(&name, "name", "", "of the mapping (default: that of the file)")
	cmd.Flags().BoolVar(&orders, "orders", false, "the file holds lines of orders, and no servers")
	cmd.RunE = func(cmd *cobra.Command, files []string) error {
		in, err := openManifest(cmd, files[0])
		if err != nil {
			return err
		}
		file, err := io.ReadAll(io.LimitReader(in, maxList+1))
		if err = errors.Join(err, in.Close()); err != nil {
			return fmt.Errorf("reading %s: %w", files[0], err)
		}
		if len(file) > maxList {
			return usageError{fmt.Errorf("%s has more than %d MiB", files[0], maxList>>20)}
		}
		of, layout := mapping.Manifest, manifest.Layout()
		if orders {
			of, layout = mapping.Delivery, delivery.Layout()
		}
		if name == "" {
			name = mappingName(files[0])
		}
		src, err := xlsx.Open("list", file)
		if err != nil {
			return usageError{err}
		}
		s, err := mapping.Suggest(src, of, name, layout)
		if err != nil {
			return usageError{err}
		}
		_, err = io.WriteString(cmd.OutOrStdout(), s.Text)
		if err == nil {
			_, err = mapping.Parse([]byte(s.Text), map[string]sheet.Layout{of: layout})
		}
		var bad mapping.Errors
		if errors.As(err, &bad) {
			_, err = fmt.Fprintf(cmd.ErrOrStderr(), "to be completed by hand: %s\n", strings.Join(bad, "; "))
		}
		return err
	}
	return cmd
}

// maxList bounds a list that is read here, in bytes.
const maxList = 32 << 20

// mappingName is a name made of that of a file.
func mappingName(file string) string {
	base := strings.ToLower(strings.TrimSuffix(filepath.Base(file), filepath.Ext(file)))
	name := strings.Trim(strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, base), "-")
	if name == "" {
		return "mapping"
	}
	return name[:min(len(name), 60)]
}
