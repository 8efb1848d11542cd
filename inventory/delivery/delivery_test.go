package delivery_test

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"socle/inventory"
	"socle/inventory/delivery"
	"socle/inventory/sheet"
)

func read(text string, said inventory.Delivery) ([]inventory.Delivery, error) {
	return delivery.Read(sheet.CSV(strings.NewReader(text)), nil, said)
}

// TestDocumentedExample reads the example of the manual, and looks whether the page names every column.
func TestDocumentedExample(t *testing.T) {
	page, err := os.ReadFile("../../docs/delivery.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "```csv\n")
	example, text, _ := strings.Cut(rest, "```")
	day := time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)
	got, err := read(example, inventory.Delivery{Vendor: "Dell", Ordered: day})
	if err != nil {
		t.Fatal(err)
	}
	want := []inventory.Delivery{{Number: "PO-4711", Vendor: "Dell", Ordered: day, Lines: []inventory.OrderLine{
		{Line: 1, PartNumber: "210-AZYQ", Model: "r650", Description: "Rack server", Quantity: 40, UnitPrice: 78125000, Currency: "EUR"},
		{Line: 2, PartNumber: "470-ABND", Description: "Cable 3 m", Quantity: 80, UnitPrice: 42000, Currency: "EUR"},
	}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("orders (-want +got):\n%s", diff)
	}
	for _, column := range delivery.Layout().All() {
		if !strings.Contains(text, "`"+column+"`") {
			t.Errorf("the page does not explain %s", column)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	_, err := read("number,vendor,line,model,quantity,unit_price,currency,ordered\n"+
		"PO-1,Dell,1,r650,2,1,eur,\n"+
		"po-1,HPE,1,r650,2,1,EUR,\n"+
		"-,Dell,,r650,0,1.23456,Euro,soon\n"+
		"PO-2,Dell,,,,5,,\n", inventory.Delivery{})
	want := []string{
		`line 3, column vendor: order po-1 has "Dell" in its first line and "HPE" here`,
		"line 3, column line: line 1 of order po-1 is that of line 2 too",
		`line 4, column ordered: "soon" is no date: write it as 2026-11-26`,
		`line 4, column number: "-" is no number of an order`,
		`line 4, column quantity: "0" is no number from 1 to 100000`,
		`line 4, column currency: "EURO" is no currency`,
		`line 4, column unit_price: "1.23456" is no price`,
		"line 5, column quantity: it is empty",
		"line 5, column currency: it is empty, though there is a unit_price",
		"line 5, column description: neither part_number nor model nor description",
	}
	var errs sheet.Errors
	if !errors.As(err, &errs) || len(errs.List) != len(want) {
		t.Fatal(err)
	}
	for i, w := range want {
		if !strings.HasPrefix(errs.List[i].Error(), w) {
			t.Errorf("error %d is %q, want %q", i, errs.List[i], w)
		}
	}
}
