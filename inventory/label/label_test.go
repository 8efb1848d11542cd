package label_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"socle/inventory"
	"socle/inventory/cabling"
	"socle/inventory/label"
)

func server(serial, tag string) inventory.Machine {
	return inventory.Machine{ID: "1", Name: "r12u17", Identity: inventory.Identity{Serial: serial, AssetTag: tag},
		Place: inventory.Place{Site: "ams1", Room: "hall 2", Rack: "r12", U: 17, Height: 2}}
}

func TestServers(t *testing.T) {
	plan := []cabling.Cable{
		{Server: "r12u17", Port: "2", Switch: "leaf-b", SwitchPort: "Ethernet1/7"}, {Server: "r12u17", Port: "eth0", Switch: "leaf a", SwitchPort: "1/7"},
		{Server: "r12u18", Port: "1", Switch: "leaf-a", SwitchPort: "1/8"},
	}
	got := label.Servers([]inventory.Machine{server("CZ1", "A-9")}, plan)
	want := []label.Label{{
		Title: "r12u17", Lines: []string{"SN CZ1  AT A-9", "ams1/hall 2/r12, U 17 to 18", "port 2 → leaf-b Ethernet1/7", "port eth0 → leaf a 1/7"},
		Code: "CZ1 r12u17 r12/17 2=leaf-b:Ethernet1/7 eth0=leaf_a:1/7",
	}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// What the code says, the aisle takes: of servers with a serial, with an asset tag only, with neither, and with words that
// no scanner types alike.
func TestCodeIsTakenInTheAisle(t *testing.T) {
	for _, m := range []inventory.Machine{server("CZ1", "A-9"), server("", "A-9"), server("", ""), server("TWO WORDS", ""), server("SÉRIE", "")} {
		var plan []cabling.Cable
		for i := range 20 {
			plan = append(plan, cabling.Cable{Server: m.Name, Port: fmt.Sprint(i + 1), Switch: "leaf-a", SwitchPort: fmt.Sprint(i)})
		}
		code := label.Servers([]inventory.Machine{m}, plan)[0].Code
		c := inventory.Candidate{ID: m.ID, Name: m.Name, Serial: m.Identity.Serial, AssetTag: m.Identity.AssetTag, Place: m.Place}
		other := c
		other.ID, other.Name, other.Serial, other.AssetTag = "2", "r12u18", "CZ2", "A-8"
		got, err := inventory.Scanned(slices.Values([]inventory.Candidate{other, c}), code, "ams1/hall 2/r12")
		if err != nil || got.ID != m.ID {
			t.Errorf("%q: %+v, %v", code, got, err)
		}
		if len(code) > 110 || !strings.Contains(code, "1=leaf-a:0") {
			t.Errorf("%q", code)
		}
	}
}

func TestCables(t *testing.T) {
	got := label.Cables([]cabling.Cable{{Server: "hv1", Port: "1", Switch: "leaf-a", SwitchPort: "Ethernet1/1", Label: "C-1", Colour: "blue"}})
	want := []label.Label{
		{Title: "hv1 port 1", Lines: []string{"to leaf-a Ethernet1/1", "C-1, blue"}},
		{Title: "leaf-a Ethernet1/1", Lines: []string{"to hv1 port 1", "C-1, blue"}},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
