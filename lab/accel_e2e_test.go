//go:build e2e

package lab

import (
	"testing"
	"time"
)

func TestTrialGuestE2E(t *testing.T) {
	// The trial must recognise a guest that runs: in emulation it always does.
	if err := tryGuest(t.Context(), AccelTCG, 2*time.Minute); err != nil {
		t.Error(err)
	}
	if err := tryGuest(t.Context(), AccelTCG, 50*time.Millisecond); err == nil {
		t.Error("a guest that had no time to come up was taken for running")
	}
	start := time.Now()
	t.Logf("auto chooses %s here", chooseAccel(t.Context(), AccelAuto, testLog(t)))
	if took := time.Since(start); took > probeWait+5*time.Second {
		t.Errorf("the choice took %s", took)
	}
}
