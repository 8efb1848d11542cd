package baseline_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"socle/inventory"
	"socle/inventory/baseline"
)

const sample = `# what the R640s run
name: autumn
rules:
  - {vendor: Dell*, model: PowerEdge R640, component: BIOS, at_least: 2.10, file: old.exe, sha256: ` + digest + `, needs: reboot}
  - vendor: dell*
    model: poweredge r640
    component: bios
    at_least: 2.17.1
    url: http://files.example/bios.exe
    needs: reboot
  - {model: "*", component: "*Remote Access*", exactly: 7.00.00.172, needs: bmc-restart}
`

const digest = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

func TestParse(t *testing.T) {
	doc, err := baseline.Parse([]byte(sample))
	if err != nil {
		t.Fatal(err)
	}
	want := baseline.Document{Name: "autumn", Rules: []baseline.Rule{
		{Vendor: "Dell*", Model: "PowerEdge R640", Component: "BIOS", Version: "2.10", File: "old.exe", SHA256: digest, Needs: inventory.NeedsReboot},
		{Vendor: "dell*", Model: "poweredge r640", Component: "bios", Version: "2.17.1", URL: "http://files.example/bios.exe", Needs: inventory.NeedsReboot},
		{Model: "*", Component: "*Remote Access*", Version: "7.00.00.172", Exact: true, Needs: inventory.NeedsBMC},
	}}
	if diff := cmp.Diff(want, doc); diff != "" {
		t.Error(diff)
	}
	if doc, err := baseline.Parse([]byte(`{"name": "x", "rules": [{"model": "*", "component": "BMC", "at_least": "1.0"}]}`)); err != nil || len(doc.Rules) != 1 {
		t.Errorf("JSON: %+v, %v", doc, err)
	}
}

// TestParseErrors: all errors at once, by their lines.
func TestParseErrors(t *testing.T) {
	_, err := baseline.Parse([]byte(`name: Autumn!
rulez: 1
rules:
  - component: BIOS
    at_least: 2.17
    exactly: 2.17
  - model: "*"
    component: BIOS
    at_least: IVE182D
    sha256: 12
  - {model: "*", component: BIOS, at_least: 1.0, file: ../x, sha256: zz, url: "ftp://x", needs: prayer}
  - nonsense
  - {model: "*", model: "*", component: [], at_least: 1.0}
`))
	var errs baseline.Errors
	if !errors.As(err, &errs) {
		t.Fatal(err)
	}
	var got []string
	for _, e := range errs {
		got = append(got, fmt.Sprintf("%d %s", e.Line, e.Path))
	}
	want := []string{
		"1 name", "2 rulez", "4 rules[0].model", "5 rules[0].at_least", "9 rules[1].at_least", "7 rules[1].file", "10 rules[1].sha256",
		"11 rules[2].url", "11 rules[2].file", "11 rules[2].sha256", "11 rules[2].url", "11 rules[2].needs", "12 rules[3]",
		"13 rules[4].model", "13 rules[4].component",
	}
	missing := map[string]bool{}
	for _, w := range want {
		missing[w] = true
	}
	for _, g := range got {
		delete(missing, g)
	}
	if len(missing) > 0 || len(got) != len(want) {
		t.Errorf("missing %v of\n%v\n%v", missing, strings.Join(got, "\n"), err)
	}
	for _, text := range []string{"", "[", "- a", "name: x", "name: x\nrules: []", "name: &a x\nrules: *a"} {
		if _, err := baseline.Parse([]byte(text)); !errors.As(err, &errs) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestJudge(t *testing.T) {
	doc, err := baseline.Parse([]byte(sample))
	if err != nil {
		t.Fatal(err)
	}
	parts := []inventory.Component{
		{ID: "BIOS", Name: "BIOS", Version: "2.14.2"}, {ID: "BMC", Name: "Integrated Dell Remote Access Controller", Version: "7.10.00.00"}, {ID: "NIC1", Name: "Broadcom", Version: "21.80.9"},
	}
	show := func(vendor, model string, parts ...inventory.Component) (all []string) {
		for _, f := range doc.Judge(vendor, model, parts) {
			all = append(all, fmt.Sprintf("%d %s %s", f.Rule, f.Component.ID, f.State))
		}
		return all
	}
	if diff := cmp.Diff([]string{"0 BIOS ok", "1 BIOS older", "2 BMC newer", "-1 NIC1 not asked"}, show("Dell Inc.", "PowerEdge R640", parts...)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"2 BMC newer", "-1 BIOS not asked", "-1 NIC1 not asked"}, show("Dell Inc.", "PowerEdge R650", parts...)); diff != "" {
		t.Error(diff)
	}
	parts[0].Version = "n/a"
	if diff := cmp.Diff([]string{"0 BIOS unknown", "1 BIOS unknown", "2  unknown"}, show("Dell Inc.", "PowerEdge R640", parts[0])); diff != "" {
		t.Error(diff)
	}
	for _, c := range []struct {
		version, asks string
		want          bool
	}{{"2.18", ">= 2.17", true}, {"2.16", ">= 2.17", false}, {"2.17", "= 2.17.0", true}, {"2.18", "= 2.17", false}, {"?", ">= 2.17", false}} {
		if got := baseline.Met(c.version, c.asks); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}

// FuzzParse: what people write breaks nothing, and what is taken is whole.
func FuzzParse(f *testing.F) {
	f.Add(sample)
	f.Add(`{"name":"x","rules":[{"model":"*","component":"BMC","exactly":"1"}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		doc, err := baseline.Parse([]byte(text))
		var errs baseline.Errors
		switch {
		case err != nil && (!errors.As(err, &errs) || len(errs) == 0):
			t.Errorf("%v", err)
		case err == nil && (doc.Name == "" || len(doc.Rules) == 0):
			t.Errorf("%+v", doc)
		}
		doc.Judge("Dell", text, []inventory.Component{{Name: text, Version: text}})
	})
}
