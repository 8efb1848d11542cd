package main

import "testing"

func TestFlat(t *testing.T) {
	grows := func(step int64) (sizes []int64) {
		for i := range int64(100) {
			sizes = append(sizes, 50<<20+i*step)
		}
		return sizes
	}
	for _, tc := range []struct {
		name  string
		sizes []int64
		good  bool
	}{
		{"flat", grows(0), true},
		{"shrinks", grows(-1 << 18), true},
		{"noise", append(grows(0), 90<<20), true}, // one look is none
		{"grows while it warms up only", append(grows(1 << 20)[:10], grows(0)...), true},
		{"leaks", grows(1 << 18), false},
		{"too short", grows(0)[:4], false},
	} {
		if first, last, err := flat(tc.sizes); (err == nil) != tc.good {
			t.Errorf("%s: %d to %d: %v", tc.name, first, last, err)
		}
	}
}
