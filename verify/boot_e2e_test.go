//go:build e2e

package verify

import (
	"testing"
	"time"
)

// TestMinimalBoots boots the minimal image by both firmwares and waits for its call.
func TestMinimalBoots(t *testing.T) {
	for _, uefi := range []bool{false, true} {
		name := map[bool]string{false: "bios", true: "uefi"}[uefi]
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			g := w.guest(t, guestOptions{name: name, image: "minimal", uefi: uefi, memory: 768})
			g.start(t)
			w.phonedHome(t, g, 6*time.Minute)
		})
	}
}
