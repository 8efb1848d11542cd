package app

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"socle/api"
	"socle/internal/config"
	"socle/inventory"
	"socle/inventory/outlier"
	"socle/inventory/store"
)

// outliers compares the machines of the store with each other.
type outliers struct {
	store    *store.Store
	rules    outlier.Rules
	now      func() time.Time
	patience time.Duration // how long who looks waits for a new comparison while there is an older one

	mu   sync.Mutex
	last outlier.Report
	at   time.Time
	of   string      // the fleet and the measurements that last compares; empty: nothing was compared yet
	next *comparison // the one that is being made; nil: none
}

// comparison is one that is being made: who comes meanwhile gets the same answer.
type comparison struct {
	done chan struct{} // closed when it is made, or failed
	err  error
}

const (
	// outliersKept is how long a comparison of the whole fleet is shown while things change, before it is made anew.
	outliersKept = 10 * time.Second
	// outliersPatience keeps pages quick when a large fleet with many runs takes seconds to be compared.
	outliersPatience = 500 * time.Millisecond
	// outliersMost bounds a comparison that nobody waits for any more.
	outliersMost = 5 * time.Minute
)

func newOutliers(s *store.Store, rules []config.OutlierRule, now func() time.Time) *outliers {
	o := &outliers{store: s, rules: outlier.Default(), now: now, patience: outliersPatience}
	for _, r := range rules {
		o.rules = o.rules.With(r.Metric, r.Tolerance/100, r.All/100)
	}
	return o
}

// Outliers implements web.Outliers.
func (o *outliers) Outliers(ctx context.Context, q api.OutlierQuery) (api.OutlierReport, error) {
	r, err := o.report(ctx)
	if err != nil {
		return api.OutlierReport{}, err
	}
	return OutlierReport(r, q)
}

// report is the newest comparison. When something has changed it is made anew, and who looks has it if it is made soon: else they see
// the one before, and find the new one the next time.
func (o *outliers) report(ctx context.Context) (outlier.Report, error) {
	if last, kept := o.kept(); kept {
		return last, nil
	}
	roster, err := o.store.Roster(ctx)
	if err != nil {
		return outlier.Report{}, err
	}
	of, err := o.mark(ctx, roster)
	if err != nil {
		return outlier.Report{}, err
	}
	o.mu.Lock()
	last, some, next := o.last, o.of != "", o.next
	if of == o.of {
		o.mu.Unlock()
		return last, nil
	}
	if next == nil {
		next = &comparison{done: make(chan struct{})}
		o.next = next
		go o.compare(context.WithoutCancel(ctx), next, of)
	}
	o.mu.Unlock()
	var late <-chan time.Time
	if some {
		late = time.After(o.patience)
	}
	select {
	case <-ctx.Done():
		return outlier.Report{}, context.Cause(ctx)
	case <-late:
		return last, nil
	case <-next.done:
		o.mu.Lock()
		defer o.mu.Unlock()
		return o.last, next.err
	}
}

// kept is the last comparison, and whether it is new enough to be shown without a look.
func (o *outliers) kept() (outlier.Report, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.last, !o.at.IsZero() && o.now().Sub(o.at) <= outliersKept
}

// compare compares all machines, of which the mark was taken before.
func (o *outliers) compare(ctx context.Context, c *comparison, of string) {
	ctx, cancel := context.WithTimeout(ctx, outliersMost)
	defer cancel()
	r, err := o.judge(ctx, nil)
	o.mu.Lock()
	defer o.mu.Unlock()
	if err == nil {
		o.last, o.at, o.of = r, o.now(), of
	}
	c.err, o.next = err, nil
	close(c.done)
}

// mark tells a state of the fleet and of what was measured from others.
func (o *outliers) mark(ctx context.Context, machines []inventory.Machine) (string, error) {
	measured, err := o.store.MeasurementsMark(ctx)
	sum := comparedOf(nil, machines)
	return fmt.Sprintf("%x %s", sum, measured), err
}

