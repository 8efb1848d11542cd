package store_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"socle/inventory/cabling"
	"socle/inventory/store"
)

func TestImportCables(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		a := cabling.Cable{Line: 2, Server: "hv01", Port: "Eth0", Switch: "leaf-a", SwitchPort: "Ethernet1/1", Group: "bond0", Label: "C-1", Colour: "blue", Length: "2 m"}
		second := cabling.Cable{Line: 3, Server: "hv01", Port: "10", Switch: "leaf-b", SwitchPort: "Ethernet1/1"}
		c := cabling.Cable{Line: 4, Server: "hv01", Port: "9", Switch: "leaf-b", SwitchPort: "Ethernet1/2"}
		plain := func(all ...cabling.Cable) []cabling.Cable {
			for i := range all {
				all[i].Line = 0
			}
			return all
		}
		stored := func(want ...cabling.Cable) {
			t.Helper()
			got, err := b.Cables(b.ctx)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(append([]cabling.Cable{}, want...), got); diff != "" {
				t.Errorf("plan (-want +got):\n%s", diff)
			}
		}
		for _, step := range []struct {
			name          string
			plan          []cabling.Cable
			whole, dry    bool
			changes, same int
			want          []cabling.Cable
		}{
			{"dry", []cabling.Cable{a, second, c}, false, true, 3, 0, nil},
			{"first", []cabling.Cable{a, second, c}, false, false, 3, 0, plain(c, second, a)},
			{"again", []cabling.Cable{c, second, a}, false, false, 0, 3, plain(c, second, a)},
			{"one changed, one out", []cabling.Cable{a, {Server: "hv01", Port: "9", Switch: "leaf-b", SwitchPort: "Ethernet1/3"}}, false, false, 2, 1,
				plain(cabling.Cable{Server: "hv01", Port: "9", Switch: "leaf-b", SwitchPort: "Ethernet1/3"}, a)},
			{"another server", []cabling.Cable{{Server: "hv02", Port: "1", Switch: "leaf-a", SwitchPort: "Ethernet1/9"}}, false, false, 1, 0,
				plain(cabling.Cable{Server: "hv01", Port: "9", Switch: "leaf-b", SwitchPort: "Ethernet1/3"}, a, cabling.Cable{Server: "hv02", Port: "1", Switch: "leaf-a", SwitchPort: "Ethernet1/9"})},
			{"the whole plan", []cabling.Cable{{Server: "hv03", Port: "1", Switch: "leaf-a", SwitchPort: "Ethernet1/1"}}, true, false, 4, 0,
				plain(cabling.Cable{Server: "hv03", Port: "1", Switch: "leaf-a", SwitchPort: "Ethernet1/1"})},
		} {
			changes, same, err := b.ImportCables(b.ctx, step.plan, step.whole, step.dry, "test")
			if err != nil || len(changes) != step.changes || same != step.same {
				t.Fatalf("%s: %d changes, %d same, %v", step.name, len(changes), same, err)
			}
			stored(step.want...)
		}
		var conflicts cabling.Conflicts
		if _, _, err := b.ImportCables(b.ctx, []cabling.Cable{a}, false, false, "test"); !errors.As(err, &conflicts) || len(conflicts) != 1 || conflicts[0].Line != 2 {
			t.Errorf("a port that is taken: %v", err)
		}
		if of, err := b.Cables(b.ctx, "hv01", "hv03"); err != nil || len(of) != 1 {
			t.Errorf("of two servers: %v, %v", of, err)
		}
		var words []string
		for _, e := range b.events(store.EventFilter{Limit: 100}) {
			if e.Kind == "cabling" {
				words = append(words, e.Reason)
			}
		}
		if len(words) != 4 || !strings.HasSuffix(words[1], "0 cables added, 1 changed, 1 taken out") {
			t.Errorf("history has %q", words)
		}
	})
}
