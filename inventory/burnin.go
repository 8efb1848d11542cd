package inventory

import (
	"slices"
	"strings"
)

// BurnInPlan says how machines of some models are tested before they are ready.
type BurnInPlan struct {
	Name    string   `yaml:"name" doc:"a plan with a name holds for no machine by itself: a person chooses it for one run of tests, socle test start --plan NAME"`
	Model   string   `yaml:"model" doc:"beginning of the model, as ordered or as the server says it, in any case; empty: all. The longest that fits holds"`
	Tests   []string `yaml:"tests" doc:"which of cpu, memory, disk and network, one after the other; disks are only read, and the network is tested by pairs of servers of one model that come to this test at the same time"`
	Seconds int      `yaml:"seconds" doc:"how long each test takes, 1 to 604800"`
	Memory  int      `yaml:"memory_percent" doc:"how much of the free memory is tested, 1 to 90"`
	Reserve int      `yaml:"memory_reserve_mib" doc:"instead of memory_percent: all the free memory is tested but so many MiB, 256 or more"`
}

// BurnInTests lists the tests that a plan may have.
func BurnInTests() []string { return []string{"cpu", "memory", "disk", "network"} }

// BurnInFor is the plan for a machine: the one that was chosen for it, as long as there is such a plan, else that of its model,
// see OwnBurnIn.
func BurnInFor(plans []BurnInPlan, m *Machine) (BurnInPlan, bool) {
	for _, p := range BurnInChoices(plans, m) {
		if p.Name == m.Intent.Plan {
			return p, true
		}
	}
	return OwnBurnIn(plans, m)
}

// OwnBurnIn is the plan of a machine's model: that with the longest beginning of it, of those without a name.
func OwnBurnIn(plans []BurnInPlan, m *Machine) (best BurnInPlan, ok bool) {
	for _, p := range plans {
		if p.Name == "" && p.fits(m) && (!ok || len(p.Model) > len(best.Model)) {
			best, ok = p, true
		}
	}
	return best, ok
}

// BurnInChoices are the plans that can be chosen for a machine instead of its own.
func BurnInChoices(plans []BurnInPlan, m *Machine) (all []BurnInPlan) {
	for _, p := range plans {
		if p.Name != "" && p.fits(m) {
			all = append(all, p)
		}
	}
	return all
}

func (p BurnInPlan) fits(m *Machine) bool {
	models := []string{m.Model}
	if m.Facts != nil {
		models = append(models, m.Facts.System.Product)
	}
	return slices.ContainsFunc(models, func(model string) bool { return strings.HasPrefix(strings.ToLower(model), strings.ToLower(p.Model)) })
}

// Covers tells whether who passes this plan passes the other one, too: it has all its tests, for as long at least.
func (p BurnInPlan) Covers(other BurnInPlan) bool {
	lacks := slices.ContainsFunc(other.Tests, func(test string) bool { return !slices.Contains(p.Tests, test) })
	return !lacks && p.Seconds >= other.Seconds
}
