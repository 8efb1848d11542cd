package main

import (
	"bufio"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"socle/api"
	"socle/inventory"
	"socle/inventory/cabling"
)

// exitUndone is the exit code of "socle stack" when something is still wrong with the rack.
const exitUndone = 11

// newRackCmd is "socle rack": put servers into a rack, one after the other.
func newRackCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use: "rack RACK", Short: "Put servers into a rack: scan or type their serials, and be told where they go", Args: args(cobra.ExactArgs(1)),
		Long: `It names the next server to rack, the lowest unit first, and reads lines: serial numbers, asset tags or names, as a barcode
scanner types them. Each is told its place, written down as racked, and its locator light is switched on when its BMC
answers. An empty line shows again what is next; the end of the input, or "quit", ends it.

With --offline it does the same without a network: each act is in the snapshot's journal, and on the disk, before the next
line is read. "note TEXT" writes something down on the server that was racked last. See socle snapshot.

` + exitCodes + fmt.Sprintf(" Also %d something that was scanned was refused.", exitUndone),
	}
	f := addAisleFlags(cmd, true)
	cmd.RunE = func(cmd *cobra.Command, names []string) error {
		place, done, err := f.open(cmd, true)
		if err != nil {
			return err
		}
		g := &racking{cmd: cmd, aisle: place, rack: names[0]}
		return errors.Join(g.run(), done())
	}
	return cmd
}

// racking is one person's work at a rack.
type racking struct {
	cmd             *cobra.Command
	aisle           aisle
	rack            string
	last            string // who was racked last; notes are on it
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
		do, arg := g.scan, code
		if text, is := strings.CutPrefix(code, "note "); is {
			do, arg = g.note, strings.TrimSpace(text)
		}
		if arg != "" {
			if err := g.refusal(do(arg)); err != nil {
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
		return verdictError{exitUndone, fmt.Sprintf("%d codes were refused", g.refused)}
	}
	return nil
}

// next says which server comes next; false when all are racked.
func (g *racking) next() (bool, error) {
	e, err := g.aisle.Elevation(g.cmd.Context(), g.rack)
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

// scan racks one server.
func (g *racking) scan(code string) error {
	r, err := g.aisle.Rack(g.cmd.Context(), api.RackingRequest{Code: code, Rack: g.rack})
	if err != nil {
		return err
	}
	g.racked++
	g.last = r.Machine
	g.say("%s goes into %s. %s", r.Machine, spotText(r.Place), g.aisle.Light(g.cmd.Context(), r.Machine))
	cables, err := g.aisle.Cabling(g.cmd.Context(), r.Machine)
	for _, c := range cables {
		g.say("  cable: %s to %s", cabling.PortWords(c.Port), cableText(&c))
	}
	return err
}

// note writes down what a person says of the server that was racked last, or of the rack.
func (g *racking) note(text string) error {
	if err := g.aisle.Note(g.cmd.Context(), g.rack, g.last, text); err != nil {
		return err
	}
	g.say("Written down.")
	return nil
}

// refusal says what was refused, and the work goes on; any other error ends it.
func (g *racking) refusal(err error) error {
	var p *api.Problem
	if errors.As(err, &p) && (p.Status == 404 || p.Status == 409) {
		g.refused++
		g.say("REFUSED: %s", p.Detail)
		return nil
	}
	return err
}

// newStackCmd is "socle stack": what is still wrong with a rack.
func newStackCmd() *cobra.Command {
	var watch bool
	cmd := &cobra.Command{
		Use: "stack RACK", Short: "Say what is still wrong with a rack, line by line with what to do", Args: args(cobra.ExactArgs(1)),
		Long: exitCodes + fmt.Sprintf(" Also %d something is still wrong with the rack.", exitUndone),
	}
	f, o := addAisleFlags(cmd, false), addOutputFlag(cmd)
	addFoldFlag(cmd, o, "MACHINE", "WHERE")
	cmd.Flags().BoolVar(&watch, "watch", false, "go on until nothing is wrong, and show what changes")
	cmd.RunE = func(cmd *cobra.Command, names []string) error {
		if err := o.check(); err != nil {
			return err
		}
		if watch && f.file != "" {
			return usageError{errors.New("nothing changes in a snapshot: leave out --watch or --offline")}
		}
		c, _, err := f.open(cmd, false)
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
				return verdictError{exitUndone, "still wrong with rack " + e.Name + ": " + inventory.Plural(len(lines), "thing")}
			}
			select {
			case <-cmd.Context().Done():
				return verdictError{exitUndone, "stopped while something was still wrong"}
			case <-time.After(2 * time.Second):
			}
		}
	}
	return cmd
}

// stackLines are what is wrong, the lowest unit first.
func stackLines(e api.Elevation) (lines []string) {
	for _, p := range e.Problems {
		lines = append(lines, "rack\t-\t"+p+"\tcorrect the plan, or move one of them")
	}
	for _, c := range e.Conflicts {
		lines = append(lines, "-\t"+c.Machine+"\tdone in the aisle, and known otherwise: "+strings.Join(c.Why, "; ")+"\tlook where it stands, and decide: socle snapshot resolve "+c.ID)
	}
	for _, i := range slices.Concat(e.Items, e.Loose) {
		for _, w := range i.Wrong {
			at := "-"
			if i.Place.U > 0 {
				at = fmt.Sprintf("U %d", i.Place.U)
			}
			lines = append(lines, at+"\t"+i.Name+"\t"+w.What+"\t"+w.Remedy)
		}
	}
	return lines
}

func printStack(cmd *cobra.Command, o *output, e api.Elevation, lines []string) error {
	return o.print(cmd.OutOrStdout(), e, func(row func(...string)) {
		if len(lines) == 0 {
			row("done: nothing is wrong with the " + inventory.Plural(e.Servers, "server") + " of rack " + e.Name)
			return
		}
		row("WHERE", "MACHINE", "WHAT IS WRONG", "WHAT TO DO")
		for _, l := range lines {
			row(strings.Split(l, "\t")...)
		}
	})
}
