package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"socle/api"
)

// newMediaCmd is "socle bmc media": the virtual drives of BMCs.
func newMediaCmd() *cobra.Command {
	cmd := &cobra.Command{Use: "media", Short: "See to the virtual drives of BMCs", Long: exitCodes}
	group(cmd)
	list := rangeCmd("list", "List the virtual drives of BMCs, and what is in them", nil, func() fleet[[]api.MediaSlot] {
		return mediaFleet(func(ctx context.Context, c *api.Client, name string) ([]api.MediaSlot, error) {
			return c.Media(ctx, name)
		})
	})
	var url string
	insert := rangeCmd("insert", "Put an image into the virtual drives for CDs, and read back that it is there", func(cmd *cobra.Command) {
		cmd.Flags().StringVar(&url, "url", "", "where the BMC fetches the image: http or https, without user and password")
		cmd.PreRunE = func(*cobra.Command, []string) error {
			if url == "" {
				return usageError{errors.New("say with --url where the image is")}
			}
			return nil
		}
	}, func() fleet[[]api.MediaSlot] {
		return mediaFleet(func(ctx context.Context, c *api.Client, name string) ([]api.MediaSlot, error) {
			return c.InsertMedia(ctx, name, url)
		})
	})
	eject := rangeCmd("eject", "Empty the virtual drives for CDs, and read back that nothing is in them", nil, func() fleet[[]api.MediaSlot] {
		return mediaFleet(func(ctx context.Context, c *api.Client, name string) ([]api.MediaSlot, error) {
			return c.EjectMedia(ctx, name)
		})
	})
	cmd.AddCommand(list, insert, eject)
	return cmd
}

func mediaFleet(do func(context.Context, *api.Client, string) ([]api.MediaSlot, error)) fleet[[]api.MediaSlot] {
	return fleet[[]api.MediaSlot]{
		do: do,
		rows: func(all []api.MediaSlot) (rows []string) {
			for _, s := range all {
				rows = append(rows, fmt.Sprintf("%-12s %-12s %s", s.ID, strings.Join(s.Types, ","), inSlot(s)))
			}
			return rows
		},
		same: func(all []api.MediaSlot) string {
			var parts []string
			for _, s := range all {
				if s.Inserted {
					parts = append(parts, s.ID+" holds "+inSlot(s))
				}
			}
			if len(parts) == 0 {
				return "all drives are empty"
			}
			return strings.Join(parts, ", ")
		},
	}
}

func inSlot(s api.MediaSlot) string {
	switch {
	case !s.Inserted:
		return "empty"
	case s.Image == "":
		return "a medium"
	}
	return s.Image
}
