package outlier

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"socle/inventory"
)

// differ finds the parts that a machine has otherwise than more than half of its kin. A kin that has no such majority is
// noted: who is odd then is not for a computer to say.
func (j *judge) differ() {
	families := map[string][]*subject{}
	for _, s := range j.subjects {
		families[s.build.kin] = append(families[s.build.kin], s)
	}
	for _, kin := range slices.Sorted(maps.Keys(families)) {
		all := families[kin]
		if len(all) <= j.rules.MinPeers {
			for _, s := range all {
				s.note("parts", fmt.Sprintf("it has %s of the same product, %d are needed", inventory.Plural(len(all)-1, "peer"), j.rules.MinPeers))
			}
			continue
		}
		for _, t := range traits() {
			j.compare(t, all)
		}
	}
}

func (j *judge) compare(t trait, all []*subject) {
	count, first := map[string]int{}, map[string][]item{}
	for _, s := range all {
		k := s.build.keys[t.name]
		count[k]++
		first[k] = s.build.parts[t.name]
	}
	if len(count) == 1 {
		return
	}
	usual := ""
	for k, n := range count {
		if 2*n > len(all) {
			usual = k
		}
	}
	if 2*count[usual] <= len(all) || count[usual] < j.rules.MinPeers {
		for _, s := range all {
			s.note(t.name, fmt.Sprintf("its %d peers have %d different ones, and none of them is that of the most", len(all)-1, len(count)))
		}
		return
	}
	for _, s := range all {
		if s.build.keys[t.name] != usual {
			s.findings = append(s.findings, difference(t, s, first[usual], count[usual], len(all)-1))
		}
	}
}

func difference(t trait, s *subject, want []item, have, peers int) inventory.Finding {
	got := s.build.parts[t.name]
	missing, extra := minus(want, got), minus(got, want)
	f := inventory.Finding{
		Source: inventory.FromOutlier, Kind: t.kind, Subject: t.name, Want: summary(want), Got: summary(got),
		Minor: t.minor || s.m.Model != "", // where a model was ordered, the order says what is wrong
	}
	if f.Kind == "" {
		f.Kind = kindOf(missing, extra)
	}
	f.Reason = fmt.Sprintf("its %s are not as in %d of its %d peers: %s instead of %s", t.name, have, peers, dash(f.Got), dash(f.Want))
	if t.name == traitMemory || t.minor {
		f.Reason = strings.Replace(f.Reason, " are not", " is not", 1)
	}
	if slots := slotsOf(missing); f.Kind != inventory.FindExtra && slots != "" {
		f.Reason += "; without " + slots
	}
	if slots := slotsOf(extra); f.Kind != inventory.FindMissing && slots != "" {
		f.Reason += "; also " + slots
	}
	if t.minor {
		f.Remedy = "Find out whether it is meant; if not, bring it to what its peers have."
	} else {
		f.Remedy = "Compare with the order; then put in, move or take out what differs, and inspect again."
	}
	return f
}

func kindOf(missing, extra []item) inventory.FindingKind {
	switch {
	case len(extra) == 0:
		return inventory.FindMissing
	case len(missing) == 0:
		return inventory.FindExtra
	case summary(missing) == summary(extra):
		return inventory.FindWrongSlot
	}
	return inventory.FindWrongPart
}

// minus is what is in a and not in b, each as often as it is there too often.
func minus(a, b []item) (out []item) {
	left := map[item]int{}
	for _, x := range b {
		left[x]++
	}
	for _, x := range a {
		if left[x]--; left[x] < 0 {
			out = append(out, x)
		}
	}
	return out
}

// summary counts what is equal: "2 × 16 GiB DDR3-1600".
func summary(all []item) string {
	count := map[string]int{}
	for _, x := range all {
		count[x.text]++
	}
	var parts []string
	for _, text := range slices.Sorted(maps.Keys(count)) {
		if len(all) == 1 {
			return text
		}
		parts = append(parts, fmt.Sprintf("%d × %s", count[text], text))
	}
	return strings.Join(parts, ", ")
}

func slotsOf(all []item) string {
	var slots []string
	for _, x := range all {
		if x.slot != "" {
			slots = append(slots, x.slot)
		}
	}
	return strings.Join(slots, ", ")
}

func dash(s string) string {
	if s == "" {
		return "none"
	}
	return s
}
