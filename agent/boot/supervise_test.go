package boot

import (
	"strings"
	"testing"
)

// TestRunChild: the agent's end is told apart from the ends of others that fell to process 1.
func TestRunChild(t *testing.T) {
	for script, want := range map[string]string{"(exit 7) & exit 3": "exit status 3", "kill -9 $$": "signal 9"} {
		if err := runChild("/bin/sh", []string{"-c", script}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", script, err, want)
		}
	}
	if err := runChild("/nonexistent", nil); err == nil {
		t.Error("an agent that is not there was started")
	}
}
