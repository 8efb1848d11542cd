package planner_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"socle/hardware"
	"socle/inventory"
	"socle/inventory/planner"
)

// roles: a hypervisor wants memory, a storage node disks; a big machine with many disks fits both.
func roles() []inventory.Role {
	return []inventory.Role{
		{Name: "hypervisor", Priority: 2, Match: inventory.Conditions{MinMemoryBytes: 64 << 30}},
		{Name: "storage", Priority: 1, Match: inventory.Conditions{MinDisks: 4}, DataDisks: &inventory.DiskRule{MinCount: 3}},
		{Name: "any", Match: inventory.Conditions{MinDisks: 1}},
	}
}

func server(name, rack string, gib uint64, disks int) *inventory.Machine {
	f := &hardware.Facts{Memory: hardware.Memory{TotalBytes: gib << 30}}
	for d := range disks {
		f.Disks = append(f.Disks, hardware.Disk{Serial: fmt.Sprintf("%s-%d", name, d), SizeBytes: 1e12})
	}
	return &inventory.Machine{Name: name, State: inventory.Ready, Facts: f, Place: inventory.Place{Rack: rack, U: 1}}
}

func candidates(all ...*inventory.Machine) (out []planner.Candidate) {
	for _, m := range all {
		out = append(out, planner.Candidate{Machine: m})
	}
	return out
}

// said is a plan in one line a role.
func said(p planner.Plan) string {
	var parts []string
	for _, c := range p.Chosen {
		parts = append(parts, c.Machine.Name+"="+c.Role)
	}
	for _, s := range p.Short {
		parts = append(parts, fmt.Sprintf("%s-%d", s.Role, s.Count))
	}
	return strings.Join(parts, " ")
}

func TestMake(t *testing.T) {
	big, disky, small := server("big", "r1", 128, 4), server("disky", "r1", 16, 4), server("small", "r2", 64, 1)
	held := server("held", "r2", 128, 4)
	held.Hold = &inventory.Hold{Reason: "fan"}
	for name, c := range map[string]struct {
		wants []planner.Want
		from  []planner.Candidate
		want  string
	}{
		"one that fits both goes where it is needed": {[]planner.Want{{"hypervisor", 2}, {"storage", 1}}, candidates(big, disky, small), "big=hypervisor small=hypervisor disky=storage"},
		"also the other way":                         {[]planner.Want{{"storage", 2}, {"hypervisor", 1}}, candidates(big, disky, small), "big=storage disky=storage small=hypervisor"},
		"what is missing is said":                    {[]planner.Want{{"hypervisor", 5}, {"storage", 1}}, candidates(big, disky, small), "big=hypervisor small=hypervisor disky=storage hypervisor-3"},
		"held ones stay":                             {[]planner.Want{{"hypervisor", 2}}, candidates(held, small), "small=hypervisor hypervisor-1"},
		"findings come last":                         {[]planner.Want{{"hypervisor", 1}}, []planner.Candidate{{Machine: big, Findings: 2}, {Machine: small}}, "small=hypervisor"},
		"with findings rather than none":             {[]planner.Want{{"hypervisor", 2}}, []planner.Candidate{{Machine: big, Findings: 2}, {Machine: small}}, "big=hypervisor small=hypervisor"},
	} {
		p, err := planner.Make(c.wants, roles(), c.from, []planner.Level{planner.Rack})
		if err != nil || said(p) != c.want {
			t.Errorf("%s: %s, %v, want %s", name, said(p), err, c.want)
		}
	}
}

