package inventory

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write docs/lifecycle.md anew from the table of transitions")

// lifecyclePage is docs/lifecycle.md: all that it says of states and roads comes from the table.
func lifecyclePage() string {
	var b strings.Builder
	b.WriteString(`# The life cycle of a machine

This page is made from the table in ` + "`inventory/transition.go`" + ` by ` + "`go test ./inventory -update`" + `; a test fails when
they differ. Nothing moves a machine on a road that is not here.

` + "```mermaid\n" + Diagram() + "```" + `

A *stable* state lasts until somebody wants something else. A *transient* one (dashed) works towards a stable
one and has a deadline. When its work fails, the machine gets a fault that says what happened and what to do, and
stays where it is or goes back on the road of failure; there is no "failed" twin of a state. A hold is a flag
beside the state: Socle then keeps its hands off. Power is an axis of its own.

| from | to | why | works towards | deadline | boots meanwhile |
|---|---|---|---|---|---|
`)
	for _, t := range transitions {
		leads, deadline, boot := string(t.Leads), "", string(t.Boot)
		if t.Deadline > 0 {
			deadline = inWords(t.Deadline)
		}
		if boot == "" {
			boot = "nothing"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n", t.From, t.To, t.Why, leads, deadline, boot)
	}
	return b.String()
}

func TestLifecyclePage(t *testing.T) {
	const page = "../docs/lifecycle.md"
	want := lifecyclePage()
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("docs/lifecycle.md is not what the table says: go test ./inventory -update (-table +page):\n%s", diff)
	}
}

// TestDiagramShowsEveryRoad counts the arrows of the diagram against the table.
func TestDiagramShowsEveryRoad(t *testing.T) {
	d := Diagram()
	for _, tr := range Transitions() {
		if n := strings.Count(d, fmt.Sprintf("    %s --> %s: %s", tr.From, tr.To, tr.Why)); n != 1 {
			t.Errorf("%s to %s is in the diagram %d times", tr.From, tr.To, n)
		}
	}
	if arrows := strings.Count(d, "-->"); arrows != len(Transitions())+3 {
		t.Errorf("%d arrows for %d transitions", arrows, len(Transitions()))
	}
	if strings.ContainsAny(strings.ReplaceAll(d, ": ", ""), ";#") {
		t.Error("the diagram has characters that Mermaid reads as something else")
	}
}
