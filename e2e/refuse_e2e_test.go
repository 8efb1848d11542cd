//go:build e2e

package e2e

import (
	"bytes"
	"crypto/sha256"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"socle/api"
)

// TestE2ERefusedOrders gives real agents orders that they must not carry out: for another server, for a disk that
// is not there, and one for the second time. Each is refused, nothing is written, and the fault says what to do.
func TestE2ERefusedOrders(t *testing.T) {
	spec := Spec(BIOS("swapped", 1), BIOS("twice", 2), UEFI("newdisk", 3))
	sc := Play(t, spec, ServerOptions{Limits: map[string]string{"agent_gone": "30s", "boot": "15m"}})
	// The order for swapped is changed in the transaction that issues it: the agent must compare, not the server.
	sc.Tamper(t, `CREATE TRIGGER swap AFTER INSERT ON orders WHEN NEW.kind = 'write-image' AND NEW.serial = 'E2E-SWAPPED'
		BEGIN UPDATE orders SET serial = 'E2E-TWICE' WHERE num = NEW.num; END`)
	sc.Do(t, "buildout", "swapped", "twice")
	sc.Do(t, "machine", "inspect", "newdisk")

	wantUsedOnce(t, sc)
	sc.Faulty(t, 15*time.Minute, "swapped", "order-refused", `serial "E2E-TWICE"`, "E2E-SWAPPED", "chassis")
	wantRefusal(t, sc, "swapped", api.CodeWrongMachine)

	sc.Await(t, "newdisk", 15*time.Minute, "is inspected", func(m api.Machine) bool { return m.State == "ready" })
	sc.Stop(t)
	spec.Servers[2].Disks[0].Serial = "NEWDISK-SPARE"
	sc.Rebuild(t, sc.Dir, spec) // somebody changes its disk
	sc.Start(t)
	sc.Do(t, "machine", "deploy", "newdisk", "--serial", "E2E-NEWDISK")
	sc.Faulty(t, 15*time.Minute, "newdisk", "no-disk", "NEWDISK-SYS", "is gone", "inspect again")
	wantRefusal(t, sc, "newdisk", api.CodeNoDisk)
}

// wantRefusal wants the one order to write an image refused for a reason, and nothing on the disk.
func wantRefusal(t *testing.T, sc *Scene, name, code string) {
	t.Helper()
	of := slices.DeleteFunc(sc.Orders(t, name, api.OrderWriteImage), func(o api.OrderStatus) bool { return o.State == "lost" })
	if len(of) != 1 || of[0].State != "refused" || of[0].Code != code {
		t.Errorf("%s: its orders to write an image are %+v, want one that is refused as %s", name, of, code)
	}
	if !sc.Untouched(t, name, 0) {
		t.Errorf("%s: something was written to its disk", name)
	}
	if m, err := sc.API.Machine(t.Context(), name); err != nil || m.State != "ready" {
		t.Errorf("%s is %s, want ready (%v)", name, m.State, err)
	}
}

// wantUsedOnce lets the image of twice be written, and then gives its agent the same order again: first as it
// was, then with other contents.
func wantUsedOnce(t *testing.T, sc *Scene) {
	t.Helper()
	sc.Await(t, "twice", 15*time.Minute, "has begun its image", Percent(1))
	sc.Do(t, "machine", "hold", "twice", "--reason", "its orders are played with") // nothing follows the image
	var o api.OrderStatus
	image := func(state string) func() bool {
		return func() bool {
			of := sc.Orders(t, "twice", api.OrderWriteImage)
			if len(of) != 1 {
				t.Fatalf("twice has the orders %+v, want one", of)
			}
			o = of[0]
			return o.State == state
		}
	}
	Until(t, 15*time.Minute, "the image of twice is written", image("done"))
	first, written := o, digest(t, sc.Disk("twice", 0))

	again := func(change string) {
		t.Helper()
		if n := sc.Tamper(t, "UPDATE orders SET state = 'issued', seq = 0, code = '', message = ''"+change+" WHERE id = ?", o.ID); n != 1 {
			t.Fatalf("%d orders were changed", n)
		}
	}
	again("")
	Until(t, 2*time.Minute, "the same order is reported done again", image("done"))
	if o.Done != first.Done || o.Wire != first.Wire {
		t.Errorf("the second report is %+v, the first was %+v", o, first)
	}
	again(", serial = 'E2E-SWAPPED'") // the parameters are sealed: nobody changes those in the database
	Until(t, 2*time.Minute, "the changed order is refused", image("refused"))
	if o.Code != api.CodeUsedOrder {
		t.Errorf("it was refused as %s (%s), want %s", o.Code, o.Message, api.CodeUsedOrder)
	}
	if !bytes.Equal(digest(t, sc.Disk("twice", 0)), written) {
		t.Error("the disk of twice was written to after its image")
	}
	if n := strings.Count(sc.Console("twice"), "Order: write-image"); n != 1 {
		t.Errorf("the agent of twice began %d images, want one", n)
	}
	sc.Do(t, "machine", "release", "twice")
	sc.Faulty(t, 2*time.Minute, "twice", "order-refused", "other contents", "deploy again")
}

// digest is the SHA-256 of a disk.
func digest(t *testing.T, path string) []byte {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		t.Fatal(err)
	}
	return h.Sum(nil)
}
