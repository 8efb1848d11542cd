package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"socle/api"
)

// documents are one kind of texts that people write, of which every version is kept.
type documents struct {
	word, head string // "baseline", "BASELINE"
	put        func(*api.Client, context.Context, io.Reader) (api.Document, error)
	read       func(*api.Client, context.Context, string, int) (api.Document, error)
	list       func(*api.Client, context.Context) ([]api.Document, error)
	wrap       func([]api.Document) any // as the API lists them
}

func (d documents) showCmd(f *clientFlags, o *output) *cobra.Command {
	var version int
	cmd := &cobra.Command{
		Use: "show NAME", Short: "Show a " + d.word + " as it was put", Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, names []string) error {
			c, err := ready(f, o)
			if err != nil {
				return err
			}
			one, err := d.read(c, cmd.Context(), names[0], version)
			if err != nil {
				return err
			}
			return d.show(cmd, o, one)
		},
	}
	cmd.Flags().IntVar(&version, "version", 0, "an older one; 0: the newest")
	return cmd
}

func (d documents) show(cmd *cobra.Command, o *output, one api.Document) error {
	if o.format != "table" {
		return o.print(cmd.OutOrStdout(), one, nil)
	}
	_, err := fmt.Fprint(cmd.OutOrStdout(), one.Text)
	return err
}

func (d documents) putCmd(f *clientFlags, o *output) *cobra.Command {
	return &cobra.Command{
		Use: "put FILE", Short: `Put a new version of a ` + d.word + ` (YAML or JSON; "-" is standard input): all of it, or nothing and every error`, Args: args(cobra.ExactArgs(1)),
		RunE: withFile(f, o, func(cmd *cobra.Command, c *api.Client, in io.Reader) error {
			one, err := d.put(c, cmd.Context(), in)
			if err != nil {
				return err
			}
			return d.print(cmd, o, []api.Document{one})
		}),
	}
}

func (d documents) listCmd(f *clientFlags, o *output) *cobra.Command {
	return &cobra.Command{
		Use: "list", Aliases: []string{"ls"}, Short: "List all versions of all " + d.word + "s", Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := ready(f, o)
			if err != nil {
				return err
			}
			all, err := d.list(c, cmd.Context())
			if err != nil {
				return err
			}
			return d.print(cmd, o, all)
		},
	}
}

func (d documents) print(cmd *cobra.Command, o *output, all []api.Document) error {
	return o.print(cmd.OutOrStdout(), d.wrap(all), func(row func(...string)) {
		row(d.head, "VERSION", "PUT", "BY")
		for _, one := range all {
			row(one.Name, fmt.Sprint(one.Version), one.Time.Local().Format("2006-01-02 15:04:05"), one.Actor)
		}
	})
}
