package redfish_test

import (
	"context"
	"crypto/tls"
	"net/http"
	"net/url"
	"testing"
	"time"

	bmclib "github.com/bmc-toolbox/bmclib/v2"
	"github.com/google/go-cmp/cmp"

	"socle/lab/redfish"
)

// bmclib opens this foreign client with its Redfish driver alone.
func (b *bench) bmclib() *bmclib.Client {
	b.t.Helper()
	u, err := url.Parse(b.url)
	check(b.t, err)
	client := &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	c := bmclib.NewClient(u.Hostname(), "admin", "pw", bmclib.WithHTTPClient(client), bmclib.WithRedfishPort(u.Port()))
	c.Registry.Drivers = c.Registry.For("gofish")
	check(b.t, c.Open(b.t.Context()))
	b.t.Cleanup(func() { _ = c.Close(context.WithoutCancel(b.t.Context())) })
	return c
}

// TestBmclib has this client do all that its Redfish driver can, on every shape that it knows how to treat.
func TestBmclib(t *testing.T) {
	for _, name := range []string{"generic", "idrac9"} {
		t.Run(name, func(t *testing.T) {
			b := start(t, true, shaped(t, name))
			c, ctx := b.bmclib(), t.Context()
			ok := func(done bool, err error) {
				t.Helper()
				if !done || err != nil {
					t.Errorf("%v, %v", done, err)
				}
			}
			ok(c.SetPowerState(ctx, "on"))
			if got, err := c.GetPowerState(ctx); err != nil || got != "On" {
				t.Errorf("power %q, %v", got, err)
			}
			check(t, c.SendNMI(ctx))
			ok(c.SetBootDevice(ctx, "pxe", true, true))
			if got, err := c.GetBootDeviceOverride(ctx); err != nil || got.Device != "pxe" || !got.IsPersistent || !got.IsEFIBoot {
				t.Errorf("boot %+v, %v", got, err)
			}
			ok(c.SetVirtualMedia(ctx, "CD", "http://198.18.0.1/a.iso"))
			ok(c.SetVirtualMedia(ctx, "CD", "http://198.18.0.1/b.iso")) // ejects first
			if got := b.bmc.Medium("CD"); got != "http://198.18.0.1/b.iso" {
				t.Error(got)
			}
			ok(c.SetVirtualMedia(ctx, "CD", ""))
			if got := b.bmc.Medium("CD"); got != "" {
				t.Error(got)
			}
			device, err := c.Inventory(ctx)
			check(t, err)
			if device.Serial != "SN-1" || len(device.CPUs) != 2 || len(device.Drives) != 4 || len(device.PSUs) != 2 || device.BMC.Firmware.Installed == "" || device.BIOS.Firmware.Installed == "" {
				t.Errorf("%+v", device)
			}
			settings, err := c.GetBiosConfiguration(ctx)
			if err != nil || settings["SriovGlobalEnable"] != "Disabled" {
				t.Errorf("%v, %v", settings, err)
			}
			check(t, c.ResetBiosConfiguration(ctx))
			b.bmc.AddLog(redfish.Warning, "something")
			if name != "generic" { // it reads the managers' logs only
				if log, err := c.GetSystemEventLog(ctx); err != nil || len(log) != 1 || log[0][3] != "something" {
					t.Errorf("%v, %v", log, err)
				}
			}
			check(t, c.ClearSystemEventLog(ctx))
			if n := len(b.bmc.Log()); n != 0 {
				t.Errorf("%d entries after clearing", n)
			}
			ok(c.ResetBMC(ctx, "GracefulRestart"))
			b.silent(t, "/redfish/v1/")
			b.pass(time.Minute)
			b.want(200, "", "GET", "/redfish/v1/", "")
			if diff := cmp.Diff([]string{redfish.On, redfish.NMI}, b.vm.Actions()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestBmclibUsers: it knows only accounts that are places to be filled.
func TestBmclibUsers(t *testing.T) {
	b := start(t, true, shaped(t, "idrac9"))
	c, ctx := b.bmclib(), t.Context()
	if done, err := c.CreateUser(ctx, "socle", "long-enough", "Administrator"); err != nil || !done {
		t.Fatal(done, err)
	}
	b.want(200, "", "GET", idrac, "", as("socle", "long-enough")...)
	if done, err := c.UpdateUser(ctx, "socle", "another-one", "Operator"); err != nil || !done {
		t.Fatal(done, err)
	}
	b.want(200, "", "GET", idrac, "", as("socle", "another-one")...)
	if done, err := c.DeleteUser(ctx, "socle"); err != nil || !done {
		t.Fatal(done, err)
	}
	b.want(401, "NoValidSession", "GET", idrac, "", as("socle", "another-one")...)
}
