package bmc

import (
	"testing"
	"time"

	"github.com/bougou/go-ipmi/pkg/types"

	"socle/inventory"
)

// FuzzLogEntry: whatever stands in a record of the SEL, it becomes a line with words.
func FuzzLogEntry(f *testing.F) {
	f.Add([]byte{1, 0, 2, 0, 0, 0, 0x69, 0x20, 0, 4, 8, 3, 0x6f, 1, 0xff, 0xff})
	f.Add([]byte{1, 0, 0xc0, 0, 0, 0, 0x69, 1, 2, 3, 4, 5, 6, 7, 8, 9})
	f.Add([]byte{1, 0, 0xe0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13})
	f.Fuzz(func(t *testing.T, record []byte) {
		sel, err := types.ParseSEL(record)
		if err != nil {
			return
		}
		if e := logEntry(sel, nil); e.Text == "" || e.ID == "" {
			t.Errorf("%+v", e)
		}
	})
}

// TestLogEntry reads records as they stand in IPMI tables 42-2 and 42-3.
func TestLogEntry(t *testing.T) {
	names := map[sensorKey]string{{0x20, 3}: "PSU1", {0x20, 1}: "Inlet"}
	for _, c := range []struct {
		name   string
		record []byte
		health inventory.Health
		sensor string
		timed  bool
	}{
		{"failure", []byte{1, 0, 2, 0, 0, 0, 0x69, 0x20, 0, 4, 8, 3, 0x6f, 1, 0xff, 0xff}, inventory.HealthCritical, "PSU1", true},
		{"failure over", []byte{1, 0, 2, 0, 0, 0, 0x69, 0x20, 0, 4, 8, 3, 0xef, 1, 0xff, 0xff}, inventory.HealthOK, "PSU1", true},
		{"presence", []byte{1, 0, 2, 0, 0, 0, 0x69, 0x20, 0, 4, 8, 3, 0x6f, 0, 0xff, 0xff}, inventory.HealthOK, "PSU1", true},
		{"upper non-critical", []byte{1, 0, 2, 0, 0, 0, 0x69, 0x20, 0, 4, 1, 1, 1, 7, 0xff, 0xff}, inventory.HealthWarning, "Inlet", true},
		{"lower critical", []byte{1, 0, 2, 0, 0, 0, 0x69, 0x20, 0, 4, 1, 1, 1, 2, 0xff, 0xff}, inventory.HealthCritical, "Inlet", true},
		{"before the clock was set", []byte{1, 0, 2, 9, 0, 0, 0, 0x20, 0, 4, 0x0c, 77, 0x6f, 1, 0xff, 0xff}, inventory.HealthCritical, "Memory 0x4d", false},
	} {
		sel, err := types.ParseSEL(c.record)
		if err != nil {
			t.Fatal(err)
		}
		if e := logEntry(sel, names); e.Health != c.health || e.Sensor != c.sensor || e.Time.IsZero() == c.timed || e.ID != "0001" {
			t.Errorf("%s: %+v", c.name, e)
		}
	}
}

// TestSensorListIsReadAgain: at the latest after a day, and after an hour where the controller cannot tell of changes.
func TestSensorListIsReadAgain(t *testing.T) {
	for _, c := range []struct {
		added uint32
		want  time.Duration
	}{{0, time.Hour}, {0xffffffff, time.Hour}, {1000, time.Hour}, {0x69000000, 24 * time.Hour}} {
		if got := (&repository{added: types.ParseTimestamp(c.added)}).lasts(); got != c.want {
			t.Errorf("%#x: %v, want %v", c.added, got, c.want)
		}
	}
}