func TestWhyNot(t *testing.T) {
	active, unseen, faulty, tiny, spare := server("active", "r1", 128, 4), server("unseen", "r1", 1, 1), server("faulty", "r1", 128, 4), server("tiny", "r1", 8, 2), server("spare", "r1", 128, 1)
	active.State, active.Role, unseen.Facts, faulty.Fault = inventory.Active, "storage", nil, &inventory.Fault{Reason: "no DHCP"}
	p, err := planner.Make([]planner.Want{{"hypervisor", 1}, {"storage", 1}}, roles(), candidates(server("good", "r1", 128, 1), active, unseen, faulty, tiny, spare), nil)
	if err != nil || len(p.Left) != 5 {
		t.Fatalf("%+v, %v", p, err)
	}
	for i, want := range []string{"[] [it works as storage]", "[] [its hardware is not known yet: it was not inspected]", "[] [it has a fault: no DHCP]",
		"[] [hypervisor: 8.0 GiB of memory (8589934592 bytes) of at least 64.0 GiB storage: 2 disks of at least 4]", "[hypervisor] [storage: 1 disk of at least 4]"} {
		if got := fmt.Sprint(p.Left[i].Fits, " ", p.Left[i].Why); strings.ReplaceAll(got, "  ", " ") != want {
			t.Errorf("%s: %s, want %s", p.Left[i].Machine.Name, got, want)
		}
	}
	for _, wrong := range [][]planner.Want{{{"nobody", 1}}, {{"any", 0}}, {{"any", 1}, {"any", 2}}} {
		if _, err := planner.Make(wrong, roles(), nil, nil); err == nil {
			t.Errorf("%v was taken", wrong)
		}
	}
}

// TestSort: without wishes everybody gets what fits best.
func TestSort(t *testing.T) {
	held := server("held", "r2", 128, 4)
	held.Hold = &inventory.Hold{Reason: "fan"}
	p := planner.Sort(roles(), candidates(server("disky", "r1", 16, 4), held, server("big", "r1", 128, 4), server("none", "r1", 1, 0), server("blank", "r1", 128, 0)))
	if got := said(p); got != "big=hypervisor disky=storage" {
		t.Error(got)
	}
	if len(p.Left) != 3 || p.Left[0].Why[0] != "it is held: fan" || !strings.Contains(p.Left[1].Why[0], "no role fits") || !strings.Contains(p.Left[2].Why[0], "no disk fits") {
		t.Errorf("%+v", p.Left)
	}
}

// TestSpread: machines of a role are spread evenly over racks, and within a rack over its feeds.
func TestSpread(t *testing.T) {
	var all []*inventory.Machine
	for i := range 24 {
		m := server(fmt.Sprintf("m%02d", i), fmt.Sprintf("r%d", i/8), 128, 4)
		m.BMC = inventory.BMC{Protocol: inventory.PDU, Address: fmt.Sprintf("pdu%d-%d", i/8, i%2)}
		all = append(all, m)
	}
	p, err := planner.Make([]planner.Want{{"hypervisor", 12}, {"storage", 6}}, roles(), candidates(all...), []planner.Level{planner.Rack, planner.Feed})
	if err != nil || len(p.Short) > 0 {
		t.Fatalf("%+v, %v", p, err)
	}
	count := map[string]int{}
	for _, c := range p.Chosen {
		count[c.Role+" "+c.Place]++
	}
	for r := range 3 {
		for feed := range 2 {
			at := fmt.Sprintf(" r%d pdu%d-%d", r, r, feed)
			if count["hypervisor"+at] != 2 || count["storage"+at] != 1 {
				t.Errorf("%s: %v", at, count)
			}
		}
	}
}

// TestBest compares plans with the best of all that there are, found by trying every one.
func TestBest(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for n := range 300 {
		var all []planner.Candidate
		for i := range 1 + r.IntN(6) {
			m := server(fmt.Sprintf("m%d", i), fmt.Sprintf("r%d", r.IntN(3)), []uint64{16, 128}[r.IntN(2)], []int{1, 4}[r.IntN(2)])
			all = append(all, planner.Candidate{Machine: m, Findings: max(0, r.IntN(4)-2)})
		}
		wants := []planner.Want{{"hypervisor", 1 + r.IntN(3)}, {"storage", 1 + r.IntN(3)}}
		p, err := planner.Make(wants, roles(), all, []planner.Level{planner.Rack})
		if err != nil {
			t.Fatal(err)
		}
		filled, cost := try(all, wants, nil)
		if len(p.Chosen) != filled || p.Cost != cost || costOf(all, p) != cost {
			t.Fatalf("case %d: %s fills %d at %d (counted %d), the best fills %d at %d", n, said(p), len(p.Chosen), p.Cost, costOf(all, p), filled, cost)
		}
	}
}

