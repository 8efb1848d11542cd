package web

import (
	"encoding/json"
	"time"

	"socle/api"
	"socle/inventory"
)

// timingEvents is how far back the road of a machine is read.
const timingEvents = 1000

// entry is the moment at which a machine entered a state.
type entry struct {
	state inventory.State
	at    time.Time
}

// phases tells how long each state of the machine's last road took: from its present state back to the first
// one that would come twice. The state that it is in counts up to now if it is a transient one, and is left
// out if it is a stable one, where the machine may stay for years.
func phases(events []inventory.Event, orders []inventory.Order, now time.Time) []api.Phase {
	road := lastRoad(entries(events))
	var out []api.Phase
	for i, e := range road {
		end := now
		if i+1 < len(road) {
			end = road[i+1].at
		} else if e.state.Stable() {
			break
		}
		p := api.Phase{Name: string(e.state), Seconds: end.Sub(e.at).Seconds()}
		for _, o := range orders {
			if !o.IssuedAt.Before(e.at) && o.IssuedAt.Before(end) {
				p.Wire += o.Wire
			}
		}
		out = append(out, p)
	}
	return out
}

// entries finds the changes of state in the history.
func entries(events []inventory.Event) []entry {
	var list []entry
	for _, e := range events {
		var after struct {
			State inventory.State `json:"state"` // the decoder takes any case of the name
		}
		if len(e.After) == 0 || json.Unmarshal(e.After, &after) != nil || after.State == "" {
			continue
		}
		if n := len(list); n > 0 && list[n-1].state == after.State {
			continue
		}
		list = append(list, entry{after.State, e.Time})
	}
	return list
}

// lastRoad cuts the list where, seen from its end, a state comes the second time.
func lastRoad(list []entry) []entry {
	seen := map[inventory.State]bool{}
	for i := len(list) - 1; i >= 0; i-- {
		if seen[list[i].state] {
			return list[i+1:]
		}
		seen[list[i].state] = true
	}
	return list
}
