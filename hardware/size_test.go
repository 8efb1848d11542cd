package hardware

import (
	"math"
	"testing"
)

func TestSize(t *testing.T) {
	for n, want := range map[uint64]string{
		0: "0 B", 1023: "1023 B", 1 << 10: "1.0 KiB", 1536: "1.5 KiB", 100 << 20: "100 MiB", 3 << 29: "1.5 GiB",
		480 << 30: "480 GiB", 1 << 50: "1.0 PiB", math.MaxUint64: "16.0 EiB",
	} {
		if got := Size(n); got != want {
			t.Errorf("Size(%d) = %q, want %q", n, got, want)
		}
	}
}
