package dhcp

import (
	"fmt"
	"strings"
	"testing"
)

func texts(batch []*exchange) string {
	var s []string
	for _, x := range batch {
		s = append(s, string(x.data))
	}
	return strings.Join(s, " ")
}

// TestQueueShedsTheOldestDiscovers fills a queue of 4 and looks what comes out.
func TestQueueShedsTheOldestDiscovers(t *testing.T) {
	d := func(s string) arrival { return arrival{data: []byte(s), kind: discover} }
	r := func(s string) arrival { return arrival{data: []byte(s), kind: req} }
	for _, tc := range []struct {
		in                []arrival
		out               string
		discovers, others int
	}{
		{[]arrival{d("d1"), r("r1"), d("d2"), r("r2")}, "r1 r2 d1 d2", 0, 0},
		{[]arrival{d("d1"), d("d2"), d("d3"), d("d4"), d("d5"), d("d6")}, "d3 d4 d5 d6", 2, 0},
		{[]arrival{d("d1"), d("d2"), d("d3"), r("r1"), r("r2"), r("r3")}, "r1 r2 r3 d3", 2, 0},
		{[]arrival{r("r1"), r("r2"), r("r3"), r("r4"), d("d1")}, "r1 r2 r3 r4", 1, 0},
		{[]arrival{r("r1"), r("r2"), r("r3"), r("r4"), r("r5")}, "r2 r3 r4 r5", 0, 1},
	} {
		q := newQueue(4)
		discovers, others := q.push(nil, tc.in)
		if discovers != tc.discovers || others != tc.others {
			t.Errorf("%s: shed %d and %d", tc.out, discovers, others)
		}
		if n := q.waiting(); n != 4 {
			t.Errorf("%d wait", n)
		}
		if got := texts(q.pop(nil, 10)); got != tc.out {
			t.Errorf("got %s, not %s", got, tc.out)
		}
	}
}

// TestQueueIsBounded: while all exchanges are with workers or the store, nothing more is taken in, and after
// their release they are used again.
func TestQueueIsBounded(t *testing.T) {
	q := newQueue(8)
	made := map[*exchange]bool{}
	var taken []*exchange
	for i := range 100 {
		q.push(nil, []arrival{{data: fmt.Appendf(nil, "r%d", i), kind: req}})
		if i < 8 {
			taken = q.pop(taken, 1)
		}
	}
	if len(taken) != 8 || q.waiting() != 0 {
		t.Fatalf("%d taken, %d wait", len(taken), q.waiting())
	}
	for _, x := range taken {
		made[x] = true
	}
	for i := range 100 {
		q.release(taken...)
		q.push(nil, []arrival{{data: []byte("d"), kind: discover}, {data: fmt.Appendf(nil, "r%d", i), kind: req}})
		taken = q.pop(taken[:0], 8)
		if got := texts(taken); got != fmt.Sprintf("r%d d", i) {
			t.Fatalf("got %q", got)
		}
		for _, x := range taken {
			made[x] = true
		}
	}
	if len(made) != 8 {
		t.Errorf("%d exchanges were made", len(made))
	}
	q.close()
	if got := q.pop(nil, 1); len(got) != 0 {
		t.Error("a closed queue gives work")
	}
}
