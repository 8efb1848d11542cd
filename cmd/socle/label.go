package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"socle/api"
)

// newLabelCmd is "socle label": what is stuck on servers and cables.
func newLabelCmd() *cobra.Command {
	var q api.LabelQuery
	var file string
	cmd := &cobra.Command{
		Use: "label NODES | label --rack RACK", Short: "Make labels of servers or cables, as PDF or for label printers (ZPL)",
		Long: `On a label are name, serial, asset tag, place, and where each port is to be cabled; its QR code is what "socle rack" takes.
Print PDF without fitting it to the page. A layout is a name (a4-3x7, a4-5x13, roll-62x29 and others), a product that has it
(L7160, L7651), or measures in mm: 50x25 is a roll, 3x8@70x37 labels on A4, 3x7@63.5x38.1+2.54x0 labels with gaps.
Nothing is written over.

` + exitCodes,
	}
	f := addClientFlags(cmd)
	cmd.Flags().StringVar(&q.Rack, "rack", "", "all servers of this rack, from below")
	cmd.Flags().StringVar(&q.Format, "format", "pdf", "pdf or zpl")
	cmd.Flags().StringVar(&q.Layout, "sheet", "", "layout (default: a4-3x7, of ZPL roll-50x25)")
	cmd.Flags().IntVar(&q.Start, "start", 1, "the first label of the first sheet that is not gone yet")
	cmd.Flags().IntVar(&q.DPI, "dpi", 0, "of a printer that takes ZPL: 203, 300 or 600 (default 203)")
	cmd.Flags().BoolVar(&q.Cables, "cables", false, "labels for both ends of their planned cables")
	cmd.Flags().BoolVar(&q.Outline, "outline", false, "draw the edges of labels, for plain paper")
	cmd.Flags().StringVarP(&file, "file", "f", "", `where to put it; "-" is standard output (default: labels.pdf or labels.zpl)`)
	cmd.RunE = func(cmd *cobra.Command, ranges []string) error {
		if len(ranges) == 0 && q.Rack == "" {
			return usageError{errors.New("say of which servers: a range, or --rack")}
		}
		if q.Format != "pdf" && q.Format != "zpl" {
			return usageError{fmt.Errorf("unknown format %q: use pdf or zpl", q.Format)}
		}
		c, err := ready(f, &output{format: "table"})
		if err != nil {
			return err
		}
		if q.Machines, err = foldedOf(cmd.Context(), c, ranges); err != nil {
			return err
		}
		got, err := c.Labels(cmd.Context(), q)
		if err != nil {
			return err
		}
		return putFile(cmd, got, file)
	}
	return cmd
}

// putFile writes a file that the server made, and says where; "-" is standard output.
func putFile(cmd *cobra.Command, got api.File, name string) error {
	switch name {
	case "-":
		_, err := cmd.OutOrStdout().Write(got.Body)
		return err
	case "":
		name = got.Name
	}
	if err := writeNew(name, got.Body); err != nil {
		return err
	}
	_, err := fmt.Fprintln(cmd.OutOrStdout(), name)
	return err
}
