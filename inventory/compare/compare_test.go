package compare_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"socle/hardware"
	"socle/inventory"
	"socle/inventory/bom"
	"socle/inventory/compare"
)

// whole is a server that came as ordered, was racked where it was planned, and was seen there.
func whole() compare.Input {
	dimm := func(slot, serial string) hardware.DIMM {
		return hardware.DIMM{Locator: slot, PartNumber: "M393", Serial: serial, SizeBytes: 16 << 30}
	}
	facts := hardware.Facts{System: hardware.System{Product: "R650", Serial: "SN1"}, Memory: hardware.Memory{DIMMs: []hardware.DIMM{dimm("A1", "d1"), dimm("A2", "d2")}}}
	model := bom.Take("r650", facts)
	m := inventory.Machine{ID: "1", Name: "hv1", Model: "r650", InPlan: true, State: inventory.Ready, Identity: inventory.Identity{Serial: "SN1"},
		Place: inventory.Place{Site: "ams1", Rack: "r1", U: 4}, Facts: &facts}
	at := inventory.Racking{Machine: "1", Place: m.Place, Actor: "anna", Time: time.Date(2026, 11, 26, 9, 0, 0, 0, time.UTC)}
	return compare.Input{Machine: m, Model: &model, Racked: &at, Stands: &m}
}

func TestRows(t *testing.T) {
	for name, c := range map[string]struct {
		change func(in *compare.Input)
		want   []string // what is not right
	}{
		"as ordered": {func(*compare.Input) {}, nil},
		"never seen": {func(in *compare.Input) {
			in.Machine.Facts, in.Machine.State, in.Racked, in.Stands = nil, inventory.Expected, nil, nil
		}, []string{"server r650 SN1/-/-: missing", "place ams1/r1, U 4/-/-: open", "parts r650/-/-: open"}},
		"nobody ordered it": {func(in *compare.Input) { in.Machine.InPlan, in.Machine.Model = false, "" }, []string{"server -/yes/R650: extra", "parts -/-/-: open"}},
		"another server":    {func(in *compare.Input) { in.Machine.Facts.System.Serial = "SN2" }, []string{"server r650 SN1/yes/R650: wrong-part"}},
		"not racked":        {func(in *compare.Input) { in.Racked = nil }, []string{"server r650/-/R650: open"}},
		"the plan moved":    {func(in *compare.Input) { in.Machine.Place.U = 6 }, []string{"place ams1/r1, U 6/ams1/r1, U 4/ams1/r1, U 4: wrong-place"}},
		"the other face":    {func(in *compare.Input) { in.Machine.Place.Face = inventory.Rear }, []string{"place ams1/r1, U 4 at the rear/ams1/r1, U 4/ams1/r1, U 4: wrong-place"}},
		"the front, said":   {func(in *compare.Input) { in.Machine.Place.Face = inventory.Front }, nil},
		"in another's place": {func(in *compare.Input) {
			in.Stands = &inventory.Machine{ID: "2", Name: "hv2", Place: inventory.Place{Site: "ams1", Rack: "r1", U: 5}}
		}, []string{"place ams1/r1, U 4/ams1/r1, U 4/ams1/r1, U 5: wrong-place"}},
		"no place":     {func(in *compare.Input) { in.Machine.Place = inventory.Place{} }, []string{"place -/ams1/r1, U 4/-: open"}},
		"no document":  {func(in *compare.Input) { in.Model = nil }, []string{"parts r650/-/-: open"}},
		"a DIMM gone":  {func(in *compare.Input) { in.Machine.Facts.Memory.DIMMs = in.Machine.Facts.Memory.DIMMs[:1] }, []string{"DIMM A2 16.0 GiB M393/-/-: missing"}},
		"DIMMs unread": {func(in *compare.Input) { in.Machine.Facts.Memory.DIMMs = nil }, []string{"DIMMs -/-/-: open"}},
	} {
		in := whole()
		c.change(&in)
		if name == "no place" {
			in.Stands = &in.Machine
		}
		var got []string
		for _, r := range compare.Rows(in) {
			if r.Verdict == compare.Right && r.Reason != "" || r.Verdict != compare.Right && r.Reason == "" || r.Wrong() != (r.Verdict != compare.Right && r.Verdict != compare.Open) {
				t.Errorf("%s: %+v", name, r)
			}
			if r.Verdict != compare.Right {
				dash := strings.NewReplacer(" /", " -/", "//", "/-/", "/:", "/-:")
				got = append(got, dash.Replace(dash.Replace(fmt.Sprintf("%s %s/%s/%s: %s", r.Subject, r.Ordered, r.Racked, r.Detected, r.Verdict))))
			}
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
	if n := len(compare.Rows(whole())); n != 4 {
		t.Errorf("%d rows, not the server, its place and two DIMMs", n)
	}
}
