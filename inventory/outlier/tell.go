package outlier

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"socle/inventory"
)

// noteLonely says once what had too few peers.
func (s *subject) noteLonely(lonely map[string][]string) {
	for _, why := range slices.Sorted(maps.Keys(lonely)) {
		metrics := slices.Compact(slices.Sorted(slices.Values(lonely[why])))
		s.note(strings.Join(metrics, ", "), why)
	}
}

// trouble is all that is odd about one part.
type trouble struct {
	part     string
	slow     []*series // the worst first
	restless []*series
	readings int // of the part, odd or not
}

// tell makes findings: one a part, whatever it is slow at.
func (j *judge) tell() {
	calm := j.calm()
	for _, s := range j.subjects {
		parts := map[string]*trouble{}
		for _, x := range s.series {
			name := partOf(x.metric, x.name)
			t := parts[name]
			if t == nil {
				t = &trouble{part: name}
				parts[name] = t
			}
			t.readings++
			if x.odd {
				t.slow = append(t.slow, x)
			}
			if w := x.unrest(); w > max(j.rules.Of(x.metric).Spread, restless*calm[x.metric]) {
				t.restless = append(t.restless, x)
			}
		}
		together(parts)
		for _, name := range slices.Sorted(maps.Keys(parts)) {
			if t := parts[name]; len(t.slow)+len(t.restless) > 0 {
				s.findings = append(s.findings, t.finding(s.m))
			}
		}
	}
}

// restless is how many times as far as those of its peers the runs of a machine lie apart.
const restless = 3

// runsCompared is how many of the newest runs show unrest: what was before them is history.
const runsCompared = 6

func (x *series) unrest() float64 {
	values := make([]float64, 0, runsCompared)
	for _, r := range x.runs[max(0, len(x.runs)-runsCompared):] {
		values = append(values, r.Value)
	}
	return wander(values)
}

// calm is, of each metric, the median of what runs of one machine lie apart, where enough machines ran often enough.
func (j *judge) calm() map[string]float64 {
	all := map[string][]float64{}
	for _, s := range j.subjects {
		for _, x := range s.series {
			if len(x.runs) >= minRuns {
				all[x.metric] = append(all[x.metric], x.unrest())
			}
		}
	}
	out := map[string]float64{}
	for metric, v := range all {
		if len(v) > j.rules.MinPeers {
			slices.Sort(v)
			out[metric] = median(v)
		}
	}
	return out
}

// together makes one trouble of disks that are slow only when all work at once: then it is what they share.
func together(parts map[string]*trouble) {
	disks, shared := 0, &trouble{part: "disks at once"}
	var names []string
	for name, t := range parts {
		if !strings.HasPrefix(name, "disk ") {
			continue
		}
		disks++
		alone := slices.ContainsFunc(t.slow, func(x *series) bool { return !strings.HasSuffix(x.metric, ".all") })
		if len(t.slow) > 0 && !alone && len(t.restless) == 0 {
			names = append(names, name)
		}
	}
	if len(names) < 2 || 2*len(names) < disks {
		return
	}
	for _, name := range slices.Sorted(slices.Values(names)) {
		shared.slow = append(shared.slow, parts[name].slow...)
		shared.readings += parts[name].readings
		delete(parts, name)
	}
	parts[shared.part] = shared
}

// finding says all of one part.
func (t *trouble) finding(m *inventory.Machine) inventory.Finding {
	f := inventory.Finding{Source: inventory.FromOutlier, Kind: inventory.FindSlow, Subject: t.part}
	slices.SortStableFunc(t.slow, func(a, b *series) int { return cmp.Compare(b.distance, a.distance) })
	slices.SortStableFunc(t.restless, func(a, b *series) int { return cmp.Compare(b.unrest(), a.unrest()) })
	var words []string
	if len(t.slow) > 0 {
		words = append(words, t.slower(&f))
	}
	if len(t.restless) > 0 {
		x := t.restless[0]
		said := fmt.Sprintf("%s is something else in each of %d runs, %s apart", x.words(t.part), min(len(x.runs), runsCompared), percent(x.unrest()))
		if len(t.slow) == 0 {
			f.Kind, f.Got = inventory.FindUnstable, x.history()
			said += " (" + f.Got + ")"
		}
		words = append(words, said)
	}
	f.Reason = t.part + ": " + strings.Join(words, "; ")
	first := slices.Concat(t.slow, t.restless)[0]
	if f.Serial = first.part; t.part == "disks at once" {
		f.Serial = ""
	}
	for _, d := range m.Facts.Disks {
		if f.Serial != "" && d.Serial == f.Serial {
			f.Part = d.Model
		}
	}
	f.Minor = t.passing()
	f.Remedy = remedy(t, first, f.Minor)
	return f
}

// passing tells whether it is most likely a moment's disturbance: one reading of many of what is no part by itself.
func (t *trouble) passing() bool {
	const many = 5
	return len(t.slow) == 1 && len(t.restless) == 0 && t.readings >= many && isCore(t.slow[0].name)
}

// slower says the worst with its values, and then the others briefly.
func (t *trouble) slower(f *inventory.Finding) string {
	worst := t.slow[0]
	b := worst.bucket
	centre := medianWithout(b.sorted, rank(b.sorted, worst.last()))
	f.Got, f.Want = number(worst.last(), worst.unit), number(centre, worst.unit)
	text := fmt.Sprintf("%s %s %s %s (%s, median %s)", worst.words(t.part), percent(worst.distance), side(worst.lower), b.peers(len(b.all)-1), f.Got, f.Want)
	var others []string
	said := map[string]bool{worst.words(t.part): true}
	for _, x := range t.slow[1:] {
		if w := x.words(t.part); !said[w] {
			said[w] = true
			others = append(others, w+" "+percent(x.distance))
		}
	}
	const most = 5
	if n := len(others) - most; n > 1 {
		others = append(others[:most], fmt.Sprintf("%d more", n))
	}
	if len(others) > 0 {
		text += ", also " + strings.Join(others, ", ")
	}
	return text
}

// words name the metric, and the part where the finding's name does not say it.
func (x *series) words(part string) string {
	if x.name == "" || strings.HasSuffix(part, strings.TrimPrefix(x.name, "cpu")) || x.name == "all" {
		return Words(x.metric)
	}
	return x.name + " " + Words(x.metric)
}

// history are the values of the runs.
func (x *series) history() string {
	var all []string
	for _, r := range x.runs[max(0, len(x.runs)-runsCompared):] {
		all = append(all, number(r.Value, ""))
	}
	return strings.TrimSpace(strings.Join(all, ", ") + " " + x.unit)
}

func remedy(t *trouble, x *series, passing bool) string {
	switch {
	case passing:
		return "Measure again: one reading of many is most likely a moment's disturbance."
	case t.part == "disks at once":
		return "Look at what the disks share: the controller, its cache and battery, the backplane, its cable."
	case len(t.slow) == 0:
		return "Measure again with nothing else running; if it stays so, look at temperature, power and cabling, then replace it."
	}
	switch domain(x.metric) {
	case "disk":
		return "Look at its SMART values and at its cache settings, change its bay with that of a good one, measure again; replace it when it stays slow."
	case "memory":
		return "Look whether all channels are filled alike and run at full speed, and at corrected errors; measure again."
	case "cpu":
		return "Look at temperature, fans, power limits and the power profile of the firmware; measure again."
	case "network":
		return "Look at the link's speed, its errors, cable and transceiver; change the cable, measure again."
	}
	return "Measure again; when it stays so, replace it."
}
