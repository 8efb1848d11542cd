package provision

import (
	"testing"
	"time"
)

func TestStretch(t *testing.T) {
	for _, c := range []struct{ after, waited, want time.Duration }{
		{pause, 0, pause},
		{pause, -time.Hour, pause}, // a clock was set
		{pause, 10 * time.Second, pause},
		{pause, time.Minute, 7500 * time.Millisecond},
		{pause, time.Hour, mostPause},
		{time.Millisecond, time.Hour, time.Millisecond},
		{time.Minute, time.Second, time.Minute},
	} {
		if got := stretch(c.after, c.waited); got != c.want {
			t.Errorf("after %s, having waited %s: %s, not %s", c.after, c.waited, got, c.want)
		}
	}
}
