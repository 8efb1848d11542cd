//go:build e2e

package e2e

import (
	"strings"
	"testing"
	"time"

	"socle/api"
	"socle/internal/pgtest"
)

// TestE2EKilledServer kills the server in the middle of each thing that cannot be done twice: when the intent to
// switch on is written, between the halves of it, in the middle of an image, and while it waits for the deployed
// system. Each time it finds its way back; nobody's power is cycled twice and nothing is written twice.
func TestE2EKilledServer(t *testing.T) { killedServer(t, ServerOptions{}) }

// TestE2EKilledServerPostgres is the same on PostgreSQL, where the killed server could be one of several.
func TestE2EKilledServerPostgres(t *testing.T) {
	killedServer(t, ServerOptions{Database: pgtest.URL(t)})
}

func killedServer(t *testing.T, o ServerOptions) {
	t.Helper()
	sc := Play(t, Spec(BIOS("bios1", 1), UEFI("uefi1", 2)), o)
	sc.Do(t, "buildout")
	var seq int64
	for _, at := range []string{"shall boot its ramdisk", "power is off", "power is on"} {
		seq = sc.KillAt(t, "bios1", seq, 2*time.Minute, at, func(e api.Event) bool { return e.Kind == "power" && strings.Contains(e.Reason, at) })
	}
	sc.KillWhen(t, "bios1", 10*time.Minute, "has a third of its image", Percent(33))
	sc.KillWhen(t, "uefi1", 10*time.Minute, "has two thirds of its image", Percent(66))
	sc.KillWhen(t, "bios1", 10*time.Minute, "waits for the deployed system", func(m api.Machine) bool { return m.Step == "phone-home" })
	sc.Active(t, 20*time.Minute, "bios1", "uefi1")
	for _, name := range []string{"bios1", "uefi1"} {
		sc.WantOnePowerOn(t, name)
		sc.WantOneImage(t, name)
	}
}