// try gives every candidate every role that it can have, or none, and returns the best that came of it.
func try(all []planner.Candidate, wants []planner.Want, given []string) (filled, cost int) {
	if len(given) == len(all) {
		return price(all, wants, given)
	}
	filled = -1
	for _, role := range []string{"", "hypervisor", "storage"} {
		if f := all[len(given)].Machine.Facts; role == "hypervisor" && f.Memory.TotalBytes < 64<<30 || role == "storage" && len(f.Disks) < 4 {
			continue
		}
		n, c := try(all, wants, append(given[:len(given):len(given)], role))
		if n > filled || n == filled && c < cost {
			filled, cost = n, c
		}
	}
	return filled, cost
}

// price is how many places an assignment fills, and what it costs; -1 when it fills one too often.
func price(all []planner.Candidate, wants []planner.Want, given []string) (filled, cost int) {
	there, count := map[string]int{}, map[string]int{}
	for i, role := range given {
		if role == "" {
			continue
		}
		filled++
		count[role]++
		there[role+all[i].Machine.Place.Rack]++
		natural := "any"
		switch f := all[i].Machine.Facts; {
		case f.Memory.TotalBytes >= 64<<30:
			natural = "hypervisor"
		case len(f.Disks) >= 4:
			natural = "storage"
		}
		if natural != role {
			cost += 10
		}
		if all[i].Findings > 0 {
			cost += 50000
		}
	}
	for _, n := range there {
		cost += 100 * n * n
	}
	for _, w := range wants {
		if count[w.Role] > w.Count {
			return -1, 0
		}
	}
	return filled, cost
}

func costOf(all []planner.Candidate, p planner.Plan) int {
	given := make([]string, len(all))
	for i, c := range all {
		for _, x := range p.Chosen {
			if x.Machine == c.Machine {
				given[i] = x.Role
			}
		}
	}
	_, cost := price(all, []planner.Want{{"hypervisor", 9}, {"storage", 9}}, given)
	return cost
}

func BenchmarkMake2000(b *testing.B) {
	var all []planner.Candidate
	for i := range 2000 {
		all = append(all, planner.Candidate{Machine: server(fmt.Sprintf("m%04d", i), fmt.Sprintf("r%02d", i/40), 128, 1+i%5)})
	}
	for b.Loop() {
		start := time.Now()
		p, err := planner.Make([]planner.Want{{"hypervisor", 1500}, {"storage", 300}}, roles(), all, []planner.Level{planner.Rack})
		if err != nil || len(p.Chosen) != 1800 {
			b.Fatal(len(p.Chosen), err, time.Since(start))
		}
	}
}

// TestFeeds: racks with the same pair of feeds go dark together, in whichever order they are named; a server's own power
// distribution unit counts before its rack's feeds.
func TestFeeds(t *testing.T) {
	var all []planner.Candidate
	for i, feeds := range [][]string{{"A1", "B1"}, {"B1", "A1"}, {"A1", "B1"}, {"A2", "B2"}, nil} {
		c := planner.Candidate{Machine: server(fmt.Sprintf("s%d", i+1), fmt.Sprintf("r%d", i+1), 64, 1)}
		for _, f := range feeds {
			c.Feeds = append(c.Feeds, inventory.Feed{Name: f})
		}
		c.Machine.Place.Site = "ams1"
		all = append(all, c)
	}
	all[2].Machine.BMC = inventory.BMC{Protocol: inventory.PDU, Address: "pdu-9"}
	p, err := planner.Make([]planner.Want{{"hypervisor", 4}}, roles(), all, []planner.Level{planner.Feed})
	places := map[string]int{}
	for _, c := range p.Chosen {
		places[c.Place]++
	}
	if want := (map[string]int{"ams1/A1+B1": 1, "ams1/A2+B2": 1, "pdu-9": 1, "unknown feed": 1}); err != nil || fmt.Sprint(places) != fmt.Sprint(want) {
		t.Errorf("%v, %v, want %v", places, err, want)
	}
}
