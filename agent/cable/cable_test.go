package cable

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"socle/hardware"
)

// TestPorts plays what a technician does to two ports, second by second.
func TestPorts(t *testing.T) {
	begin := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	p := New([]hardware.NIC{{Name: "eth0", MAC: "52:54:00:00:00:01", Link: true, SpeedMbps: 10000}, {Name: "eth1", MAC: "52:54:00:00:00:02"}}, begin)
	at := func(s int) time.Time { return begin.Add(time.Duration(s) * time.Second) }
	leaf := func(port string, ttl int) hardware.Neighbor {
		return hardware.Neighbor{ChassisID: "02:00:00:00:00:01", SystemName: "leaf-a", PortID: port, TTL: ttl}
	}
	for _, step := range []struct {
		at   int
		do   func(now time.Time) bool
		news bool
		want string
		next int // seconds after the beginning; -1: nothing will be otherwise
	}{
		{0, nil, false, "eth0 has a link, nothing is heard 1 s; eth1 has no link", 36},
		{3, func(now time.Time) bool { return p.Hear("eth0", leaf("Eth1", 20), now) }, true, "eth0 hears leaf-a Eth1; eth1 has no link", 23},
		{13, func(now time.Time) bool { return p.Hear("eth0", leaf("Eth1", 20), now) }, false, "eth0 hears leaf-a Eth1; eth1 has no link", 33},
		{20, func(now time.Time) bool { return p.Carrier("eth0", true, 25000, now) }, false, "eth0 hears leaf-a Eth1; eth1 has no link", 33},
		{21, func(now time.Time) bool { return p.Carrier("eth1", true, 1000, now) }, true, "eth0 hears leaf-a Eth1; eth1 has a link, nothing is heard 1 s", 33},
		{33, nil, false, "eth0 has a link, nothing is heard 33 s; eth1 has a link, nothing is heard 12 s", 36},
		{57, nil, false, "eth0 has a link, nothing is heard 57 s; eth1 has a link, nothing is heard 36 s", -1},
		{58, func(now time.Time) bool { return p.Hear("eth1", leaf("Eth2", 120), now) }, true, "eth0 has a link, nothing is heard 58 s; eth1 hears leaf-a Eth2", 178},
		{59, func(now time.Time) bool { return p.Hear("eth1", leaf("Eth2", 0), now) }, true, "eth0 has a link, nothing is heard 59 s; eth1 has a link, nothing is heard 38 s", -1},
		{60, func(now time.Time) bool { return p.Hear("eth1", leaf("Eth2", 0), now) }, false, "eth0 has a link, nothing is heard 60 s; eth1 has a link, nothing is heard 39 s", -1},
		{61, func(now time.Time) bool { return p.Hear("eth1", leaf("Eth3", 120), now) }, true, "eth0 has a link, nothing is heard 61 s; eth1 hears leaf-a Eth3", 181},
		{62, func(now time.Time) bool { return p.Carrier("eth1", false, 0, now) }, true, "eth0 has a link, nothing is heard 62 s; eth1 has no link", -1},
		{62, func(now time.Time) bool { return p.Hear("eth1", leaf("Eth3", 120), now) }, false, "eth0 has a link, nothing is heard 62 s; eth1 has no link", -1},
		{63, func(now time.Time) bool { return p.Carrier("eth1", true, 0, now) }, true, "eth0 has a link, nothing is heard 63 s; eth1 has a link, nothing is heard 1 s", 99},
		{64, func(now time.Time) bool { return p.Hear("eth9", leaf("Eth3", 120), now) }, false, "eth0 has a link, nothing is heard 64 s; eth1 has a link, nothing is heard 1 s", 99},
	} {
		now := at(step.at)
		if step.do != nil && step.do(now) != step.news {
			t.Errorf("%d s: news is %v", step.at, !step.news)
		}
		told := false
		select {
		case <-p.News():
			told = true
		default:
		}
		if told != step.news {
			t.Errorf("%d s: told of news: %v", step.at, told)
		}
		var words []string
		for _, l := range p.Links(now) {
			text := l.Words()
			if l.Up && len(l.LLDP) == 0 {
				text += fmt.Sprintf(" %d s", l.Listened)
			}
			words = append(words, text)
		}
		if got := strings.Join(words, "; "); got != step.want {
			t.Errorf("%d s: %s, want %s", step.at, got, step.want)
		}
		next := p.Next(now)
		if step.next < 0 && !next.IsZero() || step.next >= 0 && !next.Equal(at(step.next)) {
			t.Errorf("%d s: the next change is at %s, want %d s", step.at, next.Sub(begin), step.next)
		}
	}
}

// TestBound: a port keeps eight neighbours, however many speak, and shows those that it has anew.
func TestBound(t *testing.T) {
	now := time.Now()
	p := New([]hardware.NIC{{Name: "eth0"}}, now.Add(-time.Minute))
	for i := range 20 {
		if got := p.Hear("eth0", hardware.Neighbor{ChassisID: fmt.Sprint(i), PortID: "1", TTL: 120}, now); got != (i < maxNeighbors) {
			t.Errorf("neighbour %d: %v", i, got)
		}
	}
	if !p.Hear("eth0", hardware.Neighbor{ChassisID: "3", PortID: "1", TTL: 120, SystemName: "renamed"}, now) {
		t.Error("a new name of a known one is no news")
	}
	if l := p.Links(now); len(l[0].LLDP) != maxNeighbors || l[0].LLDP[3].SystemName != "renamed" || !l[0].Up {
		t.Errorf("%+v", l)
	}
}

// TestSame: what people would see otherwise counts, a second more of listening does not.
func TestSame(t *testing.T) {
	base := hardware.Link{NIC: "eth0", MAC: "a", Up: true, Listened: 5}
	with := func(change func(*hardware.Link)) []hardware.Link {
		l := base
		change(&l)
		return []hardware.Link{l}
	}
	for name, tc := range map[string]struct {
		other []hardware.Link
		want  bool
	}{
		"a second later":    {with(func(l *hardware.Link) { l.Listened++ }), true},
		"silence is silent": {with(func(l *hardware.Link) { l.Listened = 36 }), false},
		"unplugged":         {with(func(l *hardware.Link) { l.Up = false }), false},
		"heard":             {with(func(l *hardware.Link) { l.LLDP = []hardware.Neighbor{{PortID: "1"}} }), false},
		"another port":      {with(func(l *hardware.Link) { l.NIC = "eth1" }), false},
		"no port":           {nil, false},
	} {
		if got := Same([]hardware.Link{base}, tc.other); got != tc.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
