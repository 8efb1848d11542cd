package hardware

import (
	"testing"
	"time"
)

// TestSetLinks: what is plugged in changes, and is stamped with when; the same said again changes nothing, and whole facts
// keep the times.
func TestSetLinks(t *testing.T) {
	f := Facts{NICs: []NIC{{Name: "eth0", MAC: "52:54:00:00:00:0A", Link: true}, {Name: "eth1", MAC: "52:54:00:00:00:0b"}}}
	at := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	leaf := []Neighbor{{ChassisID: "c", PortDesc: "Eth1"}}
	links := []Link{
		{NIC: "eth0", MAC: "52:54:00:00:00:0a", Up: true, SpeedMbps: 10000, Listened: 3, LLDP: leaf},
		{NIC: "eth1", MAC: "52:54:00:00:00:0b"},
		{NIC: "eth1", MAC: "52:54:00:00:00:0c", Up: true},
	}
	if got := f.SetLinks(links, at); len(got) != 1 || got[0].Words() != "eth0 hears c Eth1" {
		t.Fatalf("%+v", got)
	}
	if n := f.NICs[0]; n.SpeedMbps != 10000 || n.Listened != 3 || !n.HeardAt.Equal(at) || len(n.LLDP) != 1 || f.NICs[1].Link || !f.NICs[1].HeardAt.IsZero() {
		t.Errorf("%+v", f.NICs)
	}
	links[0].Listened = 60
	if got := f.SetLinks(links, at.Add(time.Hour)); got != nil || f.NICs[0].Listened != 60 || !f.NICs[0].HeardAt.Equal(at) {
		t.Errorf("again: %+v, %+v", got, f.NICs[0])
	}
	again := Facts{NICs: []NIC{{Name: "eth0", MAC: "52:54:00:00:00:0a", Link: true, LLDP: leaf}, {Name: "eth1", MAC: "52:54:00:00:00:0b", Link: true}}}
	again.StampLinks(&f, at.Add(time.Minute))
	if !again.NICs[0].HeardAt.Equal(at) || !again.NICs[1].HeardAt.Equal(at.Add(time.Minute)) {
		t.Errorf("inspected again: %+v", again.NICs)
	}
	if got := f.Links(); len(got) != 2 || got[1].Words() != "eth1 has no link" {
		t.Errorf("%+v", got)
	}
}
