package inventory_test

import (
	"testing"

	"socle/inventory"
)

// TestPlural: one is one, and nothing is many.
func TestPlural(t *testing.T) {
	for n, want := range map[int]string{0: "0 errors", 1: "1 error", 2: "2 errors", 1000: "1000 errors"} {
		if got := inventory.Plural(n, "error"); got != want {
			t.Errorf("%d: %q", n, got)
		}
	}
}
