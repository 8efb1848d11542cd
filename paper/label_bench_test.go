package paper_test

import (
	"fmt"
	"io"
	"testing"

	"socle/paper"
)

// BenchmarkLabels2000 sets the labels of 2,000 servers: 96 sheets.
func BenchmarkLabels2000(b *testing.B) {
	layout := paper.Layouts()[0]
	var all []paper.Label
	for i := range 2000 {
		name := fmt.Sprintf("r%02du%02d", i/40+1, i%40+1)
		all = append(all, paper.Label{Code: fmt.Sprintf("socle:%s serial=SIM%08d position=r%02d:U%d ports=52:54:00:aa:%02x:%02x", name, i, i/40+1, i%40+1, i>>8, i&255), Title: name,
			Lines: []string{fmt.Sprintf("serial SIM%08d", i), fmt.Sprintf("rack r%02d, U%d front", i/40+1, i%40+1), "eth0 leaf-a swp1", "eth1 leaf-b swp1"}})
	}
	for b.Loop() {
		if _, err := (paper.Sheet{Layout: layout, Labels: all}).WriteTo(io.Discard); err != nil {
			b.Fatal(err)
		}
	}
}
