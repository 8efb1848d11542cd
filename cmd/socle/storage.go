package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"socle/api"
	"socle/hardware"
)

// newStorageCmd is "socle bmc storage".
func newStorageCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use: "storage", Short: "See to drives and hardware RAID of machines through their BMCs",
		Long: `What changes drives destroys what is on them: it is for one machine at a time, names the machine's serial with --serial and
each drive's with --drive, and is refused unless the BMC shows exactly these at that moment. Each order is carried out once.

` + exitCodes,
	}
	group(cmd)
	cmd.AddCommand(storageShowCmd(), storageOrdersCmd(), storageCreateCmd(), storageDeleteCmd(),
		storageDrivesCmd("jbod", "Pass drives through to the system as they are, without RAID", "jbod"),
		storageDrivesCmd("erase", "Erase drives, by the drives' own means where they have such", "erase"))
	return cmd
}

func storageShowCmd() *cobra.Command {
	return patient(rangeCmd("show", "List the drives and volumes of machines", nil, func() fleet[api.StorageList] {
		return fleet[api.StorageList]{
			do: func(ctx context.Context, c *api.Client, name string) (api.StorageList, error) {
				return c.Storage(ctx, name)
			},
			rows: storageRows,
			same: func(l api.StorageList) string {
				var words []string
				for _, s := range l.Storage {
					words = append(words, fmt.Sprintf("%s: %d drives, %d volumes", dash(s.Model), len(s.Drives), len(s.Volumes)))
				}
				return strings.Join(words, "; ")
			},
		}
	}), settingsLimit)
}

func storageRows(l api.StorageList) (rows []string) {
	for _, s := range l.Storage {
		rows = append(rows, fmt.Sprintf("%s  %s  makes %s", s.ID, dash(s.Model), dash(strings.Join(s.RAID, ", "))))
		for _, d := range s.Drives {
			use := "free"
			if len(d.Volumes) > 0 {
				use = "volume " + strings.Join(d.Volumes, ", ")
			}
			rows = append(rows, fmt.Sprintf("  drive  %-24s %-20s %-4s %-5s %10s  %-9s %s", dash(d.Serial), dash(d.Model), dash(d.Media), dash(d.Protocol), sizeOf(d.Bytes), dash(d.Health), use))
		}
		for _, v := range s.Volumes {
			state := ""
			if !v.Ready {
				state = "  not ready"
			}
			rows = append(rows, fmt.Sprintf("  volume %-4s %-12s %-7s %10s  %s  on %s%s", v.ID, dash(v.Name), dash(v.RAID), sizeOf(v.Bytes), dash(v.Durable), strings.Join(v.Drives, ", "), state))
		}
	}
	if len(rows) == 0 {
		rows = []string{"no storage controllers"}
	}
	return rows
}

// sizeOf is a size for people; a BMC that says nonsense has none.
func sizeOf(n int64) string {
	if n <= 0 {
		return "-"
	}
	return hardware.Size(uint64(n))
}

func storageOrdersCmd() *cobra.Command {
	return rangeCmd("orders", "List the orders for drives of machines, and what became of them", nil, func() fleet[[]api.StorageOrder] {
		return fleet[[]api.StorageOrder]{
			do: func(ctx context.Context, c *api.Client, name string) ([]api.StorageOrder, error) {
				return c.StorageOrders(ctx, name)
			},
			rows: func(all []api.StorageOrder) (rows []string) {
				for _, o := range all {
					rows = append(rows, fmt.Sprintf("%s  %-8s %-14s %s: %s", o.IssuedAt.Local().Format("2006-01-02 15:04:05"), o.State, o.Actor, o.What, dash(o.Message)))
				}
				if len(rows) == 0 {
					rows = []string{"none"}
				}
				return rows
			},
			same: func(all []api.StorageOrder) string { return fmt.Sprintf("%d orders", len(all)) },
		}
	})
}

