package config

import (
	"fmt"
	"slices"
	"strings"

	"socle/inventory"
)

func checkBurnIn(plans []inventory.BurnInPlan) (errs []error) {
	names := map[string]bool{}
	for i, p := range plans {
		if len(p.Name) > 64 || p.Name != strings.TrimSpace(p.Name) {
			errs = append(errs, fmt.Errorf("burnin[%d] %q: the name %q is longer than 64 bytes, or begins or ends with a space", i, p.Model, p.Name))
		}
		if names[p.Name] && p.Name != "" {
			errs = append(errs, fmt.Errorf("burnin[%d] %q: there are two plans with the name %q", i, p.Model, p.Name))
		}
		names[p.Name] = true
		if len(p.Tests) == 0 {
			errs = append(errs, fmt.Errorf("burnin[%d] %q: has no tests: use some of %s", i, p.Model, strings.Join(inventory.BurnInTests(), ", ")))
		}
		for _, t := range p.Tests {
			if !slices.Contains(inventory.BurnInTests(), t) {
				errs = append(errs, fmt.Errorf("burnin[%d] %q: test %q is none of %s", i, p.Model, t, strings.Join(inventory.BurnInTests(), ", ")))
			}
		}
		if p.Seconds < 1 || p.Seconds > 604800 {
			errs = append(errs, fmt.Errorf("burnin[%d] %q: seconds %d is not between 1 and 604800", i, p.Model, p.Seconds))
		}
		if p.Reserve == 0 && (p.Memory < 1 || p.Memory > 90) {
			errs = append(errs, fmt.Errorf("burnin[%d] %q: memory_percent %d is not between 1 and 90", i, p.Model, p.Memory))
		}
		if p.Reserve != 0 && (p.Reserve < 256 || p.Memory != 0) {
			errs = append(errs, fmt.Errorf("burnin[%d] %q: memory_reserve_mib %d: use 256 or more, and no memory_percent beside it", i, p.Model, p.Reserve))
		}
	}
	return errs
}
