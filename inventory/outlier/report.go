package outlier

import (
	"cmp"
	"maps"
	"slices"
	"strconv"

	"socle/inventory"
)

// Report is what was found among some machines.
type Report struct {
	// Machines that were compared, in the order in which they were given.
	Machines []inventory.Machine
	// Findings by the ID of the machine. One that was compared and is as its peers has an empty list; one without facts has none.
	Findings map[string][]inventory.Finding
	Groups   []Group
	Notes    []Note
}

// Note is something that could not be judged, and why.
type Note struct {
	Machine, Name string
	About         string // a metric, or the parts that would have been compared
	Why           string
}

// Group is the values of one metric that were compared with each other.
type Group struct {
	Metric string
	// Position is the place of the parts in their machines; empty when all of a kind were put together.
	Position string
	Unit     string
	Lower    bool // lower is better
	Peers    string
	Median   float64
	Sigma    float64 // robust, in the unit
	// Limit is the distance, as a fraction of the median, that is odd here. Where equal machines lie far apart it is wide:
	// above Blind, this metric says nothing.
	Limit  float64
	Values []Value // from the worst to the best
}

// Blind is a limit from which on a metric does not tell: half the speed would not be seen.
const Blind = 0.5

// Histogram counts the values in equal steps from the lowest to the highest.
func (g Group) Histogram(steps int) (low, high float64, counts []int) {
	counts = make([]int, steps)
	if len(g.Values) == 0 {
		return 0, 0, counts
	}
	low, high = g.Values[0].Value, g.Values[0].Value
	for _, v := range g.Values {
		low, high = min(low, v.Value), max(high, v.Value)
	}
	for _, v := range g.Values {
		at := steps / 2
		if high > low {
			at = min(steps-1, int(float64(steps)*(v.Value-low)/(high-low)))
		}
		counts[at]++
	}
	return low, high, counts
}

// Value is what one part of one machine measured last.
type Value struct {
	Machine, Name string
	Subject, Part string
	Reading
	// Distance is the fraction by which it is worse than the median of its peers; negative: better.
	Distance float64
	Odd      bool
	Judged   bool      // in this group; else it is a peer here, and was judged among closer ones
	Before   []Reading // older runs, the oldest first
}

// judge is one comparison of a fleet.
type judge struct {
	rules    Rules
	subjects []*subject
	byID     map[string]*subject
	buckets  map[bucketKey]*bucket
	ids      map[string]string
}

// short stands for a long text in keys.
func (j *judge) short(text string) string {
	id, known := j.ids[text]
	if !known {
		id = strconv.Itoa(len(j.ids))
		j.ids[text] = id
	}
	return id
}

// Judge compares machines with each other, in their parts and in what was measured of them.
func Judge(machines []inventory.Machine, measured []inventory.Measurement, rules Rules) Report {
	j := &judge{rules: rules, byID: map[string]*subject{}, ids: map[string]string{}}
	for i := range machines {
		m := &machines[i]
		if m.Facts == nil || m.State == inventory.Retired {
			continue
		}
		s := &subject{m: m, build: buildOf(m), disks: places(m.Facts), findings: []inventory.Finding{}}
		s.print, s.aspects = j.short(s.build.fingerprint()), map[Aspect]string{}
		for _, a := range []Aspect{OfCPU, OfMemory, OfDisk, OfNetwork, OfAll} {
			s.aspects[a] = j.short(s.build.aspect(a))
		}
		j.subjects, j.byID[m.ID] = append(j.subjects, s), s
	}
	j.differ()
	j.collect(measured)
	j.measure()
	j.tell()
	out := Report{Findings: map[string][]inventory.Finding{}, Groups: j.groups()}
	for _, s := range j.subjects {
		inventory.SortFindings(s.findings)
		out.Machines, out.Findings[s.m.ID] = append(out.Machines, *s.m), s.findings
		out.Notes = append(out.Notes, s.notes...)
	}
	return out
}

// groups are the buckets in which somebody was judged, by metric and position.
func (j *judge) groups() []Group {
	var all []Group
	keys := slices.SortedFunc(maps.Keys(j.buckets), func(a, b bucketKey) int {
		return cmp.Or(cmp.Compare(a.metric, b.metric), natural(a.position, b.position), cmp.Compare(a.level, b.level), cmp.Compare(a.group, b.group))
	})
	for _, k := range keys {
		b := j.buckets[k]
		if !b.used {
			continue
		}
		x := b.all[0]
		rule := j.rules.Of(k.metric)
		g := Group{Metric: k.metric, Position: k.position, Unit: x.unit, Lower: x.lower, Peers: b.who(rule.Aspect), Median: median(b.sorted)}
		g.Sigma = sigmaWithout(b.sorted, -1, g.Median)
		if g.Limit = rule.Tolerance; g.Median > 0 {
			g.Limit = max(g.Limit, j.rules.Sigmas*max(g.Sigma/g.Median, rule.Floor))
		}
		slices.SortStableFunc(b.all, func(a, c *series) int { // they come by name
			if g.Lower {
				a, c = c, a
			}
			return cmp.Compare(a.last(), c.last())
		})
		for _, x := range b.all {
			g.Values = append(g.Values, x.value(b))
		}
		all = append(all, g)
	}
	return all
}

// who says what the machines of a bucket have in common.
func (b *bucket) who(a Aspect) string {
	switch b.level {
	case levelEqual:
		return "equal hardware"
	case levelAspect:
		return "equal " + string(a)
	}
	return "all of the kind"
}

func (x *series) value(in *bucket) Value {
	n := len(x.runs) - 1
	v := Value{Machine: x.of.m.ID, Name: x.of.m.Name, Subject: x.name, Part: x.part, Reading: x.runs[n], Before: x.runs[:n]}
	if x.bucket == in {
		v.Distance, v.Odd, v.Judged = x.distance, x.odd, true
	}
	return v
}
