package ramdisk

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// testTree is a small kernel: net needs failover and ring, ring is needed twice, ext wants crc softly by an
// alias that two modules carry.
func testTree() *tree {
	return newTree([]*module{
		{path: "kernel/net.ko", info: modinfo{Depends: []string{"virtio", "failover", "ring"}, Aliases: []string{"virtio:d00000001v*"}}},
		{path: "kernel/virtio.ko", info: modinfo{Depends: []string{"ring"}}},
		{path: "kernel/ring.ko"},
		{path: "kernel/failover.ko", info: modinfo{Depends: []string{"core"}}},
		{path: "kernel/ext.ko", info: modinfo{Depends: []string{"jbd"}, SoftDeps: []string{"pre: crc absent"}}},
		{path: "kernel/jbd.ko"},
		{path: "kernel/crc-generic.ko", info: modinfo{Aliases: []string{"crc"}}},
		{path: "kernel/crc-intel.ko", info: modinfo{Aliases: []string{"crc"}}},
		{path: "kernel/broken.ko", info: modinfo{Depends: []string{"nowhere"}}},
		{path: "kernel/unused.ko"},
	}, []string{"kernel/core.ko"})
}

func TestClosure(t *testing.T) {
	modules, err := testTree().closure(map[string]bool{"kernel/net.ko": true, "kernel/ext.ko": true})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range modules {
		got = append(got, m.path)
	}
	want := []string{
		"kernel/crc-generic.ko", "kernel/ext.ko", "kernel/failover.ko", "kernel/jbd.ko", "kernel/net.ko", "kernel/ring.ko", "kernel/virtio.ko",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestClosureMissing(t *testing.T) {
	_, err := testTree().closure(map[string]bool{"kernel/broken.ko": true})
	if err == nil || !strings.Contains(err.Error(), "depends on nowhere") {
		t.Fatalf("error %v, want one that names the missing module", err)
	}
}

func TestDepmodFiles(t *testing.T) {
	tr := testTree()
	modules, err := tr.closure(map[string]bool{"kernel/net.ko": true, "kernel/ext.ko": true})
	if err != nil {
		t.Fatal(err)
	}
	files := tr.depmodFiles(modules, []string{"kernel/core.ko"})
	want := map[string]string{
		"modules.dep": "kernel/crc-generic.ko:\n" +
			"kernel/ext.ko: kernel/jbd.ko\n" +
			"kernel/failover.ko:\n" +
			"kernel/jbd.ko:\n" +
			"kernel/net.ko: kernel/virtio.ko kernel/ring.ko kernel/failover.ko\n" +
			"kernel/ring.ko:\n" +
			"kernel/virtio.ko: kernel/ring.ko\n",
		"modules.alias":   "# Aliases extracted from modules themselves.\nalias crc crc_generic\nalias virtio:d00000001v* net\n",
		"modules.softdep": "# Soft dependencies extracted from modules themselves.\nsoftdep ext pre: crc absent\n",
		"modules.builtin": "kernel/core.ko\n",
	}
	if diff := cmp.Diff(want, files); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
