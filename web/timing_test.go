package web

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"socle/api"
	"socle/inventory"
)

func TestPhases(t *testing.T) {
	t0 := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	at := func(s int) time.Time { return t0.Add(time.Duration(s) * time.Second) }
	event := func(s int, after string) inventory.Event {
		return inventory.Event{Time: at(s), After: json.RawMessage(after)}
	}
	state := func(s int, st inventory.State) inventory.Event { return event(s, fmt.Sprintf(`{"state":%q}`, st)) }
	for _, tc := range []struct {
		name   string
		events []inventory.Event
		orders []inventory.Order
		now    int
		want   []api.Phase
	}{
		{name: "nothing", now: 10},
		{
			name:   "still deploying, with bytes",
			events: []inventory.Event{state(0, inventory.Ready), state(5, inventory.Deploying), event(7, `{"step":"write-image"}`), event(8, `{"power":"on","state":"deploying"}`)},
			orders: []inventory.Order{{IssuedAt: at(2), Wire: 1}, {IssuedAt: at(5), Wire: 10}, {IssuedAt: at(9), Wire: 100}},
			now:    25,
			want:   []api.Phase{{Name: "ready", Seconds: 5, Wire: 1}, {Name: "deploying", Seconds: 20, Wire: 110}},
		},
		{
			name:   "the rest in a stable state does not count",
			events: []inventory.Event{state(0, inventory.Deploying), state(60, inventory.Active)},
			now:    100_000,
			want:   []api.Phase{{Name: "deploying", Seconds: 60}},
		},
		{
			name:   "only the last of two roads",
			events: []inventory.Event{state(0, inventory.Ready), state(1, inventory.Deploying), state(9, inventory.Active), state(50, inventory.Deploying), state(80, inventory.Active)},
			now:    90,
			want:   []api.Phase{{Name: "deploying", Seconds: 30}},
		},
		{
			name:   "field names in another case, and events that are no objects",
			events: []inventory.Event{event(0, `{"State":"deploying"}`), event(1, `[`), event(2, `"x"`), event(3, ``), event(4, `{"State":7}`)},
			now:    4,
			want:   []api.Phase{{Name: "deploying", Seconds: 4}},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, phases(tc.events, tc.orders, at(tc.now))); diff != "" {
				t.Errorf("phases (-want +got):\n%s", diff)
			}
		})
	}
}
