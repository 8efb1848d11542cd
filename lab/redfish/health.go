package redfish

import (
	"fmt"
	"slices"
	"strconv"
)

// Healths of a component (schema Resource, Health).
const (
	OK       = "OK"
	Warning  = "Warning"
	Critical = "Critical"
)

// components are the names of everything that can break.
func (s *Shape) components() []string {
	var all []string
	for i := range s.Hardware.PowerSupplies {
		all = append(all, supplyID(i))
	}
	for i := range s.Hardware.Fans {
		all = append(all, fanID(i))
	}
	for _, t := range s.Hardware.Temperatures {
		all = append(all, t.Name)
	}
	for _, d := range s.Hardware.Drives {
		all = append(all, d.ID)
	}
	return all
}

func supplyID(i int) string { return "PSU" + strconv.Itoa(i+1) }
func fanID(i int) string    { return "Fan" + strconv.Itoa(i+1) }

// SetHealth breaks or repairs a component: "PSU1", "Fan3", the name of a temperature ("Inlet") or of a drive ("Disk0").
// Its sensors follow, the event log gets an entry, and subscribers an event.
func (b *BMC) SetHealth(component, health string) error {
	if !slices.Contains(b.shape.components(), component) {
		return fmt.Errorf("component %q: use one of %v", component, b.shape.components())
	}
	if !slices.Contains([]string{OK, Warning, Critical}, health) {
		return fmt.Errorf("health %q: use one of %v", health, []string{OK, Warning, Critical})
	}
	b.locked(func() {
		if b.health == nil {
			b.health = map[string]string{}
		}
		b.health[component] = health
		text := component + " has failed."
		switch health {
		case OK:
			delete(b.health, component)
			text = component + " has returned to normal."
		case Warning:
			text = component + " is outside of its normal range."
		}
		b.note(event{severity: health, id: "ResourceEvent.1.2.ResourceStatusChanged" + health, text: text, kind: "Alert", origin: b.chassis(), log: true})
	})
	return nil
}

// statusOf is the Status of one component.
func (b *BMC) statusOf(component string) object {
	if h := b.health[component]; h != "" {
		return object{"State": "Enabled", "Health": h}
	}
	return healthy()
}

// statusOfAll rolls the health of all components up.
func (b *BMC) statusOfAll() object {
	worst := OK
	for _, h := range b.health {
		if h == Critical || worst == OK {
			worst = h
		}
	}
	return object{"State": "Enabled", "Health": worst, "HealthRollup": worst}
}
