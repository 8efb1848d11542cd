package bmc_test

import (
	"context"
	"net"
	"testing"
	"time"

	ipmibmc "github.com/bougou/go-ipmi/pkg/bmc"
	"github.com/bougou/go-ipmi/pkg/hal/mock"
	"github.com/bougou/go-ipmi/pkg/server"
	"github.com/bougou/go-ipmi/pkg/transport/udp"
	"github.com/bougou/go-ipmi/pkg/types"

	"socle/bmc"
	"socle/internal/secret"
	"socle/inventory"
)

// TestCipher17 is for what ipmi_sim cannot do: a controller that takes only cipher suite 17, as new ones do,
// here go-ipmi's own. ipmitool has to be told the same suite.
func TestCipher17(t *testing.T) {
	addr := net.JoinHostPort(ownHost(), "623")
	conn, err := udp.Listen(addr)
	if err != nil {
		t.Fatal(err)
	}
	b := ipmibmc.New(ipmibmc.DeviceInfo{FirmwareMajor: 2, FirmwareMinor: 0x10, IPMIVersion: 0x20}, [16]byte{}, mock.New())
	user, err := b.Users.Add(2, "admin")
	if err != nil {
		t.Fatal(err)
	}
	user.SetPassword([]byte(password))
	user.Enabled = true
	user.ChannelAccess[1] = ipmibmc.UserChannelAccess{MaxPrivilege: ipmibmc.PrivilegeLevelAdministrator, Enabled: true}
	srv := server.NewServer(b, conn, server.WithCipherSuites([]types.CipherSuiteID{types.CipherSuiteID17}))
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = srv.Serve(ctx) }()
	t.Cleanup(func() { cancel(); _ = srv.Close(); _ = conn.Close(); <-done })

	d := bmc.New(bmc.Options{Settle: 2 * time.Second, BootSettle: time.Second, OffTime: 10 * time.Millisecond})
	to := bmc.Target{Machine: "hv01", Protocol: inventory.IPMI, Address: addr, User: "admin", Password: secret.New(password)}
	if i, err := d.Probe(t.Context(), to); err != nil || i.Firmware != "2.10" {
		t.Errorf("probe: %+v, %v", i, err)
	}
	if err := d.SetNextBoot(t.Context(), to, inventory.BootRamdisk, true); err != nil {
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
	_, err = d.Power(t.Context(), to)
	mustBe(t, err, bmc.ErrAuth, "wrong password")
}
