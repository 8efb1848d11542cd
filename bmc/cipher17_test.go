package bmc_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/bougou/go-ipmi/pkg/hal/mock"
	"github.com/bougou/go-ipmi/pkg/server"
	"github.com/bougou/go-ipmi/pkg/types"

	"socle/bmc"
	"socle/internal/secret"
	"socle/inventory"
)

// TestCipher17 is for what ipmi_sim cannot do: a controller that takes only cipher suite 17, as new ones do,
// here go-ipmi's own. ipmitool has to be told the same suite.
func TestCipher17(t *testing.T) {
	to := ownTarget()
	stop := serveOwn(t, to.Address, ownController(t, mock.New()), new(atomic.Bool), server.WithCipherSuites([]types.CipherSuiteID{types.CipherSuiteID17}))
	t.Cleanup(stop)

	d := bmc.New(bmc.Options{Settle: 2 * time.Second, BootSettle: time.Second, OffTime: 10 * time.Millisecond})
	if i, err := d.Probe(t.Context(), to); err != nil || i.Firmware != "2.10" {
		t.Errorf("probe: %+v, %v", i, err)
	}
	if err := nextBoot(t.Context(), d, to, bmc.BootPXE, true); err != nil {
		t.Error(err)
	}
	for _, c := range []struct {
		action bmc.Action
		want   inventory.Power
	}{{bmc.Off, inventory.PowerOff}, {bmc.On, inventory.PowerOn}, {bmc.Cycle, inventory.PowerOn}, {bmc.Off, inventory.PowerOff}} {
		if got, err := d.SetPower(t.Context(), to, c.action); err != nil || got != c.want {
			t.Errorf("%s: %q, %v", c.action, got, err)
		}
	}
	to.Password = secret.New("not" + password)
	_, err := d.Power(t.Context(), to)
	mustBe(t, err, bmc.ErrAuth, "wrong password")
}
