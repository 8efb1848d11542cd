package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"socle/api"
	"socle/inventory"
)

// exitUndone is the exit code of "socle stack" when something is still wrong with the rack.
const exitUndone = 11

// undoneError says that something is still wrong; what it is was printed already.
type undoneError struct{ text string }

// Error implements error.
func (e undoneError) Error() string { return e.text }

// newRackCmd is "socle rack": put servers into a rack, one after the other.
func newRackCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use: "rack RACK", Short: "Put servers into a rack: scan or type their serials, and be told where they go", Args: args(cobra.ExactArgs(1)),
		Long: `It names the next server to rack, the lowest unit first, and reads lines: serial numbers, asset tags or names, as a barcode
scanner types them. Each is told its place, written down as racked, and its locator light is switched on when its BMC
answers. An empty line shows again what is next; the end of the input, or "quit", ends it.

` + exitCodes + fmt.Sprintf(" Also %d something that was scanned was refused.", exitUndone),
	}
	f := addClientFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, names []string) error {
		c, err := f.client()
		if err != nil {
			return err
		}
		g := &racking{cmd: cmd, client: c, rack: names[0]}
		return g.run()
	}
	return cmd
}

// racking is one person's work at a rack.
type racking struct {
	cmd             *cobra.Command
	client          *api.Client
	rack            string
	racked, refused int
}

func (g *racking) say(format string, args ...any) {
	_, _ = fmt.Fprintln(g.cmd.OutOrStdout(), printable(fmt.Sprintf(format, args...))) // the input's end tells
}

func (g *racking) run() error {
	more, err := g.next()
	if err != nil {
		return err
	}
	lines := bufio.NewScanner(g.cmd.InOrStdin())
	for more && lines.Scan() {
		code := strings.TrimSpace(lines.Text())
		if code == "quit" {
			break
		}
		if code != "" {
			if err := g.scan(code); err != nil {
				return err
			}
		}
		if more, err = g.next(); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("reading what was scanned: %w", err)
	}
	g.say("%d racked, %d refused", g.racked, g.refused)
	if g.refused > 0 {
		return undoneError{fmt.Sprintf("%d codes were refused", g.refused)}
	}
	return nil
}

// next says which server comes next; false when all are racked.
func (g *racking) next() (bool, error) {
	e, err := g.client.Elevation(g.cmd.Context(), g.rack)
	if err != nil {
		return false, err
	}
	left := unracked(e)
	if len(left) == 0 {
		g.say("All servers of rack %s are racked. What is still wrong: socle stack %q", e.Name, e.Name)
		return false, nil
	}
	i := left[0]
	g.say("Next of %d: %s, serial %s, into %s. Scan it:", len(left), i.Name, dash(i.Serial), spotText(i.Place))
	return true, nil
}

// unracked are the servers that are still to be put into a rack, the lowest first. One that was seen stands there.
func unracked(e api.Elevation) []api.ElevationItem {
	return slices.DeleteFunc(slices.Clone(e.Items), func(i api.ElevationItem) bool {
		return i.Kind != "server" || i.Racked != nil || i.State != string(inventory.Expected)
	})
}

// spotText is where something goes in a rack, in words.
func spotText(p api.Place) string {
	return inventory.Place(p).Units() + " at the " + strings.Split(faceText(p), ",")[0]
}

// scan racks one server. What the server refuses is said, and the work goes on.
func (g *racking) scan(code string) error {
	r, err := g.client.Rack(g.cmd.Context(), api.RackingRequest{Code: code, Rack: g.rack})
	var p *api.Problem
	if errors.As(err, &p) && (p.Status == 404 || p.Status == 409) {
		g.refused++
		g.say("REFUSED: %s", p.Detail)
		return nil
	}
	if err != nil {
		return err
	}
	g.racked++
	g.say("%s goes into %s. %s", r.Machine, spotText(r.Place), g.light(r.Machine))
	return nil
}

// light switches the locator on, for ten minutes; a BMC that does not answer is none of the rack's business yet.
func (g *racking) light(name string) string {
	ctx, cancel := context.WithTimeout(g.cmd.Context(), 10*time.Second)
	defer cancel()
	if _, err := g.client.Locate(ctx, name, true, 10*time.Minute); err != nil {
		return "Its light cannot be switched on yet."
	}
	return "Its light is on for ten minutes."
}

// newStackCmd is "socle stack": what is still wrong with a rack.
func newStackCmd() *cobra.Command {
	var watch bool
	cmd := &cobra.Command{
		Use: "stack RACK", Short: "Say what is still wrong with a rack, line by line with what to do", Args: args(cobra.ExactArgs(1)),
		Long: exitCodes + fmt.Sprintf(" Also %d something is still wrong with the rack.", exitUndone),
	}
	f, o := addClientFlags(cmd), addOutputFlag(cmd)
	cmd.Flags().BoolVar(&watch, "watch", false, "go on until nothing is wrong, and show what changes")
	cmd.RunE = func(cmd *cobra.Command, names []string) error {
		c, err := ready(f, o)
		if err != nil {
			return err
		}
		last := "nothing shown yet"
		for {
			e, err := c.Elevation(cmd.Context(), names[0])
			if err != nil {
				return err
			}
			lines := stackLines(e)
			if text := strings.Join(lines, "\n"); text != last {
				if err := printStack(cmd, o, e, lines); err != nil {
					return err
				}
				last = text
			}
			if len(lines) == 0 {
				return nil
			}
			if !watch {
				return undoneError{fmt.Sprintf("%d things are still wrong with rack %s", len(lines), e.Name)}
			}
			select {
			case <-cmd.Context().Done():
				return undoneError{"stopped while something was still wrong"}
			case <-time.After(2 * time.Second):
			}
		}
	}
	return cmd
}

// stackLines are what is wrong, the lowest unit first.
func stackLines(e api.Elevation) (lines []string) {
	for _, p := range e.Problems {
		lines = append(lines, "rack\t"+p+"\tcorrect the plan, or move one of them")
	}
	for _, i := range slices.Concat(e.Items, e.Loose) {
		for _, w := range i.Wrong {
			at := "-"
			if i.Place.U > 0 {
				at = fmt.Sprintf("U %d", i.Place.U)
			}
			lines = append(lines, at+" "+i.Name+"\t"+w.What+"\t"+w.Remedy)
		}
	}
	return lines
}

func printStack(cmd *cobra.Command, o *output, e api.Elevation, lines []string) error {
	return o.print(cmd.OutOrStdout(), e, func(row func(...string)) {
		if len(lines) == 0 {
			row(fmt.Sprintf("done: nothing is wrong with the %d servers of rack %s", e.Servers, e.Name))
			return
		}
		row("WHERE", "WHAT IS WRONG", "WHAT TO DO")
		for _, l := range lines {
			row(strings.Split(l, "\t")...)
		}
	})
}
