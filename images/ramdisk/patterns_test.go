package ramdisk

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestChoose(t *testing.T) {
	modules := []string{
		"kernel/drivers/net/ethernet/intel/e1000/e1000.ko",
		"kernel/drivers/net/ethernet/intel/ixgb/ixgb.ko",
		"kernel/drivers/net/virtio_net.ko",
		"kernel/fs/fat/fat.ko",
		"kernel/fs/fat/vfat.ko",
	}
	builtin := []string{"kernel/net/packet/af_packet.ko"}
	tests := []struct {
		name, list string
		want       []string
		err        string
	}{
		{name: "folder without a part", list: "drivers/net/ethernet/intel/\n!drivers/net/ethernet/intel/ixgb/", want: modules[:1]},
		{name: "one module, comment, empty line", list: "# all\n\nfs/fat/vfat", want: modules[4:5]},
		{name: "glob stays in its folder", list: "drivers/net/v*", want: modules[2:3]},
		{name: "built in", list: "net/packet/af_packet", want: nil},
		{name: "may be missing", list: "-drivers/none", want: nil},
		{name: "missing", list: "fs/fat/\ndrivers/none", err: `line 2: this kernel has nothing that matches "drivers/none"`},
		{name: "of another architecture", list: "[arm64] drivers/none\n[amd64] fs/fat/vfat", want: modules[4:5]},
		{name: "architecture without end", list: "[amd64 fs", err: "line 1: the architecture has no end"},
		{name: "bad pattern", list: "drivers/[", err: "line 1: pattern"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			patterns, err := parsePatterns(tt.list, "amd64")
			var got map[string]bool
			if err == nil {
				got, err = choose(patterns, modules, builtin)
			}
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Fatalf("error %v, want one with %q", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for m := range got {
				names = append(names, m)
			}
			slices.Sort(names)
			if diff := cmp.Diff(tt.want, names); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}
