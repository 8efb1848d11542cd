package view

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"socle/inventory"
)

// TestShelfKeepsEveryField fills each field of a sketch, also those that do not exist yet, and wants it back.
func TestShelfKeepsEveryField(t *testing.T) {
	full := inventory.Sketch{Address: netip.MustParseAddr("fe80::1%eth0"), BootedAt: time.UnixMicro(1_800_000_000_123_456)}
	fill(t, reflect.ValueOf(&full).Elem(), "sketch")
	var h shelf
	for _, s := range []inventory.Sketch{full, {}, {ID: "x", Address: netip.MustParseAddr("198.18.0.1"), Identity: inventory.Identity{NICMACs: []string{"a"}}},
		{BootedAt: time.Unix(-5, 0)}, {Address: netip.MustParseAddr("2001:db8::1"), Doubtful: true}} {
		n := h.add(&s)
		got := h.get(n)
		if d := cmp.Diff(s, got, cmpopts.EquateComparable(netip.Addr{}), cmpopts.EquateEmpty()); d != "" {
			t.Errorf("(-put +got):\n%s", d)
		}
		if string(h.id(n)) != s.ID {
			t.Errorf("ID %q, not %q", h.id(n), s.ID)
		}
	}
}

func fill(t *testing.T, v reflect.Value, name string) {
	t.Helper()
	switch {
	case !v.IsZero():
	case v.Kind() == reflect.String:
		v.SetString("word of " + name)
	case v.Kind() == reflect.Bool:
		v.SetBool(true)
	case v.Kind() == reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range 2 {
			fill(t, v.Index(i), fmt.Sprint(name, i))
		}
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			fill(t, v.Field(i), v.Type().Field(i).Name)
		}
	default:
		t.Fatalf("field %s of type %s: say here how it is filled, and keep it in the shelf", name, v.Type())
	}
}

// TestShelfTidies replaces machines for long: what nobody uses any more does not stay.
func TestShelfTidies(t *testing.T) {
	var h shelf
	want := map[uint32]string{}
	dice := rand.New(rand.NewPCG(1, 2))
	for i := range 50_000 {
		s := inventory.Sketch{ID: fmt.Sprint(i), Name: fmt.Sprintf("%*d", 50+dice.IntN(100), i)}
		if i < 1000 {
			want[h.add(&s)] = s.Name
			continue
		}
		n := uint32(dice.IntN(1000))
		h.replace(n, &s)
		want[n] = s.Name
	}
	for n, name := range want {
		if got := h.get(n).Name; got != name {
			t.Fatalf("machine %d is %q, not %q", n, got, name)
		}
	}
	if len(h.data) > 2*leastWaste+1<<19 {
		t.Errorf("%d bytes for 1,000 machines", len(h.data))
	}
}

// TestIndex compares it with lists.
func TestIndex(t *testing.T) {
	x, want := newIndex(), map[uint64][]uint32{}
	dice := rand.New(rand.NewPCG(3, 4))
	for range 20_000 {
		key, machine := uint64(dice.IntN(40)), uint32(dice.IntN(300))
		if i := slices.Index(want[key], machine); i >= 0 {
			x.set(key, machine, false)
			want[key] = slices.Delete(want[key], i, i+1)
		} else {
			x.set(key, machine, true)
			want[key] = append(want[key], machine)
		}
		x.remove(key, 9999) // which is not there
		var got []uint32
		x.all(key, func(machine uint32) bool { got = append(got, machine); return true })
		slices.Sort(got)
		if list := slices.Sorted(slices.Values(want[key])); !slices.Equal(got, list) {
			t.Fatalf("under %d are %v, not %v", key, got, list)
		}
	}
	links := 0
	for _, list := range want {
		links += len(list)
	}
	if len(x.links) > 2*links {
		t.Errorf("%d links for %d machines: those that were freed are not used again", len(x.links), links)
	}
	n := 0
	for key := range want {
		x.all(key, func(uint32) bool { n++; return false })
	}
	if n > len(want) {
		t.Errorf("%d machines, though one of each key was enough", n)
	}
}

func TestKeys(t *testing.T) {
	k := newTestView().keys
	for _, same := range [][2]string{{"SN-1a", "sn-1A"}, {"ÄÖ-1", "äö-1"}, {"", ""}} {
		if k.fold(same[0]) != k.fold(same[1]) {
			t.Errorf("%q and %q are different", same[0], same[1])
		}
	}
	if k.fold("SN1") == k.fold("SN2") || k.text("a") == k.text("A") {
		t.Error("different texts are equal")
	}
	if got := k.mac("52:54:00:ff:0a:01"); got != 0x525400ff0a01 {
		t.Errorf("MAC %x", got)
	}
}

// TestManyAlike leaves to the store what more machines share than are compared here.
func TestManyAlike(t *testing.T) {
	v := newTestView()
	for i := range maxAlike + 1 {
		v.put(&inventory.Sketch{ID: fmt.Sprint(i), State: inventory.Ready, Identity: inventory.Identity{Serial: fmt.Sprint("S", i), NICMACs: []string{"52:54:00:00:00:01"}}})
		seen := inventory.Identity{Serial: "s0", NICMACs: []string{"52:54:00:00:00:01"}}
		if _, enough := v.alike(nil, seen); enough != (i < maxAlike) {
			t.Errorf("%d machines with one MAC: enough is %v", i+1, enough)
		}
	}
}

func newTestView() *View {
	v := &View{now: time.Now}
	v.keys = newKeys()
	v.clear()
	return v
}
