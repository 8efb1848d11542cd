package store_test

import (
	"strings"
	"testing"

	"socle/inventory"
)

// TestBootHabits counts what became of next boots, by make; two that were forgotten in a row make one that forgets, and one
// that is kept ends that.
func TestBootHabits(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		old := inventory.Make{Vendor: "Acme", Model: "R1\x00", Firmware: "1.0"}
		newer := inventory.Make{Vendor: "Acme", Model: "R1\x00", Firmware: "1.1"}
		want := func(m inventory.Make, kept, forgot int, forgets bool) {
			t.Helper()
			h, err := b.BootHabit(b.ctx, m)
			must(t, err)
			if h.Kept != kept || h.Forgot != forgot || h.Forgets() != forgets || strings.Contains(h.String(), "forgets") != forgets {
				t.Errorf("%+v (%s), want %d kept, %d forgotten", h, h, kept, forgot)
			}
		}
		want(old, 0, 0, false)
		for n, kept := range []bool{true, false, false} {
			must(t, b.CountBoot(b.ctx, old, kept))
			want(old, 1, n, n == 2)
		}
		must(t, b.CountBoot(b.ctx, newer, false))
		want(newer, 0, 1, false)
		must(t, b.CountBoot(b.ctx, old, true))
		want(old, 2, 2, false)
		must(t, b.CountBoot(b.ctx, inventory.Make{Vendor: strings.Repeat("v", 5000), Model: "m"}, true))
	})
}
