package app

import (
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"socle/api"
	"socle/assess"
	"socle/hardware"
	"socle/hardware/sample"
	"socle/inventory"
	"socle/inventory/store"
)

// compared are real servers of one model, and a worker that compares them.
func compared(t *testing.T) (*store.Store, []inventory.Machine, func() map[string][]inventory.Finding) {
	t.Helper()
	servers, err := sample.All()
	must(t, err)
	var same []hardware.Facts
	for _, s := range servers {
		if strings.HasPrefix(s.Facts.System.Serial, "CZ3404YWP") { // the others have less memory, see inventory/bom
			same = append(same, s.Facts)
		}
	}
	if len(same) < 3 {
		t.Fatalf("%d servers are alike", len(same))
	}
	s, machines := stored(t, 3, func(i int) *hardware.Facts { return &same[i] })
	w := assess.Worker{Store: s, Checks: []assess.Check{models{s}}, Log: slog.New(slog.DiscardHandler), Now: time.Now}
	return s, machines, func() map[string][]inventory.Finding {
		t.Helper()
		must(t, w.Assess(t.Context()))
		all, err := s.Findings(t.Context(), "")
		must(t, err)
		found := map[string][]inventory.Finding{}
		for _, f := range all {
			found[f.Machine] = f.List
		}
		return found
	}
}

// alter changes a machine as an import or an inspection would.
func alter(t *testing.T, s *store.Store, id string, change func(m *inventory.Machine)) {
	t.Helper()
	_, err := s.Change(t.Context(), id, "test", func(m *inventory.Machine) (inventory.Note, error) {
		change(m)
		return inventory.Note{Kind: "test"}, nil
	})
	must(t, err)
}

// TestModelsThroughTheWorker: a server whose DIMM is not there is found by the profile of a good one, and by nothing else;
// what was found goes when the part or the model does.
func TestModelsThroughTheWorker(t *testing.T) {
	s, machines, assess := compared(t)
	good, bad, other := machines[0].ID, machines[1].ID, machines[2].ID
	gone := hardware.DIMM{}
	alter(t, s, bad, func(m *inventory.Machine) {
		for i, d := range m.Facts.Memory.DIMMs {
			if d.SizeBytes > 0 {
				gone, m.Facts.Memory.DIMMs[i] = d, hardware.DIMM{Locator: d.Locator}
				return
			}
		}
	})
	for _, id := range []string{good, bad} {
		alter(t, s, id, func(m *inventory.Machine) { m.Model = "bl460c" })
	}
	if found := assess(); len(found) != 0 {
		t.Errorf("without a profile: %v", found)
	}
	d, err := models{s}.TakeModel(t.Context(), "test", "bl460c", machines[0].Name)
	if err != nil || d.Name != "bl460c" || d.Version != 1 || !strings.Contains(d.Text, gone.PartNumber) {
		t.Fatalf("%+v, %v", d, err)
	}
	found := assess()
	if len(found) != 2 || found[good] == nil || len(found[good]) != 0 || len(found[bad]) != 1 {
		t.Fatalf("%v", found)
	}
	if f := found[bad][0]; f.Kind != inventory.FindMissing || f.Source != inventory.FromParts || !strings.Contains(f.Reason, strings.Join(strings.Fields(gone.Locator), " ")) || f.Part != gone.PartNumber {
		t.Errorf("%+v, want %+v", f, gone)
	}
	if _, err := (models{s}).PutModel(t.Context(), "test", []byte("name: bl460c\nitems: [{class: nic, count: 0}]\n")); err != nil {
		t.Fatal(err)
	}
	if found = assess(); len(found[good]) != len(machines[0].Facts.NICs) {
		t.Errorf("the newest version counts: %v", found[good])
	}
	for _, id := range []string{good, bad} {
		alter(t, s, id, func(m *inventory.Machine) { m.Model = "" })
	}
	if found = assess(); len(found[good]) != 0 || len(found[bad]) != 0 || found[other] != nil {
		t.Errorf("without a model: %v", found)
	}
}

// TestModelsOfPeople: what is wrong is told, all of it, and nothing is stored.
func TestModelsOfPeople(t *testing.T) {
	s, machines, _ := compared(t)
	m := models{s}
	alter(t, s, machines[2].ID, func(m *inventory.Machine) { m.Facts = nil })
	name := machines[0].Name
	_, twice := m.PutModel(t.Context(), "test", []byte("name: a b\nitems: [{class: fan, count: -1}]\n"))
	_, empty := m.PutModel(t.Context(), "test", nil)
	_, unseen := m.TakeModel(t.Context(), "test", "x", machines[2].Name)
	_, badName := m.TakeModel(t.Context(), "test", "a b", name)
	_, _, noModel := m.CompareModel(t.Context(), name, "")
	for what, x := range map[string]struct {
		err    error
		status int
		says   string
		errors int
	}{
		"a document":       {twice, http.StatusUnprocessableEntity, "3 errors; nothing was stored", 3},
		"nothing":          {empty, http.StatusUnprocessableEntity, "it is empty", 0},
		"an unseen server": {unseen, http.StatusConflict, "inspect it first", 0},
		"a name":           {badName, http.StatusUnprocessableEntity, "1 error;", 1},
		"no model":         {noModel, http.StatusConflict, "a column model", 0},
	} {
		var p *api.Problem
		if !errors.As(x.err, &p) || p.Status != x.status || !strings.Contains(p.Detail, x.says) || len(p.Errors) != x.errors {
			t.Errorf("%s: %v", what, x.err)
		}
	}
	if _, _, err := m.CompareModel(t.Context(), name, "none"); !errors.Is(err, inventory.ErrNotFound) {
		t.Error(err)
	}
	if all, err := m.Models(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("%v, %v", all, err)
	}
	_, err := m.TakeModel(t.Context(), "test", "x", name)
	must(t, err)
	if machine, found, err := m.CompareModel(t.Context(), machines[1].ID, "x"); err != nil || len(found) != 0 || machine.Name != machines[1].Name {
		t.Errorf("%+v, %v", found, err)
	}
}

// BenchmarkModels2000 is what a comparison of 2,000 machines with their model takes.
func BenchmarkModels2000(b *testing.B) {
	servers, err := sample.All()
	if err != nil {
		b.Fatal(err)
	}
	s, machines := stored(b, 2000, func(i int) *hardware.Facts { return &servers[i%len(servers)].Facts })
	if _, err := (models{s}).TakeModel(b.Context(), "test", "x", machines[0].Name); err != nil {
		b.Fatal(err)
	}
	for i := range machines {
		machines[i].Model = "x"
	}
	for b.Loop() {
		if found, err := (models{s}).Find(b.Context(), machines); err != nil || len(found) != 2000 {
			b.Fatal(len(found), err)
		}
	}
}
