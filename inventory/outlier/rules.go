package outlier

import "strings"

// Aspect is the part of the hardware that a metric depends on.
type Aspect string

// The aspects. What is equal in one is compared in its metrics.
const (
	OfCPU     Aspect = "CPUs"
	OfMemory  Aspect = "CPUs and memory"
	OfDisk    Aspect = "disk"
	OfNetwork Aspect = "network card"
	OfAll     Aspect = "hardware"
)

// Rule is what is asked of one metric. The numbers are fractions of the median: 0.07 is 7 %.
type Rule struct {
	// Metric is the dotted name, or the beginning of one that ends at a dot. A ".all" at its end is no part of it.
	Metric string
	Aspect Aspect
	// Tolerance is how far below its peers a machine may be, however equal they are among themselves.
	Tolerance float64
	// All is the same when all disks or cores are measured at once; 0: as Tolerance.
	All float64
	// Floor is the least spread that peers are taken to have: twelve that measure the same to the digit have a deviation of
	// nothing, and the next reading is still not an outlier.
	Floor float64
	// Spread is how far the runs of one machine may lie apart.
	Spread float64
}

// DefaultRules are the built-in ones, for Rules.Of. Tolerances come from what eNovance's cardiff used for years (sequential
// disk 2-10 %, random disk 5-15 %, CPU 2-7 %, all cores against one 1-2 %, network 2-15 %): its widest, but for random disk,
// where twelve real servers lie 2-4 % apart (docs/outliers.md) and 12 % leaves three of that.
func DefaultRules() []Rule {
	return []Rule{
		{Metric: "cpu.efficiency", Aspect: OfCPU, Tolerance: 0.02, Floor: 0.005, Spread: 0.04},
		{Metric: "cpu.temperature", Aspect: OfCPU, Tolerance: 0.20, Floor: 0.03, Spread: 0.30},
		{Metric: "cpu", Aspect: OfCPU, Tolerance: 0.07, Floor: 0.01, Spread: 0.10},
		{Metric: "memory", Aspect: OfMemory, Tolerance: 0.10, All: 0.15, Floor: 0.01, Spread: 0.15},
		{Metric: "disk.read.sequential", Aspect: OfDisk, Tolerance: 0.10, All: 0.15, Floor: 0.01, Spread: 0.20},
		{Metric: "disk.write.sequential", Aspect: OfDisk, Tolerance: 0.10, All: 0.15, Floor: 0.01, Spread: 0.20},
		{Metric: "disk.smart", Aspect: OfDisk, Tolerance: 1, Floor: 0.25, Spread: 10}, // wear and counters differ by age; what grows in a test fails there
		{Metric: "disk", Aspect: OfDisk, Tolerance: 0.12, All: 0.20, Floor: 0.02, Spread: 0.25},
		{Metric: "network", Aspect: OfNetwork, Tolerance: 0.10, All: 0.15, Floor: 0.01, Spread: 0.20},
	}
}

// anyRule is of a metric that nobody wrote a rule for.
var anyRule = Rule{Aspect: OfAll, Tolerance: 0.15, Floor: 0.02, Spread: 0.30}

// Rules are what is asked of all metrics.
type Rules struct {
	// Metrics are looked through for the longest name that fits; those of DefaultRules come after them.
	Metrics []Rule
	// MinPeers is how many others there must be to compare with.
	MinPeers int
	// Sigmas is how many robust standard deviations below the median of its peers is odd.
	Sigmas float64
}

// Default rules a fleet that nobody wrote rules for. 3.5 deviations is what Iglewicz and Hoaglin (How to Detect and Handle
// Outliers, 1993) advise for scores that are made of the median deviation.
func Default() Rules { return Rules{Metrics: DefaultRules(), MinPeers: 3, Sigmas: 3.5} }

// With are the rules with another tolerance of a metric, and of those below it that have none of their own; all is that of
// all disks or cores at once, 0: the same. The rest is as it was for the metric.
func (r Rules) With(metric string, tolerance, all float64) Rules {
	rule := r.Of(metric)
	rule.Metric, rule.Tolerance, rule.All = metric, tolerance, all
	r.Metrics = append([]Rule{rule}, r.Metrics...)
	return r
}

// Of is the rule of a metric: the longest name that fits. Of two equal ones it is the first.
func (r Rules) Of(metric string) Rule {
	metric, all := strings.CutSuffix(metric, ".all")
	best := anyRule
	for _, m := range r.Metrics {
		if len(m.Metric) > len(best.Metric) && (metric == m.Metric || strings.HasPrefix(metric, m.Metric+".")) {
			best = m
		}
	}
	if all && best.All > 0 {
		best.Tolerance = best.All
	}
	return best
}
