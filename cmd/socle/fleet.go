package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"socle/api"
	"socle/internal/crowd"
	"socle/inventory"
)

// How many machines are worked on at once; slow ones give their places on (package crowd).
const (
	fleetPlaces = 256
	fleetMost   = 512
	fleetSlow   = 2 * time.Second
)

// rangeHelp explains node ranges in the help of commands that take them.
const rangeHelp = `Machines are named one by one or in ranges: r[01-04]u[1-40], hv01,hv07 or st[1-9],-st[3,7] (all but two), or by a
search: "@{rack:r12 fault:*}", or @name of a saved one (socle search). Each is worked on by itself, many at once; results are shown as they come, a slow or broken BMC delays no other one, and at the
end equal results are shown together. If any machine failed, so does the command.

`

// expand names the machines of some ranges.
func expand(ranges []string) ([]string, error) {
	names, err := inventory.ExpandRange(strings.Join(ranges, ","))
	if err == nil && len(names) == 0 {
		err = errors.New("the range takes away all machines that it names")
	}
	if err != nil {
		return nil, usageError{err}
	}
	return names, nil
}

// outcome is what came of one machine: what it answers, or an error.
type outcome[T any] struct {
	Name   string `json:"name"`
	Result T      `json:"result,omitzero"`
	Error  string `json:"error,omitempty"`
	err    error
}

// fleet is one command on many machines.
type fleet[T any] struct {
	do func(ctx context.Context, c *api.Client, name string) (T, error)
	// rows are the lines that are shown for a result, the cells of each with their widths fixed by the command.
	rows func(T) []string
	// same is what makes results equal, in words for the summary.
	same func(T) string
}

// run works on all machines of some ranges. In the table format each machine's rows are shown as soon as it answers;
// JSON and YAML come at the end, in the order of the ranges.
func (f fleet[T]) run(cmd *cobra.Command, c *api.Client, o *output, ranges []string) error {
	names, err := machinesOf(cmd.Context(), c, ranges)
	if err != nil {
		return err
	}
	width := 0
	for _, n := range names {
		width = max(width, len(n))
	}
	all := f.each(cmd.Context(), c, names, func(one outcome[T]) {
		if o.format == "table" {
			f.show(cmd.OutOrStdout(), one, width)
		}
	})
	if o.format != "table" {
		err = o.print(cmd.OutOrStdout(), all, nil)
	} else if len(all) > 1 {
		f.summary(cmd.OutOrStdout(), all)
	}
	return errors.Join(err, failures(all))
}

// each works on machines, many at once; told hears of one after the other as they end.
func (f fleet[T]) each(ctx context.Context, c *api.Client, names []string, told func(outcome[T])) []outcome[T] {
	all := make([]outcome[T], len(names))
	index := make([]int, len(names))
	for i := range index {
		index[i] = i
	}
	var mu sync.Mutex
	lane := crowd.New(fleetPlaces, fleetMost, fleetSlow)
	crowd.Each(ctx, lane, index, func(ctx context.Context, i int) {
		one := outcome[T]{Name: names[i]}
		if one.err = ctx.Err(); one.err == nil {
			one.Result, one.err = f.do(ctx, c, names[i])
		}
		if one.err != nil {
			one.Error = one.err.Error()
		}
		mu.Lock()
		defer mu.Unlock()
		all[i] = one
		told(one)
	})
	return all
}

func (f fleet[T]) show(w io.Writer, one outcome[T], width int) {
	rows := []string{"failed: " + one.Error}
	if one.err == nil {
		rows = f.rows(one.Result)
	}
	for _, r := range rows {
		_, _ = fmt.Fprintf(w, "%-*s  %s\n", width, printable(one.Name), strings.TrimRight(printable(r), " ")) // the final error tells
	}
}

// summary shows which machines gave equal results, the most frequent first.
func (f fleet[T]) summary(w io.Writer, all []outcome[T]) {
	groups := map[string][]string{}
	for _, one := range all {
		key := "failed: " + cause(one.err)
		if one.err == nil {
			key = f.same(one.Result)
		}
		groups[key] = append(groups[key], one.Name)
	}
	keys := make([]string, 0, len(groups))
	for k := range groups {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b string) int {
		if d := len(groups[b]) - len(groups[a]); d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	_, _ = fmt.Fprintf(w, "\n%s:\n", inventory.Plural(len(all), "machine"))
	for _, k := range keys {
		_, _ = fmt.Fprintf(w, "%5d  %s: %s\n", len(groups[k]), printable(inventory.FoldNames(groups[k])), printable(k))
	}
}

// cause says briefly what kind of failure it was, the same for all machines.
func cause(err error) string {
	var p *api.Problem
	switch {
	case err == nil:
		return ""
	case errors.As(err, &p):
		return p.Code
	case errors.Is(err, api.ErrUnreachable):
		return "the server cannot be reached"
	case errors.Is(err, context.Canceled):
		return "stopped"
	}
	return err.Error()
}

// fleetError says which machines failed; what each of them said was shown.
type fleetError struct {
	text string
	errs []error
}

func (e *fleetError) Error() string   { return e.text }
func (e *fleetError) Unwrap() []error { return e.errs }

// failures makes one error of those of the machines; of one machine alone it is its own.
func failures[T any](all []outcome[T]) error {
	var names []string
	e := &fleetError{}
	for _, one := range all {
		if one.err != nil {
			names, e.errs = append(names, one.Name), append(e.errs, one.err)
		}
	}
	switch {
	case len(names) == 0:
		return nil
	case len(all) == 1:
		return fmt.Errorf("%s: %w", names[0], e.errs[0])
	}
	e.text = fmt.Sprintf("%d of %s failed: %s", len(names), inventory.Plural(len(all), "machine"), inventory.FoldNames(names))
	return e
}
