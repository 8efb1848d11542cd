package lab

import (
	"strings"
	"testing"
)

// TestMovingCables: one plug a port, ports that there are, and a plug that was pulled out is nowhere.
func TestMovingCables(t *testing.T) {
	c := newCables([]Server{{Name: "a", NICs: []NIC{{Switch: "leaf-a", Port: "swp1"}, {}}}, {Name: "b", NICs: []NIC{{Switch: "leaf-a", Port: "swp2"}}, BMC: BMC{Switch: "mgmt", Port: "b"}}})
	for _, x := range []struct{ server, args, refused string }{
		{"b", "1 leaf-a swp1", "swp1 of leaf-a has the cable of a port 1 in it"},
		{"b", "2 leaf-a swp9", `b has no port "2": use one of 1, BMC`},
		{"a", "0 leaf-a swp9", "use one of 1, 2"},
		{"b", "0 - ", "the cable of the BMC of b can be moved, not pulled out"},
		{"b", "0 leaf-a swp1", "swp1 of leaf-a has the cable of a port 1 in it"},
		{"b", "0 mgmt c", ""},
		{"b", "1 leaf-a ", "both need a name"},
		{"b", "1  swp3", "both need a name"},
		{"a", "1 - ", ""},
		{"b", "1 leaf-a swp1", ""},
		{"a", "1 leaf-a swp2", ""},
		{"a", "2 - ", ""},
		{"b", "1 leaf-a swp1", ""}, // where it is
	} {
		_, _, err := c.move(x.server, strings.Split(x.args, " "))
		if (err == nil) != (x.refused == "") || err != nil && !strings.Contains(err.Error(), x.refused) {
			t.Errorf("%s %s: %v, want %q", x.server, x.args, err, x.refused)
		}
	}
	got := c.list()
	if len(got) != 4 || got[3].SwitchPort != "c" || got[3].PortName() != "BMC" || got[0].SwitchPort != "swp2" || !got[1].Unplugged || got[1].Port != 2 || got[2].SwitchPort != "swp1" || got[0].Unplugged {
		t.Errorf("%+v", got)
	}
}
