package inventory_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"socle/inventory"
)

// firmware is what the tests ask of.
func firmware() inventory.Bios {
	least, most := int64(60), int64(240)
	length := int64(4)
	return inventory.Bios{Model: "PowerEdge R640", Registry: "r", Attributes: []inventory.Attribute{
		{Name: "Delay", Kind: inventory.AttributeNumber, Value: int64(60), Least: &least, Most: &most},
		{Name: "Model", Kind: inventory.AttributeText, Value: "DDR4", ReadOnly: true},
		{Name: "Quiet", Kind: inventory.AttributeSwitch, Value: false},
		{Name: "Secret", Kind: inventory.AttributePassword},
		{Name: "Sriov", Kind: inventory.AttributeChoice, Value: "Disabled", Pending: "Enabled", Allowed: []string{"Enabled", "Disabled"}},
		{Name: "Tag", Kind: inventory.AttributeText, Value: "", Most: &length},
	}}
}

func TestBiosCheck(t *testing.T) {
	got, err := firmware().Check(map[string]any{"Delay": "90", "Quiet": "true", "Sriov": "Enabled", "Tag": 12})
	if diff := cmp.Diff(inventory.Values{"Delay": int64(90), "Quiet": true, "Sriov": "Enabled", "Tag": "12"}, got); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	for _, tc := range []struct {
		name  string
		value any
		want  string
	}{
		{"sriov", "Enabled", `no setting "sriov"; did you mean Sriov?`},
		{"Nothing", 1, `no setting "Nothing"`},
		{"Sriov", "On", "On is none of its values: Enabled, Disabled"},
		{"Sriov", true, "true is none of its values"},
		{"Delay", 59.0, "59 is not within 60 to 240"},
		{"Delay", "241", "241 is not within 60 to 240"},
		{"Delay", "soon", "soon is no whole number"},
		{"Delay", 60.5, "a whole number"},
		{"Quiet", "perhaps", "neither true nor false"},
		{"Model", "DDR5", "it is DDR4 and read-only"},
		{"Secret", "x", "passwords"},
		{"Tag", "abcde", "has 5 characters, not any to 4"},
		{"Tag", []string{"a"}, "a value is a text"},
	} {
		if _, err := firmware().Check(map[string]any{tc.name: tc.value, "Delay2": 1}); !errors.Is(err, inventory.ErrSetting) ||
			!strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), "Delay2") {
			t.Errorf("%s = %v: %v", tc.name, tc.value, err)
		}
	}
}

func TestBiosDiff(t *testing.T) {
	want := inventory.Values{"Delay": int64(90), "Quiet": false, "Sriov": "Enabled"}
	got := firmware().Diff(want)
	if len(got) != 2 || got[0].String() != "Delay 60 → 90" || got[1].String() != "Sriov Disabled → Enabled" || got[1].Pending != "Enabled" {
		t.Errorf("%v", got)
	}
	// What is in force and waits to be something else is not as wanted.
	if got := firmware().Diff(inventory.Values{"Sriov": "Disabled", "Delay": int64(60)}); len(got) != 1 || got[0].String() != "Sriov Disabled → Disabled (Enabled waits for the next boot)" {
		t.Errorf("%v", got)
	}
}

func TestValuesReadAsTheyWereWritten(t *testing.T) {
	was := inventory.Values{"Delay": int64(90), "Quiet": true, "Tag": "x", "Gone": nil}
	text, err := json.Marshal(was)
	if err != nil {
		t.Fatal(err)
	}
	var is inventory.Values
	if err := json.Unmarshal(text, &is); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(was, is); diff != "" {
		t.Error(diff)
	}
	if err := json.Unmarshal([]byte(`{"a":[1]}`), &is); err == nil || !strings.Contains(err.Error(), "no value") {
		t.Error(err)
	}
}

func TestWantsBios(t *testing.T) {
	r := inventory.Role{Bios: []inventory.BiosSet{
		{Attributes: map[string]any{"Sriov": "Enabled", "Delay": 60}},
		{Model: "PowerEdge R6", Attributes: map[string]any{"Delay": 90}},
		{Model: "ProLiant", Attributes: map[string]any{"Quiet": true}},
	}}
	if diff := cmp.Diff(map[string]any{"Sriov": "Enabled", "Delay": 90}, r.WantsBios("PowerEdge R640")); diff != "" {
		t.Error(diff)
	}
}
