package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"socle/api"
	"socle/inventory"
)

// newRMACmd is "socle rma": what goes back to the vendors?
func newRMACmd() *cobra.Command {
	var q api.RMAQuery
	var format, dir string
	cmd := &cobra.Command{
		Use: "rma [NODES]", Short: "List the parts that vendors are to replace or to deliver, or write a list for each vendor",
		Long: `With --format, a file is written for each vendor, ready to send: rma-VENDOR.csv or rma-VENDOR.pdf. Nothing is written over.

` + exitCodes,
	}
	f, o := addClientFlags(cmd), addOutputFlag(cmd)
	addFoldFlag(cmd, o, "SERVER", "SERIAL")
	cmd.Flags().StringVar(&q.Vendor, "vendor", "", "only this vendor: of the delivery, else the maker of the server")
	cmd.Flags().StringVar(&q.Rack, "rack", "", "only servers of this rack")
	cmd.Flags().StringVar(&q.Delivery, "delivery", "", "only servers of the delivery with this number")
	cmd.Flags().StringVar(&format, "format", "", "write files: csv or pdf")
	cmd.Flags().StringVarP(&dir, "dir", "d", ".", "where to put the files")
	cmd.RunE = func(cmd *cobra.Command, ranges []string) error {
		if format != "" && format != "csv" && format != "pdf" {
			return usageError{fmt.Errorf("unknown format %q: use csv or pdf", format)}
		}
		c, err := ready(f, o)
		if err != nil {
			return err
		}
		if q.Machines, err = foldedOf(cmd.Context(), c, ranges); err != nil {
			return err
		}
		list, err := c.RMA(cmd.Context(), q)
		if err != nil {
			return err
		}
		if format == "" {
			return o.print(cmd.OutOrStdout(), list, func(row func(...string)) { claimRows(list, row) })
		}
		if len(list.Vendors) == 0 {
			return errors.New("nothing is to be replaced or delivered: no file was written")
		}
		for _, vendor := range list.Vendors {
			one := q
			one.Vendor = vendor
			got, err := c.RMAFile(cmd.Context(), one, format)
			if err != nil {
				return err
			}
			if err := putFile(cmd, got, filepath.Join(dir, filepath.Base(got.Name))); err != nil {
				return err
			}
		}
		return nil
	}
	return cmd
}

func claimRows(list api.ClaimList, row func(...string)) {
	if len(list.Claims) == 0 {
		row("nothing is to be replaced or delivered")
		return
	}
	row("VENDOR", "ORDER", "SERVER", "PART", "NUMBER", "SERIAL", "PROBLEM", "WHY")
	for _, c := range list.Claims {
		row(c.Vendor, dash(c.Order), c.Server, c.Part, dash(c.PartNumber), dash(c.PartSerial), c.Problem, c.Reason)
	}
	row(inventory.Plural(len(list.Claims), "part") + ", of " + strings.Join(list.Vendors, ", "))
}
