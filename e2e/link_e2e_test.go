//go:build e2e

package e2e

import (
	"testing"
	"time"

	"socle/api"
	"socle/lab"
)

// TestE2ECableCut pulls a server's cable for a minute in the middle of its image. The agent goes on where it was,
// and the other server of the rack does not notice.
func TestE2ECableCut(t *testing.T) {
	const cut = time.Minute
	sc := Play(t, Spec(UEFI("uefi1", 1), BIOS("bios1", 2)), ServerOptions{})
	sc.Do(t, "buildout")
	m := sc.Await(t, "uefi1", 12*time.Minute, "has a third of its image", Percent(33))
	sc.Fault(t, "uefi1", lab.NoLink, true)
	t.Logf("cut the cable of uefi1 at %+v", *m.Progress)
	select { // the length of the cut is what is tested; nothing is waited for
	case <-time.After(cut):
	case <-t.Context().Done():
	}
	before, err := sc.API.Machine(t.Context(), "uefi1")
	if err != nil || before.State != "deploying" || before.Step != "write-image" || before.Progress == nil || before.Progress.Done == before.Progress.Total {
		t.Fatalf("after %s without a cable uefi1 is %s at %s with %+v (%v), want it in the middle of its image", cut, before.State, before.Step, before.Progress, err)
	}
	sc.Fault(t, "uefi1", lab.NoLink, false)
	sc.Await(t, "uefi1", 2*time.Minute, "goes on", func(m api.Machine) bool {
		return m.Step != "write-image" || m.Progress != nil && m.Progress.Done > before.Progress.Done
	})
	sc.Active(t, 20*time.Minute, "uefi1", "bios1")
	for _, name := range []string{"uefi1", "bios1"} {
		sc.WantOnePowerOn(t, name)
		sc.WantOneImage(t, name)
	}
	// What was under way when the cable went may come again: three chunks of at most 4 MiB.
	cutOff, whole := sc.WantOneImage(t, "uefi1"), sc.WantOneImage(t, "bios1")
	t.Logf("over the wire: %d bytes with the cut, %d without", cutOff.Wire, whole.Wire)
	if cutOff.Wire > whole.Wire+16*mebi {
		t.Errorf("%d bytes came over the wire with the cut, %d without: more than the chunks under way came twice", cutOff.Wire, whole.Wire)
	}
}