// destructive is a command on the drives of one machine. Requests makes what is to be ordered, one after the other.
func destructive(use, short string, flags func(*cobra.Command), requests func(ctx context.Context, c *api.Client, name string) ([]api.StorageRequest, error)) *cobra.Command {
	var serial string
	var dryRun, noWait bool
	cmd := &cobra.Command{Use: use + " MACHINE", Short: short, Long: exitCodes, Args: args(cobra.ExactArgs(1))}
	f, o := addClientFlags(cmd), addOutputFlag(cmd)
	cmd.Flags().StringVar(&serial, "serial", "", "serial number of the machine, as confirmation")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "only look whether the BMC shows all as named")
	cmd.Flags().BoolVar(&noWait, "no-wait", false, "do not wait for the end: \"socle bmc storage orders\" tells of it")
	flags(cmd)
	cmd.RunE = func(cmd *cobra.Command, names []string) error {
		if serial == "" {
			return usageError{errors.New("name the machine's serial number with --serial: what is on the drives is destroyed")}
		}
		c, err := ready(f, o)
		if err != nil {
			return err
		}
		all, err := requests(cmd.Context(), c, names[0])
		if err != nil {
			return err
		}
		var done []api.StorageOrder
		var failed error
		for _, r := range all {
			r.ID, r.Serial, r.DryRun = uuid.NewString(), serial, dryRun
			var one api.StorageOrder
			if one, failed = c.OrderStorage(cmd.Context(), names[0], r); failed != nil {
				break
			}
			if !dryRun && !noWait {
				if one, failed = ended(cmd.Context(), c, names[0], one); failed != nil {
					break
				}
			}
			done = append(done, one)
		}
		err = o.print(cmd.OutOrStdout(), done, func(row func(...string)) {
			row("STATE", "WHAT", "")
			for _, d := range done {
				row(d.State, d.What, d.Message)
			}
		})
		return errors.Join(err, failed, unhappy(done))
	}
	return patient(cmd, settingsLimit)
}

// unhappy makes an error of orders that did not end well.
func unhappy(all []api.StorageOrder) error {
	for _, o := range all {
		switch o.State {
		case "failed", "refused", "lost":
			return fmt.Errorf("%s is %s: %s", o.What, o.State, o.Message)
		}
	}
	return nil
}

// ended waits until an order is over.
func ended(ctx context.Context, c *api.Client, name string, o api.StorageOrder) (api.StorageOrder, error) {
	for tick := time.NewTicker(2 * time.Second); ; {
		all, err := c.StorageOrders(ctx, name)
		if err != nil {
			return o, err
		}
		if i := slices.IndexFunc(all, func(x api.StorageOrder) bool { return x.ID == o.ID }); i >= 0 && all[i].EndedAt != nil {
			tick.Stop()
			return all[i], nil
		}
		select {
		case <-ctx.Done():
			return o, ctx.Err()
		case <-tick.C:
		}
	}
}

// driveFlag names drives.
func driveFlag(cmd *cobra.Command, drives *[]string) {
	cmd.Flags().StringSliceVar(drives, "drive", nil, "serial number of a drive; several are parted by commas")
}

func storageCreateCmd() *cobra.Command {
	r := api.StorageRequest{Kind: "volume-create"}
	flags := func(cmd *cobra.Command) {
		driveFlag(cmd, &r.Drives)
		cmd.Flags().StringVar(&r.RAID, "raid", "", "kind of the volume in Redfish's words: RAID0, RAID1, RAID5, RAID6, RAID10 …")
		cmd.Flags().StringVar(&r.Name, "name", "", "name of the volume")
		cmd.Flags().Int64Var(&r.Bytes, "bytes", 0, "size of the volume; 0: all that there is")
	}
	return destructive("create", "Make a volume of drives; destroys what is on them", flags, func(context.Context, *api.Client, string) ([]api.StorageRequest, error) {
		if r.RAID == "" || len(r.Drives) == 0 {
			return nil, usageError{errors.New("name the kind of volume with --raid and its drives with --drive")}
		}
		return []api.StorageRequest{r}, nil
	})
}

func storageDrivesCmd(use, short, kind string) *cobra.Command {
	var drives []string
	flags := func(cmd *cobra.Command) { driveFlag(cmd, &drives) }
	return destructive(use, short+"; destroys what is on them", flags, func(context.Context, *api.Client, string) (all []api.StorageRequest, err error) {
		if len(drives) == 0 {
			return nil, usageError{errors.New("name drives with --drive")}
		}
		for _, d := range drives {
			all = append(all, api.StorageRequest{Kind: kind, Drives: []string{d}})
		}
		return all, nil
	})
}

func storageDeleteCmd() *cobra.Command {
	var volume string
	flags := func(cmd *cobra.Command) {
		cmd.Flags().StringVar(&volume, "volume", "", "durable name of the volume as \"show\" tells it, or the ID of one that has none")
	}
	return destructive("delete", "Delete a volume; destroys what is on it", flags, func(ctx context.Context, c *api.Client, name string) ([]api.StorageRequest, error) {
		if volume == "" {
			return nil, usageError{errors.New("name the volume with --volume")}
		}
		l, err := c.Storage(ctx, name)
		if err != nil {
			return nil, err
		}
		for _, s := range l.Storage {
			for _, v := range s.Volumes {
				if v.Durable == volume || v.Durable == "" && v.ID == volume {
					return []api.StorageRequest{{Kind: "volume-delete", Volume: v.ID, Durable: v.Durable, Drives: v.Drives}}, nil
				}
			}
		}
		return nil, fmt.Errorf("%s has no volume with the durable name %q: see socle bmc storage show %s", name, volume, name)
	})
}
