package bmc_test

import (
	"testing"

	"socle/bmc"
	"socle/inventory"
	"socle/lab/redfish"
)

// secureBootOf reads the state and the keys.
func secureBootOf(t *testing.T, d *bmc.Driver, to bmc.Target) inventory.SecureBoot {
	t.Helper()
	sb, err := d.SecureBoot(t.Context(), to, true)
	if err != nil {
		t.Fatal(err)
	}
	return sb
}

// TestSecureBootShapes switches it, resets the keys, and boots in between, by the controllers of each vendor.
func TestSecureBootShapes(t *testing.T) {
	for _, name := range redfish.Shapes() {
		t.Run(name, func(t *testing.T) {
			e, _, target := shaped(t, name)
			d := bmc.New(patient)
			sb := secureBootOf(t, d, target)
			if sb.Enabled || sb.Active || sb.Mode != inventory.SecureBootUser || len(sb.Resets) != 3 {
				t.Fatalf("%+v", sb)
			}
			if shows := name != "x11"; shows != (len(sb.Databases) == 4) || shows && (sb.Databases[0].Name != "PK" || len(sb.Databases[0].Certificates) != 1 ||
				sb.Databases[0].Certificates[0].Subject != "CN=Virtual rack PK,O=Socle" || len(sb.Databases[0].Certificates[0].SHA256) != 64) {
				t.Errorf("keys %+v", sb.Databases)
			}
			boot := func(a bmc.Action) inventory.SecureBoot {
				t.Helper()
				if _, err := d.SetPower(t.Context(), target, a); err != nil {
					t.Fatal(err)
				}
				return secureBootOf(t, d, target)
			}
			e.Faults().Add(redfish.Fault{Kind: redfish.WrongETag, Times: 2, Path: "/redfish/v1/Systems/*/SecureBoot"})
			e.Faults().Add(redfish.Fault{Kind: redfish.Conflict, Times: 2})
			for range 2 { // the second time there is nothing to do
				if err := d.SetSecureBoot(t.Context(), target, true); err != nil {
					t.Fatal(err)
				}
			}
			if sb := secureBootOf(t, d, target); !sb.Enabled || sb.Active {
				t.Errorf("before the boot: %+v", sb)
			}
			if sb := boot(bmc.On); !sb.Active {
				t.Errorf("after the boot: %+v", sb)
			}
			if err := d.ResetKeys(t.Context(), target, inventory.KeysDelete); err != nil {
				t.Fatal(err)
			}
			if sb := boot(bmc.Reset); sb.Active || !inventory.KeysDelete.Leads(sb.Mode) || len(sb.Databases) > 0 && len(sb.Databases[2].Certificates) != 0 {
				t.Errorf("without keys: %+v", sb)
			}
			if err := d.ResetKeys(t.Context(), target, inventory.KeysDefault); err != nil {
				t.Fatal(err)
			}
			if sb := boot(bmc.Reset); !inventory.KeysDefault.Leads(sb.Mode) || len(sb.Databases) > 0 && len(sb.Databases[2].Certificates) != 1 {
				t.Errorf("with keys again: %+v", sb)
			}
			mustBe(t, d.ResetKeys(t.Context(), target, "DeleteEverything"), bmc.ErrUnsupported, "no DeleteEverything for the keys")
			e.Faults().Add(redfish.Fault{Kind: redfish.Ignore})
			mustBe(t, d.SetSecureBoot(t.Context(), target, !sb.Enabled), bmc.ErrReadBack, "at the next boot")
		})
	}
}
