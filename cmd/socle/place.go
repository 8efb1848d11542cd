package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"socle/api"
	"socle/inventory"
	"socle/inventory/elevation"
)

// newPlaceCmd is "socle place": racks, and what stands in them.
func newPlaceCmd() *cobra.Command {
	cmd := &cobra.Command{Use: "place", Aliases: []string{"places"}, Short: "Import, list and draw racks and what stands in them", Long: exitCodes}
	f, o := addClientFlags(cmd), addOutputFlag(cmd)
	group(cmd)
	var dryRun bool
	imp := importCmd(f, o, "floor plan", &dryRun, func(c *api.Client, ctx context.Context, in io.Reader) (api.ImportReply, error) {
		return c.ImportPlaces(ctx, in, dryRun)
	}, importTable)
	cmd.AddCommand(placeListCmd(f, o), placeShowCmd(f, o), imp, placeFreeCmd(f, o), placeElevationCmd(f, o))
	return cmd
}

func placeListCmd(f *clientFlags, o *output) *cobra.Command {
	return &cobra.Command{
		Use: "list", Aliases: []string{"ls"}, Short: "List racks and devices", Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := ready(f, o)
			if err != nil {
				return err
			}
			all, err := c.Places(cmd.Context())
			if err != nil {
				return err
			}
			return o.print(cmd.OutOrStdout(), all, func(row func(...string)) {
				row("KIND", "NAME", "PLACE", "HEIGHT", "SERVERS", "FAULTS", "DEVICES", "FREE", "FEEDS OR MODEL")
				for _, r := range all.Racks {
					row("rack", r.Name, "-", heightText(r), fmt.Sprint(r.Servers), fmt.Sprint(r.Faults), fmt.Sprint(r.Devices), fmt.Sprint(r.Free), dash(feedsText(r.Feeds)))
				}
				for _, d := range all.Devices {
					row(d.Kind, d.Name, dash(placeText(d.Place)), fmt.Sprintf("%d U", max(d.Place.Height, 1)), "-", "-", "-", "-", dash(d.Model))
				}
			})
		},
	}
}

// heightText is the height; one that nobody said is a guess.
func heightText(r api.RackSummary) string {
	if !r.Known {
		return fmt.Sprintf("%d U?", r.Height)
	}
	return fmt.Sprintf("%d U", r.Height)
}

func feedsText(all []api.Feed) string {
	var words []string
	for _, f := range all {
		words = append(words, inventory.Feed(f).String())
	}
	return strings.Join(words, ", ")
}

func placeShowCmd(f *clientFlags, o *output) *cobra.Command {
	return &cobra.Command{
		Use: "show RACK", Short: "Show a rack with everything that stands in it, and what is wrong there", Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, names []string) error {
			c, err := ready(f, o)
			if err != nil {
				return err
			}
			e, err := c.Elevation(cmd.Context(), names[0])
			if err != nil {
				return err
			}
			return o.print(cmd.OutOrStdout(), e, func(row func(...string)) {
				row("U", "FACE", "NAME", "KIND", "STATE", "POWER", "SERIAL", "NOTE")
				for _, i := range slices.Backward(e.Items) {
					row(elevation.Span{From: i.Place.U, To: inventory.Place(i.Place).Top()}.String(), faceText(i.Place), i.Name, i.Kind, dash(i.State), dash(i.Power), dash(i.Serial), dash(i.Trouble))
				}
				for _, i := range e.Loose {
					row("-", "-", i.Name, i.Kind, dash(i.State), dash(i.Power), dash(i.Serial), dash(i.Trouble))
				}
				for _, p := range e.Problems {
					row("!", "", p)
				}
				row("rack", "", e.Name, heightText(e.RackSummary), fmt.Sprintf("%d U free", e.Free), "", "", feedsText(e.Feeds))
			})
		},
	}
}

func faceText(p api.Place) string {
	face := p.Face
	if face == "" {
		face = inventory.Front
	}
	if p.HalfDepth {
		face += ", half"
	}
	return face
}

func placeFreeCmd(f *clientFlags, o *output) *cobra.Command {
	var height int
	var face string
	cmd := &cobra.Command{
		Use: "free [RACK...]", Short: "List free units: of all racks, or of some",
		RunE: func(cmd *cobra.Command, names []string) error {
			if !slices.Contains([]string{"", inventory.Front, inventory.Rear}, face) || height < 1 {
				return usageError{fmt.Errorf("--face is front or rear, and --height is 1 or more")}
			}
			c, err := ready(f, o)
			if err != nil {
				return err
			}
			var racks []api.RackSummary
			if len(names) == 0 {
				all, err := c.Places(cmd.Context())
				if err != nil {
					return err
				}
				racks = all.Racks
			}
			for _, n := range names {
				e, err := c.Elevation(cmd.Context(), n)
				if err != nil {
					return err
				}
				racks = append(racks, e.RackSummary)
			}
			type free struct {
				Rack  string      `json:"rack"`
				Units []api.Units `json:"units"`
			}
			var all []free
			for _, r := range racks {
				units := map[string][]api.Units{"": r.FreeBoth, inventory.Front: r.FreeFront, inventory.Rear: r.FreeRear}[face]
				all = append(all, free{r.Name, slices.DeleteFunc(units, func(u api.Units) bool { return u.To-u.From+1 < height })})
			}
			return o.print(cmd.OutOrStdout(), all, func(row func(...string)) {
				row("RACK", "FREE")
				for _, r := range all {
					var words []string
					for _, u := range r.Units {
						words = append(words, elevation.Span(u).String())
					}
					row(r.Rack, dash(strings.Join(words, ", ")))
				}
			})
		},
	}
	cmd.Flags().IntVar(&height, "height", 1, "only where so many units are free together")
	cmd.Flags().StringVar(&face, "face", "", "free at this face, for devices of half the depth: front or rear (default: at both)")
	return cmd
}

func placeElevationCmd(f *clientFlags, o *output) *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use: "elevation RACK", Short: "Draw both faces of a rack, as text or into an SVG file", Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, names []string) error {
			c, err := ready(f, o)
			if err != nil {
				return err
			}
			e, err := c.Elevation(cmd.Context(), names[0])
			if err != nil {
				return err
			}
			r := rackOf(e)
			switch {
			case file != "":
				svg := r.SVG(elevation.Drawing{Faces: []string{inventory.Front, inventory.Rear}, Heads: true, Alone: true})
				if err := os.WriteFile(file, []byte(svg), 0o644); err != nil { //nolint:gosec // a drawing is no secret
					return fmt.Errorf("writing the drawing: %w", err)
				}
				return nil
			case o.format != "table":
				return o.print(cmd.OutOrStdout(), e, nil)
			}
			_, err = fmt.Fprint(cmd.OutOrStdout(), r.Text())
			return err
		},
	}
	cmd.Flags().StringVar(&file, "svg", "", "write an SVG file that browsers show and print")
	return cmd
}

// rackOf makes a rack that can be drawn of what the server says.
func rackOf(e api.Elevation) elevation.Rack {
	r := elevation.Rack{Place: inventory.Place(e.Place), Height: e.Height, Known: e.Known}
	for _, i := range e.Items {
		r.Items = append(r.Items, elevation.Item{Name: i.Name, Kind: i.Kind, Place: inventory.Place(i.Place), State: i.State, Power: i.Power, Fault: i.Fault, Held: i.Held, Text: i.Trouble, Serial: i.Serial})
	}
	return r
}
