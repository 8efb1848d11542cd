package acceptance_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"socle/hardware"
	"socle/inventory"
	"socle/inventory/acceptance"
)

var now = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

func parse(t *testing.T, text string) acceptance.Criteria {
	t.Helper()
	c, err := acceptance.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func good() acceptance.Case {
	return acceptance.Case{
		Machine: inventory.Machine{ID: "1", Name: "hv01", State: inventory.Ready, Model: "e9", Facts: &hardware.Facts{}, FactsAt: now.Add(-48 * time.Hour),
			Place: inventory.Place{Site: "ams1", Rack: "r1", U: 3}, Identity: inventory.Identity{Serial: "S1"}},
		Findings: []inventory.Findings{{Source: inventory.FromParts}, {Source: inventory.FromCabling}},
		Planned:  []inventory.FindingSource{inventory.FromParts, inventory.FromCabling},
		Measured: []inventory.Measurement{{Metric: "disk.read.random", Subject: "sda", Value: 200, Unit: "1/s", Time: now.Add(-time.Hour)}, {Metric: "disk.read.random", Subject: "sdb", Value: 90, Unit: "1/s", Time: now.Add(-time.Hour)}},
		Racked:   true,
	}
}

func slow(got string) inventory.Finding {
	return inventory.Finding{Source: inventory.FromParts, Kind: inventory.FindSlow, Subject: "disk sdb", Got: got, Reason: "disk sdb is slow"}
}

// TestJudge: each thing that is not as asked is told, and decides.
func TestJudge(t *testing.T) {
	strict := "name: e9\nmodel: E9\nlooked: [outlier]\nmax_days: 1\ntests: [cpu]\nracked: true\nmetrics: [{metric: disk.read.random, at_least: 100, at_most: 1000}]\n"
	for name, c := range map[string]struct {
		criteria string
		change   func(*acceptance.Case)
		verdict  acceptance.Verdict
		says     []string
	}{
		"as it should be":   {"", func(*acceptance.Case) {}, acceptance.Accepted, nil},
		"never seen":        {"", func(c *acceptance.Case) { c.Machine.State, c.Findings = inventory.Expected, nil }, acceptance.Open, []string{"it was never seen"}},
		"fault":             {"", func(c *acceptance.Case) { c.Machine.Fault = &inventory.Fault{Kind: "no-disk", Reason: "none"} }, acceptance.Rejected, []string{"it has the fault no-disk: none"}},
		"held":              {"", func(c *acceptance.Case) { c.Machine.Hold = &inventory.Hold{Reason: "wait"} }, acceptance.Open, []string{"it is held: wait"}},
		"at work elsewhere": {"", func(c *acceptance.Case) { c.Machine.State = inventory.Rescuing }, acceptance.Open, []string{"it is rescuing, and not ready or active"}},
		"not looked into":   {"", func(c *acceptance.Case) { c.Machine.FactsAt = time.Time{} }, acceptance.Open, []string{"the agent has not looked at its hardware"}},
		"nobody compared":   {"", func(c *acceptance.Case) { c.Findings = c.Findings[:1] }, acceptance.Open, []string{"cabling: nobody has looked yet"}},
		"a defect":          {"", func(c *acceptance.Case) { c.Findings[0].List = []inventory.Finding{slow("90")} }, acceptance.Rejected, []string{"disk sdb is slow"}},
		"minor":             {"", func(c *acceptance.Case) { f := slow("90"); f.Minor = true; c.Findings[0].List = []inventory.Finding{f} }, acceptance.Accepted, nil},
		"not known": {"", func(c *acceptance.Case) {
			f := slow("90")
			f.Kind = inventory.FindUnknown
			c.Findings[0].List = []inventory.Finding{f}
		}, acceptance.Open, []string{"disk sdb is slow"}},
		"ignored":             {"name: e9\nmodel: ''\nignore: [{kind: slow, subject: 'disk *'}]", func(c *acceptance.Case) { c.Findings[0].List = []inventory.Finding{slow("90")} }, acceptance.Accepted, nil},
		"another one ignored": {"name: e9\nmodel: ''\nignore: [{kind: slow, subject: 'DIMM *'}]", func(c *acceptance.Case) { c.Findings[0].List = []inventory.Finding{slow("90")} }, acceptance.Rejected, []string{"disk sdb is slow"}},
		"waived": {"", func(c *acceptance.Case) {
			c.Findings[0].List = []inventory.Finding{slow("90")}
			c.Waivers = []acceptance.Waiver{{Finding: slow("90"), By: "ann", Reason: "a spare is ordered"}}
		}, acceptance.Waived, []string{"disk sdb is slow (waived by ann: a spare is ordered)"}},
		"waived, and worse since": {"", func(c *acceptance.Case) {
			c.Findings[0].List = []inventory.Finding{slow("10")}
			c.Waivers = []acceptance.Waiver{{Finding: slow("90"), By: "ann", Reason: "a spare is ordered"}}
		}, acceptance.Rejected, []string{"disk sdb is slow (what was waived of it was another reading or part)"}},
		"tested":      {"name: e9\nmodel: E9\nmax_days: 3\ntests: [cpu]", func(c *acceptance.Case) { c.Tested = map[string]time.Time{"cpu": now.Add(-time.Hour)} }, acceptance.Accepted, nil},
		"tested once": {"name: e9\nmodel: E9\nmax_days: 3\ntests: [cpu]", func(c *acceptance.Case) { c.Tested = map[string]time.Time{"cpu": now.Add(-96 * time.Hour)} }, acceptance.Open, []string{"test cpu: it was measured on 2026-11-22, more than 3 days ago"}},
		"strict": {strict, func(c *acceptance.Case) { c.Racked = false }, acceptance.Rejected, []string{
			"disk.read.random sdb: 90 1/s, at least 100 is wanted", "the agent looked at its hardware on 2026-11-24, more than 1 days ago",
			"outlier: nobody has looked yet", "test cpu: nothing was measured", "nobody said in the aisle that it stands at its place: socle rack",
		}},
	} {
		of, criteria := good(), acceptance.Default()
		c.change(&of)
		if c.criteria != "" {
			criteria = acceptance.For([]acceptance.Criteria{parse(t, c.criteria)}, &of.Machine)
		}
		u := acceptance.Judge(criteria, of, now)
		if diff := cmp.Diff(c.says, u.Reasons()); u.Verdict != c.verdict || diff != "" {
			t.Errorf("%s: %s, want %s\n%s", name, u.Verdict, c.verdict, diff)
		}
		if u.Criteria != criteria.Name || len(u.Digest) != 64 {
			t.Errorf("%s: judged by %q %q", name, u.Criteria, u.Digest)
		}
	}
}

// TestReport: the worst of a scope is what is said of it, and what was ordered and has not come keeps it open.
func TestReport(t *testing.T) {
	unit := func(name string, u int, v acceptance.Verdict) acceptance.Unit {
		return acceptance.Unit{Name: name, Rack: "r1", U: u, Verdict: v}
	}
	a, w, o, r := unit("a", 3, acceptance.Accepted), unit("w", 2, acceptance.Waived), unit("o", 1, acceptance.Open), unit("r", 0, acceptance.Rejected)
	missing := []acceptance.Missing{{Delivery: "PO-1", Line: 1, Count: 2}}
	for name, c := range map[string]struct {
		units   []acceptance.Unit
		missing []acceptance.Missing
		want    acceptance.Verdict
	}{
		"all": {[]acceptance.Unit{a}, nil, acceptance.Accepted}, "one waived": {[]acceptance.Unit{a, w}, nil, acceptance.Waived},
		"one open": {[]acceptance.Unit{a, o, w}, nil, acceptance.Open}, "one rejected": {[]acceptance.Unit{a, r, o}, missing, acceptance.Rejected},
		"two to come": {[]acceptance.Unit{a}, missing, acceptance.Open}, "nobody": {nil, nil, acceptance.Open},
	} {
		got := acceptance.NewReport(acceptance.Scope{Kind: acceptance.OfRack, Name: "r1"}, now, c.units, c.missing)
		if got.Verdict != c.want || len(got.Units) != len(c.units) {
			t.Errorf("%s: %s, want %s", name, got.Verdict, c.want)
		}
	}
	rep := acceptance.NewReport(acceptance.Scope{Kind: acceptance.OfRack, Name: "r1"}, now, []acceptance.Unit{a, w, o}, nil)
	if rep.Units[0].Name != "o" || rep.Count(acceptance.Waived) != 1 {
		t.Errorf("%+v", rep)
	}
}

// TestParse: all that is wrong is told at once.
func TestParse(t *testing.T) {
	_, err := acceptance.Parse([]byte("name: a b\nmodel: x\nmax_days: -1\nlooked: [dreams]\nstates: [gone]\ntests: ['*']\nignore: [{}, {subject: '['}, {source: x}]\nmetrics: [{metric: a b}, {metric: cpu.ops, at_least: .nan}]\n"))
	for _, want := range []string{`name "a b"`, "max_days -1", `looked[0]: "dreams"`, `states[0]: "gone"`, `tests[0]: "*"`, "ignore[0] says nothing", `ignore[1]: subject "["`, `ignore[2]: source "x"`,
		`metrics[0]: "a b"`, "metrics[0] a b: write at_least", "metrics[1] cpu.ops: NaN"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in %v", want, err)
		}
	}
	for text, want := range map[string]string{"": "empty", "nme: x": "nme", "name: a\n---\nname: b\n": "second document", strings.Repeat(" ", acceptance.MaxBytes+1): "more than"} {
		if _, err := acceptance.Parse([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20q: %v, want %q", text, err, want)
		}
	}
}

// TestFor: the longest beginning of the model holds.
func TestFor(t *testing.T) {
	all := []acceptance.Criteria{parse(t, "name: all\nmodel: ''"), parse(t, "name: dell\nmodel: PowerEdge"), parse(t, "name: r650\nmodel: poweredge r650")}
	for model, want := range map[string]string{"": "all", "PowerEdge R640": "dell", "PowerEdge R650xs": "r650"} {
		if got := acceptance.For(all, &inventory.Machine{Model: model}).Name; got != want {
			t.Errorf("%s: %s, want %s", model, got, want)
		}
	}
	if got := acceptance.For(all, &inventory.Machine{Model: "r6", Facts: &hardware.Facts{System: hardware.System{Product: "PowerEdge R650"}}}).Name; got != "r650" {
		t.Errorf("by the product's name: %s", got)
	}
	if got := acceptance.For(all[1:], &inventory.Machine{Model: "x"}).Name; got != "default" {
		t.Errorf("of nothing: %s", got)
	}
}

// FuzzParse: what is accepted is sound, and judges without a panic.
func FuzzParse(f *testing.F) {
	f.Add("name: e9\nmodel: E9\nlooked: [outlier]\nignore: [{subject: 'disk [a-z]*'}]\nmetrics: [{metric: cpu.ops, at_least: 1}]", "disk sda")
	f.Fuzz(func(t *testing.T, text, subject string) {
		c, err := acceptance.Parse([]byte(text))
		if err != nil {
			return
		}
		of := good()
		of.Findings[0].List = []inventory.Finding{{Source: inventory.FromParts, Subject: subject}}
		if u := acceptance.Judge(c, of, now); u.Verdict == "" {
			t.Errorf("%+v", u)
		}
	})
}
