package floor

import (
	"errors"
	"os"
	"strings"
	"testing"

	"socle/inventory"
	"socle/inventory/sheet"
)

func read(text string) ([]inventory.PlannedFixture, error) {
	return Read(sheet.CSV(strings.NewReader(text)))
}

func TestReadRefuses(t *testing.T) {
	const head = "kind,name,rack,u,height,depth,feed_a,feed_a_watts,feed_b\n"
	for line, want := range map[string]string{
		"rack,r1,,,,,,,":                      "column height: it is empty: write how many units",
		"rack,r1,r2,3,42,half,,,":             "column rack: a rack has none: its name stands under name",
		"rack,r1,,,61,,,,":                    "column height: \"61\" is no height in U",
		"rack,r1,,,42,,,7,":                   "column feed_a: it is empty, though its power is said",
		"rack,r1,,,42,,,,b":                   "column feed_a: it is empty, though there is a feed_b",
		"router,a,,,,,,,":                     `column kind: "router" is no kind of fixture: write rack, switch, pdu, patch-panel, spare or other`,
		"switch,,r1,1,,,,,":                   "column name: it is empty",
		"switch,a,,1,,,,,":                    "column rack: it is empty, though there is a u",
		"switch,a,r1,1,,,x,,":                 "column feed_a: only racks have feeds",
		"switch,a,r1,1,,,,,\npdu,b,R1,1,,,,,": "line 3, column u: U 1 of rack R1 is that of line 2 too",
		"switch,a,r1,1,,,,,\nspare,A,,,,,,,":  "line 3, column name: spare A is that of line 2 too",
		"rack,r1,,,42,,,,\nrack,R1,,,42,,,,":  "line 3, column name: rack R1 is that of line 2 too",
	} {
		all, err := read(head + line + "\n")
		var bad sheet.Errors
		if !errors.As(err, &bad) || all != nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", line, err, want)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add("kind,name,height\nrack,r1,42\n")
	f.Add("kind,name,rack,u,face,depth\nswitch,a,r1,60,rear,half\n")
	f.Fuzz(func(t *testing.T, text string) {
		all, err := read(text)
		if (err == nil) == (len(all) == 0) {
			t.Fatalf("%d fixtures, %v", len(all), err)
		}
		for _, p := range all {
			if p.Name == "" || p.IsRack() && (p.Place.Height < 1 || p.Place.U != 0) || p.Place.Top() > inventory.MaxU {
				t.Fatalf("accepted %+v", p)
			}
		}
	})
}

// TestDocumentedExample reads the example of docs/places.md, and looks whether the page names every column.
func TestDocumentedExample(t *testing.T) {
	page, err := os.ReadFile("../../docs/places.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "```csv\n")
	example, text, _ := strings.Cut(rest, "```")
	all, err := read(example)
	if err != nil || len(all) != 5 || all[0].Place.Height != 42 || len(all[0].Feeds) != 2 || !all[1].Place.HalfDepth {
		t.Errorf("%+v, %v", all, err)
	}
	for _, column := range Layout().All() {
		if !strings.Contains(text, "`"+column+"`") {
			t.Errorf("the page does not explain %s", column)
		}
	}
}