// judge compares machines, or all when there are none; what takes long to read is read at the same time.
func (o *outliers) judge(ctx context.Context, machines []inventory.Machine) (outlier.Report, error) {
	var measured []inventory.Measurement
	g, both := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		measured, err = o.store.Measurements(both, inventory.MeasurementFilter{})
		return err
	})
	if machines == nil {
		g.Go(func() (err error) {
			machines, err = o.store.Machines(both)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return outlier.Report{}, err
	}
	return outlier.Judge(machines, measured, o.rules), nil
}

// Source implements assess.Check.
func (*outliers) Source() inventory.FindingSource { return inventory.FromOutlier }

// Find implements assess.Check.
func (o *outliers) Find(ctx context.Context, machines []inventory.Machine) (map[string][]inventory.Finding, error) {
	of, err := o.mark(ctx, machines) // first: what comes meanwhile is compared again
	if err != nil {
		return nil, err
	}
	r, err := o.judge(ctx, machines)
	if err != nil {
		return nil, err
	}
	o.mu.Lock()
	o.last, o.at, o.of = r, o.now(), of
	o.mu.Unlock()
	stored, err := o.store.Findings(ctx, "")
	if err != nil {
		return nil, err
	}
	for _, s := range stored {
		if s.Source == inventory.FromOutlier {
			steady(s.List, r.Findings[s.Machine])
		}
	}
	return r.Findings, nil
}

// steady leaves what was said as it was when nothing but the peers' numbers moved: every server that is measured moves the
// median of all, and the history of each odd one would fill with the same news.
func steady(had, has []inventory.Finding) {
	for i, f := range has {
		for _, old := range had {
			if old.Key() == f.Key() && old.Got == f.Got && old.Minor == f.Minor && numberless(old.Reason) == numberless(f.Reason) {
				has[i] = old
			}
		}
	}
}

// numberless is a text without its numbers.
func numberless(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r == '.' {
			return -1
		}
		return r
	}, s)
}

// OutlierReport puts a comparison on the wire, as far as it was asked for.
func OutlierReport(r outlier.Report, q api.OutlierQuery) (api.OutlierReport, error) {
	out := api.OutlierReport{Compared: len(r.Findings), Findings: []api.OutlierFinding{}, Groups: []api.OutlierGroup{}, Notes: []api.OutlierNote{}}
	wanted := func(string) bool { return true }
	if q.Machines != "" {
		names, err := inventory.ExpandRange(q.Machines)
		if err != nil {
			return out, api.NewProblem(http.StatusUnprocessableEntity, api.ErrInvalid, err.Error())
		}
		named := map[string]bool{}
		for _, n := range names {
			named[n] = true
		}
		wanted = func(name string) bool { return named[name] }
	}
	for _, m := range r.Machines {
		if wanted(m.Name) {
			for _, f := range r.Findings[m.ID] {
				out.Findings = append(out.Findings, api.OutlierFinding{
					Machine: m.Name, Kind: string(f.Kind), Subject: f.Subject, Want: f.Want, Got: f.Got, Reason: f.Reason, Remedy: f.Remedy,
					Part: f.Part, Serial: f.Serial, Minor: f.Minor,
				})
			}
		}
	}
	for _, g := range r.Groups {
		if q.Metric == "" || g.Metric == q.Metric || strings.HasPrefix(g.Metric, q.Metric+".") {
			if group, some := outlierGroup(g, wanted, q); some {
				out.Groups = append(out.Groups, group)
			}
		}
	}
	out.Notes = outlierNotes(r.Notes, wanted, q.Metric)
	return out, nil
}

// bars is how many steps a histogram has.
const bars = 24

func outlierGroup(g outlier.Group, wanted func(string) bool, q api.OutlierQuery) (out api.OutlierGroup, some bool) {
	out = api.OutlierGroup{
		Metric: g.Metric, Position: g.Position, Unit: g.Unit, LowerIsBetter: g.Lower, Peers: g.Peers, Count: len(g.Values), Median: g.Median,
		Limit: g.Limit, Values: []api.OutlierValue{},
	}
	if g.Median > 0 {
		out.Spread = g.Sigma / g.Median
	}
	out.Low, out.High, out.Histogram = g.Histogram(bars)
	for _, v := range g.Values {
		if !wanted(v.Name) {
			continue
		}
		some = some || v.Judged
		if !v.Odd && q == (api.OutlierQuery{}) {
			continue
		}
		x := api.OutlierValue{Machine: v.Name, Subject: v.Subject, Part: v.Part, Value: v.Value, Distance: v.Distance, Odd: v.Odd}
		if !v.Time.IsZero() {
			x.Time = &v.Time
		}
		for _, b := range v.Before {
			past := api.OutlierReading{Run: b.Run, Value: b.Value}
			if !b.Time.IsZero() {
				past.Time = &b.Time
			}
			x.Before = append(x.Before, past)
		}
		out.Values = append(out.Values, x)
	}
	return out, some
}

// outlierNotes puts together the machines of which the same is to be said.
func outlierNotes(all []outlier.Note, wanted func(string) bool, metric string) []api.OutlierNote {
	type text struct{ about, why string }
	names := map[text][]string{}
	for _, n := range all {
		if wanted(n.Name) && strings.Contains(n.About, metric) {
			t := text{n.About, n.Why}
			names[t] = append(names[t], n.Name)
		}
	}
	out := []api.OutlierNote{}
	for t, some := range names {
		out = append(out, api.OutlierNote{Machines: inventory.FoldNames(some), About: t.about, Why: t.why})
	}
	slices.SortFunc(out, func(a, b api.OutlierNote) int {
		return cmp.Or(cmp.Compare(a.Machines, b.Machines), cmp.Compare(a.About, b.About), cmp.Compare(a.Why, b.Why))
	})
	return out
}
