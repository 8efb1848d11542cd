package outlier

import (
	"fmt"
	"slices"

	"socle/inventory"
)

// bucket is a group of values that can be compared.
type bucket struct {
	level  int
	all    []*series
	sorted []float64
	used   bool // somebody was judged in it
}

// The levels at which peers are looked for, the best first.
const (
	levelEqual  = iota // machines with equal hardware, the same part of them
	levelAspect        // machines that are equal in what the metric depends on, the same part of them
	levelKind          // all parts of the kind in those, also in the machine itself
	levels
)

type bucketKey struct {
	level                   int
	group, metric, position string
}

// gather puts every series into the buckets of all levels.
func (j *judge) gather() map[bucketKey]*bucket {
	buckets := map[bucketKey]*bucket{}
	for _, s := range j.subjects {
		for _, x := range s.series {
			for level := range levels {
				k := j.key(x, level)
				b := buckets[k]
				if b == nil {
					b = &bucket{level: level}
					buckets[k] = b
				}
				b.all = append(b.all, x)
			}
		}
	}
	for _, b := range buckets {
		b.sorted = make([]float64, len(b.all))
		for i, x := range b.all {
			b.sorted[i] = x.last()
		}
		slices.Sort(b.sorted)
	}
	return buckets
}

func (j *judge) key(x *series, level int) bucketKey {
	k := bucketKey{level: level, metric: x.metric, position: x.position}
	if level == levelEqual {
		k.group = x.of.print
		return k
	}
	k.group = x.of.aspects[j.rules.Of(x.metric).Aspect]
	if level == levelKind {
		k.position = x.kind
	}
	return k
}

// peers says who the others in a bucket are.
func (b *bucket) peers(n int) string {
	switch b.level {
	case levelEqual:
		return "its " + inventory.Plural(n, "peer")
	case levelAspect:
		return fmt.Sprintf("%d of the same product that are equal in this", n)
	}
	return fmt.Sprintf("the %d others of its kind", n)
}

// measure compares every series with its peers, at the first level that has enough of them.
func (j *judge) measure() {
	buckets := j.gather()
	for _, s := range j.subjects {
		lonely := map[string][]string{}
		for _, x := range s.series {
			most := 0
			for level := range levels {
				b := buckets[j.key(x, level)]
				if most = max(most, len(b.all)-1); len(b.all) > j.rules.MinPeers {
					x.bucket, b.used = b, true
					break
				}
			}
			if x.bucket == nil {
				why := fmt.Sprintf("%s to compare with, %d are needed", inventory.Plural(most, "peer"), j.rules.MinPeers)
				lonely[why] = append(lonely[why], x.metric)
				continue
			}
			j.weigh(x)
		}
		s.noteLonely(lonely)
	}
	j.buckets = buckets
}

// weigh says how far a value is from the median of its peers, for the worse, and whether that is odd.
func (j *judge) weigh(x *series) {
	b, rule := x.bucket, j.rules.Of(x.metric)
	i := rank(b.sorted, x.last())
	centre := medianWithout(b.sorted, i)
	if centre <= 0 {
		return
	}
	x.distance = (centre - x.last()) / centre
	if x.lower {
		x.distance = -x.distance
	}
	if x.distance <= rule.Tolerance {
		return
	}
	sigma := sigmaWithout(b.sorted, i, centre) / centre
	x.odd = x.distance > j.rules.Sigmas*max(sigma, rule.Floor)
}
