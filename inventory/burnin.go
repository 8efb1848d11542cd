package inventory

import "strings"

// BurnInPlan says how machines of some models are tested before they are ready.
type BurnInPlan struct {
	Model   string   `yaml:"model" doc:"beginning of the model, as ordered or as the server says it, in any case; empty: all. The longest that fits holds"`
	Tests   []string `yaml:"tests" doc:"which of cpu, memory and disk, one after the other; disks are only read"`
	Seconds int      `yaml:"seconds" doc:"how long each test takes, 1 to 604800"`
	Memory  int      `yaml:"memory_percent" doc:"how much of the free memory is tested, 1 to 90"`
	Reserve int      `yaml:"memory_reserve_mib" doc:"instead of memory_percent: all the free memory is tested but so many MiB, 256 or more"`
}

// BurnInFor is the plan for a machine: that with the longest beginning of its model.
func BurnInFor(plans []BurnInPlan, m *Machine) (best BurnInPlan, ok bool) {
	models := []string{m.Model}
	if m.Facts != nil {
		models = append(models, m.Facts.System.Product)
	}
	for _, p := range plans {
		for _, model := range models {
			fits := strings.HasPrefix(strings.ToLower(model), strings.ToLower(p.Model))
			if fits && (!ok || len(p.Model) > len(best.Model)) {
				best, ok = p, true
			}
		}
	}
	return best, ok
}
