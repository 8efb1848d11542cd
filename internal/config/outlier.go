package config

import (
	"fmt"
	"regexp"
)

// OutlierRule says of some metrics how far a machine may be from its peers.
type OutlierRule struct {
	Metric    string  `yaml:"metric" doc:"name of a metric without .all, or its beginning up to a dot: cpu, disk.read. The longest that fits holds, built-in ones included"`
	Tolerance float64 `yaml:"tolerance_percent" doc:"how far it may be on the worse side of the median of its peers, above 0 and below 100"`
	All       float64 `yaml:"all_percent" doc:"the same while all disks or cores are measured at once; 0: as tolerance_percent"`
}

// metricName is a dotted name.
var metricName = regexp.MustCompile(`^[a-z0-9_]+(\.[a-z0-9_]+)*$`)

func checkOutliers(rules []OutlierRule) (errs []error) {
	seen := map[string]bool{}
	for i, r := range rules {
		switch {
		case !metricName.MatchString(r.Metric):
			errs = append(errs, fmt.Errorf("outliers[%d]: metric %q is no name such as cpu or disk.read.sequential", i, r.Metric))
		case seen[r.Metric]:
			errs = append(errs, fmt.Errorf("outliers[%d]: a second rule of %q", i, r.Metric))
		}
		seen[r.Metric] = true
		if !(r.Tolerance > 0 && r.Tolerance < 100) {
			errs = append(errs, fmt.Errorf("outliers[%d] %q: tolerance_percent %v is not above 0 and below 100", i, r.Metric, r.Tolerance))
		}
		if !(r.All >= 0 && r.All < 100) {
			errs = append(errs, fmt.Errorf("outliers[%d] %q: all_percent %v is not within 0 and 100", i, r.Metric, r.All))
		}
	}
	return errs
}
