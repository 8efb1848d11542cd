//go:build e2e

package e2e

import (
	"bytes"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"socle/api"
	"socle/lab"
)

// TestE2ECorruptChunk has a chunk of the image go bad on the server's disk. As long as it is bad the deployment
// fails and the server does not boot from what was written; a second deployment, with another chunk that is bad
// only once, fetches that one again, writes what is missing, and ends well.
func TestE2ECorruptChunk(t *testing.T) {
	sc := Play(t, Spec(BIOS("bios1", 1)), ServerOptions{})
	bad, flaky := sc.Chunk(t, 50), sc.Chunk(t, 75)
	bad.Corrupt(t)
	sc.Do(t, "buildout")
	m := sc.Faulty(t, 12*time.Minute, "bios1", "image-corrupt", "chunk", Image, "deploy again")
	if m.State != "ready" {
		t.Errorf("bios1 is %s, want ready", m.State)
	}
	wantUnbootable(t, sc, "bios1")

	bad.Restore(t)
	seen := flaky.CorruptOnce(t)
	sc.Do(t, "machine", "deploy", "bios1", "--serial", "E2E-BIOS1")
	seen(12 * time.Minute)
	sc.Active(t, 16*time.Minute, "bios1")
	o := slices.DeleteFunc(sc.Orders(t, "bios1", api.OrderWriteImage), func(o api.OrderStatus) bool {
		return o.State == "lost" // given to the agent of the boot that wantUnbootable has ended
	})
	if len(o) != 2 || o[0].State != "done" || o[1].State != "failed" {
		t.Fatalf("orders to write the image: %+v, want one that failed and one that is done", o)
	}
	var r api.WriteResult
	if err := json.Unmarshal(o[0].Result, &r); err != nil {
		t.Fatalf("the result %s: %v", o[0].Result, err)
	}
	t.Logf("second try: %+v", r)
	if r.Retries < 1 { // more when it was read again before it could be restored
		t.Errorf("%d chunks were fetched again, want 1", r.Retries)
	}
	if r.Unchanged == 0 || r.Written == 0 || r.Wire > o[1].Wire {
		t.Errorf("the second try did not go on where the first ended: %+v", r)
	}
}

// wantUnbootable wants a disk without boot sector and partition tables, and a firmware that finds nothing on it.
func wantUnbootable(t *testing.T, sc *Scene, name string) {
	t.Helper()
	info, err := os.Stat(sc.Disk(name, 0))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(sc.Head(t, name, 0, mebi), make([]byte, mebi)) {
		t.Error("the head of the disk is not empty: it may boot")
	}
	f, err := os.Open(sc.Disk(name, 0))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	tail := make([]byte, mebi)
	if _, err := f.ReadAt(tail, info.Size()-mebi); err != nil || !bytes.Equal(tail, make([]byte, mebi)) {
		t.Errorf("the tail of the disk is not empty: it may hold a partition table (%v)", err)
	}
	if err := lab.Boot(t.Context(), sc.Name, name, lab.BootDisk, true); err != nil {
		t.Fatal(err)
	}
	said := len(sc.Console(name))
	sc.Power(t, name, lab.PowerReset)
	Until(t, 5*time.Minute, name+" says that its disk does not boot", func() bool {
		now := sc.Console(name)
		return strings.Contains(now[min(said, len(now)):], "not a bootable disk")
	})
}
