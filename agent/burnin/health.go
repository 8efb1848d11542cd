package burnin

import (
	"socle/api"
)

// Health is what a disk says of itself.
type Health struct {
	Values []HealthValue
	// Failing says in words why the disk expects to fail; empty: it does not.
	Failing string
}

// HealthValue is one number of a disk's health.
type HealthValue struct {
	Name  string // "reallocated"
	Unit  string // "1", "%", "Cel"
	Value float64
	// Grows says that the disk is failing when it grows in a test.
	Grows bool
	Words string // of what grows: "reallocated sectors"
}

// health asks all disks how they are. It is nil for those that do not answer, which is noted.
func (r *run) health(note bool) []*Health {
	all := make([]*Health, len(r.Disks))
	for i, d := range r.Disks {
		if r.Health == nil {
			continue
		}
		h, err := r.Health(d.Path)
		if err == nil {
			all[i] = &h
		} else if note {
			r.note("disk %s (%s) tells nothing of its health: %v", d.Serial, d.Name, err)
		}
	}
	return all
}

// compareHealth tells how the disks are after the test, and which of them got worse in it.
func (r *run) compareHealth(before []*Health) {
	for i, now := range r.health(false) {
		d, was := r.Disks[i], before[i]
		if now == nil {
			if was != nil {
				r.failed(api.TestDisk, d.Name, d.Serial, "disk %s (%s) told of its health before the test, and no more after it", d.Serial, d.Name)
			}
			continue
		}
		if now.Failing != "" {
			r.failed(api.TestDisk, d.Name, d.Serial, "disk %s (%s) expects to fail: %s", d.Serial, d.Name, now.Failing)
		}
		for _, v := range now.Values {
			r.measured("disk.smart."+v.Name, d.Name, d.Serial, v.Unit, v.Value)
			if old, ok := was.value(v.Name); ok && v.Grows && v.Value > old {
				r.failed(api.TestDisk, d.Name, d.Serial, "disk %s (%s) has %.0f %s, and had %.0f before the test", d.Serial, d.Name, v.Value, v.Words, old)
			}
		}
	}
}

func (h *Health) value(name string) (float64, bool) {
	if h != nil {
		for _, v := range h.Values {
			if v.Name == name {
				return v.Value, true
			}
		}
	}
	return 0, false
}
