package demo

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"socle/api"
	"socle/hardware"
)

// told are the kinds of events that the demo prints; the rest is on the dashboard.
var told = []string{"state", "step", "power", "fault", "verify", "deploy", "phone-home", "facts", "hold"}

// watch prints what happens, and how far the images are.
func (d *demo) watch(ctx context.Context) error {
	go d.progress(ctx)
	return d.client.Follow(ctx, 0, "", func(e api.Event) error {
		if slices.Contains(told, e.Kind) {
			d.say("%-8s %-10s %s", e.Machine, e.Kind, oneLine(e.Reason))
		}
		return nil
	})
}

func oneLine(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > 150 {
		return string(r[:149]) + "…"
	}
	return s
}

// progress prints the orders in progress every few seconds.
func (d *demo) progress(ctx context.Context) {
	tick := time.NewTicker(10 * time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		machines, err := d.client.Machines(ctx, "", "")
		if err != nil {
			continue // await says it
		}
		for _, m := range machines {
			if p := m.Progress; p != nil && p.Total > 0 && p.Done < p.Total {
				d.say("%-8s %-10s %s %d %%, %s of %s, %s over the wire", m.Name, "progress", p.Order, 100*p.Done/p.Total, hardware.Size(uint64(p.Done)), hardware.Size(uint64(p.Total)), hardware.Size(uint64(p.Wire)))
			}
		}
	}
}

// rows is a line for each server.
func (d *demo) rows(machines []api.Machine) {
	w := tabwriter.NewWriter(d.Out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "SERVER\tROLE\tSTATE\tSECONDS PER PHASE\tOVER THE WIRE\tREMARK")
	for _, m := range machines {
		var phases []string
		var wire int64
		for _, p := range m.Timing {
			phases = append(phases, fmt.Sprintf("%s %.0f", p.Name, p.Seconds))
			wire += p.Wire
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", m.Name, dash(m.Role), m.State, dash(strings.Join(phases, ", ")), hardware.Size(uint64(wire)), remark(m))
	}
	w.Flush()
}

// table is the demo's result.
func (d *demo) table(machines []api.Machine, took time.Duration, failed error) {
	fmt.Fprintf(d.Out, "\n")
	d.rows(machines)
	how := "done in"
	if failed != nil {
		how = "not done after"
	}
	fmt.Fprintf(d.Out, "\n%s %s, of which %s to build what was missing and to bring up the rack; the server's peak memory was %s\n\n",
		how, took.Round(time.Second), d.prepared.Round(time.Second), hardware.Size(uint64(d.server.peakMemory())))
}

func remark(m api.Machine) string {
	switch {
	case m.Fault != nil:
		return m.Fault.Kind + ": " + oneLine(m.Fault.Reason)
	case m.Hold != nil:
		return "held: " + m.Hold.Reason
	case m.Deployed != nil && len(m.Deployed.Evidence) > 0:
		return oneLine(m.Deployed.Evidence[len(m.Deployed.Evidence)-1])
	default:
		return "-"
	}
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
