package web_test

import (
	"strings"
	"testing"

	"socle/api"
	"socle/inventory"
	"socle/web/webtest"
)

// TestFindings chooses what was found by source, kind, range and rack, with its client.
func TestFindings(t *testing.T) {
	world, srv := start(t)
	c := client(t, srv.URL, webtest.AdminToken)
	hv01, st02 := machineID(t, c, "hv01"), machineID(t, c, "st02")
	world.Find(
		inventory.Findings{Machine: hv01, Source: inventory.FromParts, List: []inventory.Finding{
			{Source: inventory.FromParts, Kind: inventory.FindExtra, Subject: "disk X", Reason: "too many", Minor: true},
			{Source: inventory.FromParts, Kind: inventory.FindMissing, Subject: "DIMM A1", Reason: "the slot <A1> is empty", Remedy: "put one in", Part: "672612-081"}}},
		inventory.Findings{Machine: st02, Source: inventory.FromOutlier, List: []inventory.Finding{{Source: inventory.FromOutlier, Kind: inventory.FindSlow, Subject: "sdb", Reason: "slow"}}},
		inventory.Findings{Machine: st02, Source: inventory.FromParts, List: []inventory.Finding{}},
	)
	rack := "nowhere"
	if m, err := c.Machine(t.Context(), "hv01"); err == nil && m.Place.Rack != "" {
		rack = m.Place.Rack
	}
	for _, x := range []struct {
		q    api.FindingQuery
		want []string
	}{
		{api.FindingQuery{}, []string{"DIMM A1", "disk X", "sdb"}},
		{api.FindingQuery{Source: "parts"}, []string{"DIMM A1", "disk X"}},
		{api.FindingQuery{Kind: "slow"}, []string{"sdb"}},
		{api.FindingQuery{Machines: "st[01-02]"}, []string{"sdb"}},
		{api.FindingQuery{Rack: "elsewhere"}, nil},
		{api.FindingQuery{Machines: "hv01", Rack: strings.ToUpper(rack)}, []string{"DIMM A1", "disk X"}},
		{api.FindingQuery{Machines: "hv01", Rack: rack}, []string{"DIMM A1", "disk X"}},
	} {
		list, err := c.Findings(t.Context(), x.q)
		var got []string
		for _, f := range list.Findings {
			got = append(got, f.Subject)
		}
		if err != nil || len(got) != len(x.want) {
			t.Errorf("%+v: %v, %v", x.q, got, err)
			continue
		}
		for i := range got {
			if got[i] != x.want[i] {
				t.Errorf("%+v: %v", x.q, got)
			}
		}
	}
	one, err := c.MachineFindings(t.Context(), "st02")
	if err != nil || len(one.Findings) != 1 || !one.Stands() || len(one.Looked) != 2 {
		t.Errorf("%+v, %v", one, err)
	}
	if _, body := page(t, login(t, srv), srv.URL+"/machines/hv01"); !strings.Contains(body, "the slot &lt;A1&gt; is empty") || !strings.Contains(body, "put one in") {
		t.Error("the machine's page does not say what was found")
	}
	if _, err := c.MachineFindings(t.Context(), "nobody"); err == nil {
		t.Error("findings of a machine that is not there")
	}
	if _, err := c.Findings(t.Context(), api.FindingQuery{Machines: "r["}); err == nil {
		t.Error("a range that is none was taken")
	}
}

func machineID(t *testing.T, c *api.Client, name string) string {
	t.Helper()
	m, err := c.Machine(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return m.ID
}
