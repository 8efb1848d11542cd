package outlier

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"socle/hardware"
	"socle/inventory"
)

// subject is one machine while it is judged.
type subject struct {
	m        *inventory.Machine
	build    build
	print    string // stands for its fingerprint
	aspects  map[Aspect]string
	disks    []placed
	series   []*series
	findings []inventory.Finding
	notes    []Note
}

func (s *subject) note(about, why string) {
	s.notes = append(s.notes, Note{Machine: s.m.ID, Name: s.m.Name, About: about, Why: why})
}

// series is one metric of one part of a machine over its runs; the last counts.
type series struct {
	of       *subject
	metric   string
	name     string // of the part, as it is called now
	part     string // its serial number
	position string // what is at the same place in a peer has the same
	kind     string // of the part, empty when it has none
	unit     string
	lower    bool
	runs     []Reading
	bucket   *bucket
	distance float64
	odd      bool
}

func (s *series) last() float64 { return s.runs[len(s.runs)-1].Value }

// Reading is what one run measured.
type Reading struct {
	Run   string
	Time  time.Time
	Value float64
}

type seriesKey struct{ machine, metric, part string }

// collect makes series of measurements. Those of a machine that is not given, or of a disk that is in it no more, are left
// out: after a repair the new part speaks.
func (j *judge) collect(all []inventory.Measurement) {
	byKey := map[seriesKey][]inventory.Measurement{}
	var keys []seriesKey
	for _, m := range all {
		if j.byID[m.Machine] == nil {
			continue
		}
		k := seriesKey{m.Machine, m.Metric, cmp.Or(m.Part, "\x00"+m.Subject)}
		if byKey[k] == nil {
			keys = append(keys, k)
		}
		byKey[k] = append(byKey[k], m)
	}
	for _, k := range keys {
		owner := j.byID[k.machine]
		if s := newSeries(owner, byKey[k]); s != nil {
			owner.series = append(owner.series, s)
		}
	}
	for _, s := range j.subjects {
		slices.SortFunc(s.series, func(a, b *series) int {
			return cmp.Or(cmp.Compare(a.metric, b.metric), natural(a.name, b.name), cmp.Compare(a.part, b.part))
		})
	}
}

func newSeries(owner *subject, all []inventory.Measurement) *series {
	slices.SortStableFunc(all, func(a, b inventory.Measurement) int { return a.Time.Compare(b.Time) })
	last := all[len(all)-1]
	s := &series{of: owner, metric: last.Metric, name: last.Subject, part: last.Part, position: last.Subject, unit: last.Unit, lower: last.LowerIsBetter}
	if domain(last.Metric) == "disk" && !s.place(owner.disks) {
		return nil
	}
	for i := 0; i < len(all); {
		var values []float64
		at := i
		for ; i < len(all) && all[i].Run == all[at].Run; i++ {
			values = append(values, all[i].Value)
		}
		slices.Sort(values)
		s.runs = append(s.runs, Reading{Run: all[at].Run, Time: all[i-1].Time, Value: median(values)})
	}
	return s
}

// place finds the disk in the facts: its kind, and the how manieth of its kind it is. It is false when the disk is gone.
func (s *series) place(all []placed) bool {
	serials := false
	for _, d := range all {
		serials = serials || d.serial != ""
		if s.part != "" && d.serial == s.part || s.part == "" && d.name == s.name {
			s.name, s.part, s.kind, s.position = d.name, d.serial, d.kind, d.position
			return true
		}
	}
	return s.part == "" || !serials
}

// placed is a disk among those of its kind.
type placed struct{ name, serial, kind, position string }

func places(f *hardware.Facts) (all []placed) {
	count := map[string]int{}
	for _, d := range slices.SortedStableFunc(slices.Values(f.Disks), func(a, b hardware.Disk) int { return natural(a.Name, b.Name) }) {
		kind := diskKind(d)
		count[kind]++
		all = append(all, placed{d.Name, d.Serial, kind, fmt.Sprintf("%s #%d", kind, count[kind])})
	}
	return all
}

// natural compares names as people count: sdb before sdaa, core2 before core10.
func natural(a, b string) int {
	ha, na := tail(a)
	hb, nb := tail(b)
	if ha == hb && na != "" && nb != "" {
		return cmp.Or(cmp.Compare(len(na), len(nb)), strings.Compare(na, nb))
	}
	if strings.HasPrefix(a, "sd") && strings.HasPrefix(b, "sd") {
		return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
	}
	return strings.Compare(a, b)
}

// tail parts a name before its last digits.
func tail(s string) (head, digits string) {
	n := len(s)
	for n > 0 && s[n-1] >= '0' && s[n-1] <= '9' {
		n--
	}
	return s[:n], s[n:]
}
