//go:build e2e

package e2e

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"socle/api"
	"socle/lab"
)

// TestE2EForeignImages deploys Debians that Socle has not made: from a tar archive and from a qcow2 file, which
// cloud-init brings to call home, and from an archive without cloud-init, which cannot, and whose fault says so.
func TestE2EForeignImages(t *testing.T) {
	of := func(s lab.Server, product string) lab.Server { s.Product = product; return s }
	role := func(name, product string) map[string]any {
		return map[string]any{"name": name, "image": name, "verify": "none", "priority": 30, "match": map[string]any{"product": product}}
	}
	sc := Play(t, Spec(of(BIOS("fromtar", 1), "Tar"), of(UEFI("fromqcow", 2), "QCow"), of(BIOS("mute", 3), "Mute")), ServerOptions{
		Roles:  []map[string]any{role("my-tar", "Tar"), role("my-qcow2", "QCow"), role("my-mute", "Mute")},
		Limits: map[string]string{"phone_home": "40m", "boot": "15m"},
	})
	archive := Built(t).Foreign(t)
	bare, qcow := filepath.Join(sc.Dir, "bare.tar"), filepath.Join(sc.Dir, "disk.qcow2")
	without(t, archive, "cloud", bare)
	sc.ImportImage(t, "my-tar", archive)
	sc.ImportImage(t, "my-mute", bare)
	sc.QCow2(t, "my-tar", qcow)
	sc.ImportImage(t, "my-qcow2", qcow)

	sc.Do(t, "buildout")
	sc.Active(t, 40*time.Minute, "fromtar", "fromqcow")
	for _, name := range []string{"fromtar", "fromqcow"} {
		sc.WantOnePowerOn(t, name)
		sc.WantOneImage(t, name)
	}
	sc.Await(t, "mute", 20*time.Minute, "waits for the deployed system", func(m api.Machine) bool { return m.Step == "phone-home" })
	Until(t, 10*time.Minute, "mute boots its disk", func() bool { return strings.Contains(sc.Console("mute"), " login:") })
	sc.Limit(t, map[string]string{"phone_home": "5s"}) // it has had its time
	m := sc.Faulty(t, 2*time.Minute, "mute", "no-phone-home", "has not called", "my-mute was imported", "cloud-init", "NoCloud", "console")
	if m.State != "ready" {
		t.Errorf("mute is %s, want ready", m.State)
	}
}
