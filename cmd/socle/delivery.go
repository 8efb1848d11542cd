package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"socle/api"
	"socle/inventory"
)

// newDeliveryCmd is "socle delivery": what was ordered, and how much of it has come.
func newDeliveryCmd() *cobra.Command {
	cmd := &cobra.Command{Use: "delivery", Aliases: []string{"deliveries"}, Short: "Import purchase orders, and see how much of them has come", Long: exitCodes}
	f, o := addClientFlags(cmd), addOutputFlag(cmd)
	group(cmd)
	var how api.OrderImport
	imp := importCmd(f, o, "list of order lines", &how.DryRun, func(c *api.Client, ctx context.Context, in io.Reader) (api.ImportReply, error) {
		return c.ImportOrders(ctx, in, how)
	}, orderTable)
	mappingFlag(imp, &how.ImportOptions)
	p := imp.Flags()
	p.StringVar(&how.Number, "number", "", "number of the order, where the file does not say it")
	p.StringVar(&how.Vendor, "vendor", "", "vendor, likewise")
	p.StringVar(&how.Ordered, "ordered", "", "day on which it was ordered (2026-11-26), likewise")
	p.StringVar(&how.Expected, "expected", "", "day on which it is expected, likewise")
	cmd.AddCommand(imp, &cobra.Command{
		Use: "list", Aliases: []string{"ls"}, Short: "List the deliveries, and how many of their servers have come", Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := ready(f, o)
			if err != nil {
				return err
			}
			list, err := c.Deliveries(cmd.Context())
			if err != nil {
				return err
			}
			return o.print(cmd.OutOrStdout(), list, func(row func(...string)) { deliveriesTable(list, row) })
		},
	}, &cobra.Command{
		Use: "show NUMBER", Short: "Show what of a delivery was ordered, announced, racked and detected, line by line", Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, numbers []string) error {
			c, err := ready(f, o)
			if err != nil {
				return err
			}
			d, err := c.Delivery(cmd.Context(), numbers[0])
			if err != nil {
				return err
			}
			return o.print(cmd.OutOrStdout(), d, func(row func(...string)) { deliveryTable(d, row) })
		},
	})
	return cmd
}

func orderTable(r api.ImportReply, row func(...string)) {
	tail := ""
	if r.DryRun {
		tail = " (dry run)"
	}
	row("DELIVERY", "IMPORT")
	for _, part := range []struct {
		names []string
		word  string
	}{{r.Added, "added"}, {r.Changed, "changed"}, {r.Same, "same as before"}} {
		for _, n := range part.names {
			row(n, part.word+tail)
		}
	}
}

func deliveriesTable(list api.DeliveryList, row func(...string)) {
	row("DELIVERY", "VENDOR", "ORDERED ON", "EXPECTED", "ORDERED", "ANNOUNCED", "RACKED", "DETECTED", "NOT SEEN", "EXTRA")
	for _, d := range list.Deliveries {
		var sum api.OrderLine
		for _, l := range d.Lines {
			sum.Quantity += l.Quantity
			sum.Announced += l.Announced
			sum.Racked += l.Racked
			sum.Detected += l.Detected
		}
		row(d.Number, dash(d.Vendor), dash(d.Ordered), dash(d.Expected), fmt.Sprint(sum.Quantity), fmt.Sprint(sum.Announced), fmt.Sprint(sum.Racked), fmt.Sprint(sum.Detected),
			fmt.Sprint(d.NotSeen), fmt.Sprint(len(d.Extra)))
	}
	row("", "", "", "", "", "", "", "", fmt.Sprint(list.NotSeen), "")
}

func deliveryTable(d api.Delivery, row func(...string)) {
	row("LINE", "MODEL", "PART", "PRICE", "ORDERED", "ANNOUNCED", "RACKED", "DETECTED", "MISSING", "DESCRIPTION")
	for _, l := range d.Lines {
		row(fmt.Sprint(l.Line), l.Model, dash(l.PartNumber), dash(price(l)), fmt.Sprint(l.Quantity), fmt.Sprint(l.Announced), fmt.Sprint(l.Racked), fmt.Sprint(l.Detected),
			fmt.Sprint(l.Missing), l.Description)
	}
	for _, l := range d.Other {
		row(fmt.Sprint(l.Line), "-", dash(l.PartNumber), dash(price(l)), fmt.Sprint(l.Quantity), "-", "-", "-", "-", l.Description)
	}
	if len(d.Extra) > 0 {
		row("extra", inventory.FoldNames(d.Extra), "", "", "", "", "", "", "", "of this delivery, and no line ordered them")
	}
}

func price(l api.OrderLine) string { return strings.TrimSpace(l.UnitPrice + " " + l.Currency) }
