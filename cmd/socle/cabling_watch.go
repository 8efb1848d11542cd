package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"socle/api"
	"socle/inventory/cabling"
)

// How "socle cabling watch" looks. Events tell it when; that time passed (a switch that never spoke) is no event.
const (
	watchSilence = 10 * time.Second       // between two looks without an event
	watchGap     = 300 * time.Millisecond // after a look: events of a busy fleet are looked at together
)

// cableWatch tells what changes at the cables while somebody works at them.
type cableWatch struct {
	client  *api.Client
	names   string // a range; empty: all
	silence time.Duration
	tell    func(cableNews) error
	warn    func(error)

	last    map[string]api.CablePort // by server and port; nil before the first look
	summary string
	away    bool // the server did not answer the last look
}

// cableNews is one thing that is to be told.
type cableNews struct {
	Time  time.Time `json:"time"`
	Ports []string  `json:"ports,omitempty"` // "hv01 port 1"; none of a summary
	State string    `json:"state,omitempty"`
	Text  string    `json:"text"`
	Fix   string    `json:"fix,omitempty"` // the plugs to move
}

func cablingWatchCmd(f *clientFlags, o *output) *cobra.Command {
	var within time.Duration
	cmd := &cobra.Command{
		Use: "watch [RANGE...]", Short: "Tell each change at the cables while somebody works at them, until all are right",
		Long: `First what is wrong now is told as the plugs to move, then each change as it is seen, a line each. It ends when every planned
cable that can be seen is right. With -o json it is one change a line.

` + exitCodes + fmt.Sprintf(" Also %d it was stopped, or --within\nis over, before all cables were right.", exitBelow),
		RunE: func(cmd *cobra.Command, ranges []string) error {
			if within < 0 {
				return usageError{fmt.Errorf("--within %s is less than nothing", within)}
			}
			c, names, err := cablingOf(cmd.Context(), f, o, ranges)
			if err != nil {
				return err
			}
			ctx := cmd.Context()
			if within > 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, within)
				defer cancel()
			}
			w := &cableWatch{client: c, names: names, silence: watchSilence,
				tell: func(n cableNews) error { return showOne(cmd.OutOrStdout(), o, n, n.line()) },
				warn: func(err error) { cmd.PrintErrf("%v: trying again\n", err) }}
			err = w.run(ctx)
			switch {
			case err == nil || ctx.Err() == nil:
				return err
			case cmd.Context().Err() != nil:
				return verdictError{exitBelow, "stopped before all cables were as planned"}
			}
			return verdictError{exitBelow, fmt.Sprintf("cables are not as planned after %s", within)}
		},
	}
	cmd.Flags().DurationVar(&within, "within", 0, "give up after this time; 0: only when stopped")
	return cmd
}

// run looks at each event until all is right; a server that is away for a while is waited for.
func (w *cableWatch) run(ctx context.Context) error {
	newest, err := w.client.Events(ctx, api.EventQuery{Latest: true, Limit: 1})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	happened, ended := make(chan struct{}, 1), make(chan error, 1)
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		ended <- w.client.Follow(ctx, newest.Next, "", func(api.Event) error {
			select {
			case happened <- struct{}{}:
			default: // the next look sees this one, too
			}
			return nil
		})
	}()
	defer func() {
		cancel()
		<-gone
	}()
	for {
		if done, err := w.look(ctx); done || err != nil {
			return err
		}
		if err := wait(ctx, watchGap); err != nil {
			return err
		}
		quiet := time.NewTimer(w.silence)
		select {
		case <-happened:
		case <-quiet.C:
		case err := <-ended:
			quiet.Stop()
			return err
		}
		quiet.Stop()
	}
}

// look compares once, tells what is new, and says whether all is right.
func (w *cableWatch) look(ctx context.Context) (done bool, err error) {
	r, err := w.client.CheckCabling(ctx, w.names)
	switch {
	case err != nil && (w.last == nil || ctx.Err() != nil || exitCode(err) != exitUnavailable):
		return false, err
	case err != nil:
		if !w.away {
			w.warn(err)
		}
		w.away = true
		return false, nil
	}
	w.away = false
	if !planned(r) {
		return false, verdictError{exitNotFound, "the plan has no cables of these machines"}
	}
	for _, n := range w.news(r) {
		if err := w.tell(n); err != nil {
			return false, err
		}
	}
	return cablingDone(r) && !r.Bad(), nil
}

func planned(r api.CableReport) bool {
	for _, p := range r.Ports {
		if p.Plan != nil {
			return true
		}
	}
	return false
}

// news is what differs from the look before: a defect once, however many ports it concerns, and the counts at the end.
func (w *cableWatch) news(r api.CableReport) (all []cableNews) {
	now, at := time.Now(), map[string]int{} // text of a defect → index in all
	first, seen := w.last == nil, make(map[string]api.CablePort, len(r.Ports))
	for _, p := range r.Ports {
		name := portOf(p)
		before, known := w.last[name]
		seen[name] = p
		if p.Blind || first && p.Text == "" || known && before.State == p.State && before.Text == p.Text {
			continue
		}
		if i, again := at[p.Text]; again && p.Text != "" {
			all[i].Ports = append(all[i].Ports, name)
			continue
		}
		at[p.Text] = len(all)
		n := cableNews{Time: now, Ports: []string{name}, State: p.State, Text: p.Text, Fix: p.Fix}
		if n.Text == "" {
			n.Text = calmWords(p)
		}
		all = append(all, n)
	}
	for _, name := range slices.Sorted(maps.Keys(w.last)) {
		if _, still := seen[name]; still {
			continue
		}
		text := name + " is no longer in the plan"
		if w.last[name].Plan == nil {
			text = name + " has no cable now, and none is planned"
		}
		all = append(all, cableNews{Time: now, Ports: []string{name}, Text: text})
	}
	w.last = seen
	if s := cablingSummary(r); s != w.summary {
		w.summary = s
		all = append(all, cableNews{Time: now, Text: s})
	}
	return all
}

// portOf is a server's port in words.
func portOf(p api.CablePort) string { return p.Server + " " + cabling.PortWords(p.Name()) }

// calmWords are of a port at which nothing is to be done.
func calmWords(p api.CablePort) string {
	text := portOf(p) + " is " + p.State
	switch {
	case p.Plan == nil:
		return text
	case p.State == string(cabling.Right):
		return text + ": it is at " + p.Plan.Switch + " " + p.Plan.SwitchPort
	}
	return text + ": " + p.Plan.Switch + " " + p.Plan.SwitchPort + " is planned"
}

func (n cableNews) line() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %s", n.Time.Local().Format("15:04:05"), printable(n.Text))
	if n.Fix != "" {
		fmt.Fprintf(&b, ".\n          %s", printable(n.Fix))
	}
	return b.String()
}

// showOne shows one of many things that come one after the other: a line, a line of JSON, or a document of YAML.
func showOne(w io.Writer, o *output, v any, line string) error {
	switch o.format {
	case "json":
		return json.NewEncoder(w).Encode(v)
	case "yaml":
		if _, err := fmt.Fprintln(w, "---"); err != nil {
			return err
		}
		return printYAML(w, v)
	}
	_, err := fmt.Fprintln(w, line)
	return err
}
