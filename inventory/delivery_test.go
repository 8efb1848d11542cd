package inventory_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"socle/inventory"
)

func TestParseAmount(t *testing.T) {
	for text, want := range map[string]string{
		"0": "0.00", "1": "1.00", "1234.5": "1234.50", "1,234.50": "1234.50", "12,5": "12.50", "1 234.5678": "1234.5678", "1,234": "1234.00", "0.1000": "0.10", "3.14159000": "",
		"": "", "-1": "", "1.234,50": "", "1e3": "", "a": "", "1.2.3": "", "9999999999999": "",
	} {
		got, err := inventory.ParseAmount(text)
		if (err != nil) != (want == "") || err == nil && got.String() != want {
			t.Errorf("%q is %s, %v; want %q", text, got, err, want)
		}
	}
}

// TestFollow counts machines into the lines of orders.
func TestFollow(t *testing.T) {
	machine := func(name, delivery, model string, state inventory.State, rack string) inventory.Machine {
		m := inventory.Machine{Name: name, State: state, InPlan: true, Delivery: delivery, Model: model, Identity: inventory.Identity{Serial: name}}
		if rack != "" {
			m.Place = inventory.Place{Rack: rack, U: 1}
		}
		return m
	}
	const exp, disc, ret = inventory.Expected, inventory.Discovered, inventory.Retired
	machines := []inventory.Machine{
		machine("a1", "PO-1", "r650", exp, ""), machine("a2", "po-1", "R650", disc, "r1"), machine("a3", "PO-1", "r650", inventory.Active, "r1"), machine("a4", "PO-1", "r650", exp, "r1"),
		machine("b1", "PO-1", "x12", exp, ""), machine("c1", "PO-1", "other", disc, ""), machine("d1", "PO-2", "", disc, ""), machine("e1", "", "r650", exp, ""), machine("f1", "PO-9", "r650", ret, ""),
		{Name: "stray", State: disc}, {Name: "slot", State: exp, InPlan: true, Delivery: "PO-2", Model: "r650"},
	}
	seenByDHCP := machine("d2", "PO-2", "r650", exp, "")
	seenByDHCP.SeenAt = time.Unix(1, 0)
	machines = append(machines, seenByDHCP)
	got, notSeen := inventory.Follow([]inventory.Delivery{
		{Number: "PO-2", Lines: []inventory.OrderLine{{Line: 1, Model: "r650", Quantity: 5}}},
		{Number: "PO-1", Lines: []inventory.OrderLine{{Line: 1, Model: "r650", Quantity: 2}, {Line: 2, Model: "r650", Quantity: 1}, {Line: 3, Model: "x12", Quantity: 3}, {Line: 4, Description: "cable", Quantity: 9}}},
	}, machines)
	var lines [][4]int
	for _, p := range got {
		for _, l := range p.Lines {
			lines = append(lines, [4]int{l.Announced, l.Racked, l.Detected, l.Missing()})
		}
	}
	if diff := cmp.Diff([][4]int{{2, 2, 2, 0}, {1, 1, 0, 0}, {1, 0, 0, 2}, {2, 0, 2, 3}}, lines); diff != "" {
		t.Errorf("announced, racked, detected, missing: %s", diff)
	}
	if diff := cmp.Diff([]string{"a1", "c1"}, got[0].Extra); diff != "" || len(got[0].Other) != 1 || len(got[1].Extra) != 0 {
		t.Errorf("extra: %s", diff)
	}
	// Of PO-1: one r650 and three x12; of PO-2: three; beside the orders: a1 and e1, and the slot without a serial.
	if got[0].NotSeen() != 4 || got[1].NotSeen() != 3 || notSeen != 10 {
		t.Errorf("not seen: %d, %d, %d in all", got[0].NotSeen(), got[1].NotSeen(), notSeen)
	}
}
