package bmc

import (
	"strings"
	"testing"

	emulator "socle/lab/redfish"
)

// TestQuirkTable: each row is about a controller that the emulator can be, matches it and none of the other makers,
// and the emulator has the habit that the row is about, so that TestShapes would fail without it.
func TestQuirkTable(t *testing.T) {
	rows, err := readQuirks(quirksFile)
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range rows {
		t.Run(q.Name, func(t *testing.T) {
			own, err := emulator.ShapeByName(q.Shape)
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range emulator.Shapes() {
				s, err := emulator.ShapeByName(name)
				if err != nil {
					t.Fatal(err)
				}
				m := maker{vendor: s.SystemMaker, model: s.SystemModel, manager: s.ManagerModel, firmware: s.Firmware[0].Version}
				if got := q.matches(m); got != (s.Name == own.Name) {
					t.Errorf("matches %s: %v", name, got)
				}
			}
			has := map[string]bool{
				bodyTarget: own.Quirks.BootTargetOnly || own.Quirks.BootModeJob, bodyWhole: own.Quirks.BootWhole,
			}
			if q.BootAt != "" && !own.Quirks.BootInSettings || q.BootBody != "" && !has[q.BootBody] || q.JobsAt != "" && !own.Quirks.JobQueue {
				t.Errorf("the shape %s has no such habit", q.Shape)
			}
			if habits(rows, maker{vendor: "nobody"}) != (quirk{}) {
				t.Error("an unknown maker has habits")
			}
		})
	}
}

func TestReadQuirksRefuses(t *testing.T) {
	for text, want := range map[string]string{
		`{"version": 2, "quirks": []}`:                                                           "version 2",
		`{"version": 1, "quirks": [{"name": "x"}]}`:                                              "no source",
		`{"version": 1, "quirks": [{"name": "x", "source": "y", "vendor": "["}]}`:                "pattern",
		`{"version": 1, "quirks": [{"name": "x", "source": "y", "boot_body": "some"}]}`:          `boot_body "some"`,
		`{"version": 1, "quirks": [{"name": "x", "source": "y", "bot_body": "a slip of hand"}]}`: "unknown field",
		`{`: "reading the quirks",
	} {
		if _, err := readQuirks([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}
