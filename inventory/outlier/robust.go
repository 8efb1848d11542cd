package outlier

import (
	"math"
	"slices"
	"sort"
)

// consistency makes of the median absolute deviation what the standard deviation would be of normal noise.
const consistency = 1.4826

// median of sorted values; 0 of none.
func median(sorted []float64) float64 {
	n := len(sorted)
	switch {
	case n == 0:
		return 0
	case n%2 == 1:
		return sorted[n/2]
	}
	return (sorted[n/2-1] + sorted[n/2]) / 2
}

// medianWithout is the median of sorted values when the i-th is left out.
func medianWithout(sorted []float64, i int) float64 {
	n := len(sorted) - 1
	at := func(k int) float64 {
		if k >= i {
			k++
		}
		return sorted[k]
	}
	switch {
	case n <= 0:
		return 0
	case n%2 == 1:
		return at(n / 2)
	}
	return (at(n/2-1) + at(n/2)) / 2
}

// sigmaWithout is the robust standard deviation around a centre when the i-th of sorted values is left out.
func sigmaWithout(sorted []float64, i int, centre float64) float64 {
	away := make([]float64, 0, len(sorted))
	for k, v := range sorted {
		if k != i {
			away = append(away, math.Abs(v-centre))
		}
	}
	slices.Sort(away)
	return consistency * fewer(len(away)) * median(away)
}

// fewer corrects for how much too small the median deviation of few values is on average: Croux and Rousseeuw, Time-Efficient
// Algorithms for Two Highly Robust Estimators of Scale (1992).
func fewer(n int) float64 {
	known := []float64{2: 1.196, 3: 1.495, 4: 1.363, 5: 1.206, 6: 1.200, 7: 1.140, 8: 1.129, 9: 1.107}
	switch {
	case n < 2:
		return 1
	case n < len(known):
		return known[n]
	}
	return float64(n) / (float64(n) - 0.8)
}

// rank is where a value stands among sorted ones.
func rank(sorted []float64, v float64) int { return sort.SearchFloat64s(sorted, v) }

// wander is how far apart runs lie, in the order of their time, when one lasting change is forgiven: a repair or a break is
// a step and no unrest. It is a fraction of their median.
func wander(runs []float64) float64 {
	if len(runs) < minRuns {
		return 0
	}
	least := span(runs)
	for cut := 1; cut < len(runs); cut++ {
		least = min(least, max(span(runs[:cut]), span(runs[cut:])))
	}
	m := median(slices.Sorted(slices.Values(runs)))
	if m <= 0 {
		return 0
	}
	return least / m
}

func span(v []float64) float64 { return slices.Max(v) - slices.Min(v) }

// minRuns is how many runs can show unrest: of two, one may be a repair.
const minRuns = 3
